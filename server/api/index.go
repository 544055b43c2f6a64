package api

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// verifyIndex answers POST /index/verify.
func (a *API) verifyIndex(c *gin.Context) error {
	var req struct {
		Quick bool `json:"quick"`
	}
	if err := decode(c, &req, true); err != nil {
		return err
	}
	found, err := a.Index.Verify(c.Request.Context(), !req.Quick)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, found)
}

// rebuildIndex answers POST /index/rebuild. Who leaves before it has ended
// breaks it off: what was done stays, and searches never notice.
func (a *API) rebuildIndex(c *gin.Context) error {
	var chunks int
	err := a.Index.Rebuild(c.Request.Context(), func(_, all int) { chunks = all })
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, rebuiltIndex{chunks})
}

type rebuiltIndex struct {
	Chunks int `json:"chunks"`
}
