package scim

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// versionOf returns the ETag of a revision. It is weak: what is equal for SCIM may
// be written in another order.
func versionOf(revision int64) string { return `W/"` + strconv.FormatInt(revision, 10) + `"` }

// unchanged returns errChanged when the request names versions that it is for, and
// the revision is none of them.
func unchanged(c *gin.Context, revision int64) error {
	if wanted := c.Request.Header.Get("If-Match"); wanted != "" && !names(wanted, revision) {
		return errChanged
	}
	return nil
}

// known reports whether the caller has the revision already.
func known(c *gin.Context, revision int64) bool {
	had := c.Request.Header.Get("If-None-Match")
	return had != "" && names(had, revision)
}

// names reports whether a list of ETags has that of a revision, strong or weak, or is *.
func names(list string, revision int64) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || "W/"+strings.TrimPrefix(tag, "W/") == versionOf(revision) {
			return true
		}
	}
	return false
}
