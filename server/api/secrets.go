package api

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn/server/audit"
)

// rotateSecrets answers POST /secrets/rotate.
func (a *API) rotateSecrets(c *gin.Context) error {
	ctx := c.Request.Context()
	done, err := a.Store.RotateSecrets(ctx)
	if err != nil {
		return err
	}
	audit.FromContext(ctx).Detail(fmt.Sprintf("sealed:%d lost:%d", done.Sealed, done.Lost))
	return reply(c, http.StatusOK, done)
}
