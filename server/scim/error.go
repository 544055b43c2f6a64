package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

// fault is a failure in SCIM's own terms.
type fault struct {
	status   int
	scimType string // of RFC 7644, section 3.12; may be empty
	detail   string
}

// Error returns the detail.
func (f *fault) Error() string { return f.detail }

// badRequest returns a fault of status 400 with one of the types of the RFC.
func badRequest(scimType, format string, args ...any) error {
	return &fault{http.StatusBadRequest, scimType, fmt.Sprintf(format, args...)}
}

// errChanged answers a request whose If-Match names another version.
var errChanged = &fault{http.StatusPreconditionFailed, "", "the resource has changed since; read it again"}

// handle turns a handler into one of the server: its faults are answered here, all
// other errors by the server, in SCIM's form, too.
func handle(h server.Handler) server.Handler {
	return func(c *gin.Context) error {
		err := h(c)
		var f *fault
		if errors.As(err, &f) {
			return write(c, f.status, errorBody(f.status, f.scimType, f.detail))
		}
		return err
	}
}

// Fail writes a failure that is no fault, as RFC 7644 wants errors to look.
func Fail(c *gin.Context, f server.Failure) {
	scimType := ""
	switch f.Status {
	case http.StatusConflict:
		if c.Request.Method != http.MethodDelete {
			scimType = "uniqueness"
		}
	case http.StatusBadRequest:
		scimType = "invalidValue"
	}
	_ = write(c, f.Status, errorBody(f.Status, scimType, f.Message))
}

func errorBody(status int, scimType, detail string) any {
	return struct {
		Schemas  []string `json:"schemas"`
		Status   string   `json:"status"`
		SCIMType string   `json:"scimType,omitempty"`
		Detail   string   `json:"detail"`
	}{[]string{"urn:ietf:params:scim:api:messages:2.0:Error"}, strconv.Itoa(status), scimType, detail}
}

// write answers with a JSON document of SCIM's media type.
func write(c *gin.Context, status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the reply: %w", err)
	}
	c.Writer.Header().Set("Content-Type", "application/scim+json")
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(append(b, '\n')) // who does not read the reply is gone
	return nil
}

// lacks answers a request that leaves out what must be there.
func lacks(what string) error {
	return badRequest("invalidValue", "%s is missing", what)
}

// tooLarge answers a request whose body is too large.
func tooLarge() error {
	return cairn.Errorf(cairn.ErrTooLarge, "the body is larger than %d MiB; send fewer members at once", maxBody>>20)
}
