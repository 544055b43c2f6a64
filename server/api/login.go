package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// issuer is where people sign in, as the sign-in page shows it.
type issuer struct {
	Label   string  `json:"label"`
	Problem *string `json:"problem"`
}

// issuerPatience is how long the sign-in page waits to learn whether the issuer
// can be reached.
const issuerPatience = 2 * time.Second

// waysIn answers GET /login.
func (a *API) waysIn(c *gin.Context) error {
	values, err := params(c, "failed")
	if err != nil {
		return err
	}
	var out struct {
		OIDC      *issuer `json:"oidc"`
		Passwords bool    `json:"passwords"`
		Failure   *string `json:"failure"`
	}
	out.Passwords = a.Auth.HasPasswords()
	if label := a.Auth.OIDCLabel(); label != "" {
		ctx, cancel := context.WithTimeout(c.Request.Context(), issuerPatience)
		defer cancel()
		out.OIDC = &issuer{Label: label}
		if problem := a.Auth.OIDCProblem(ctx); problem != "" {
			out.OIDC.Problem = &problem
		}
	}
	if message, ok := auth.Refused(values["failed"]).Message(); ok {
		out.Failure = &message
	}
	return reply(c, http.StatusOK, out)
}

// beginOIDC answers GET /login/oidc by sending the browser to the issuer.
func (a *API) beginOIDC(c *gin.Context) error {
	values, err := params(c, "next")
	if err != nil {
		return err
	}
	location, err := a.Auth.BeginOIDC(c.Writer, c.Request, values["next"])
	return a.sendOn(c, location, err)
}

// finishOIDC answers GET /login/oidc/callback, to which the issuer sends the
// browser back.
func (a *API) finishOIDC(c *gin.Context) error {
	next, err := a.Auth.FinishOIDC(c.Writer, c.Request)
	return a.sendOn(c, next, err)
}

// sendOn sends a browser on or, with an error, to the sign-in page, which says
// what is wrong and what to do. A person sees the reply, not a program.
func (a *API) sendOn(c *gin.Context, location string, err error) error {
	if errors.Is(err, cairn.ErrNotFound) {
		return err // there is no issuer
	}
	if err != nil {
		location = "/login?failed=" + url.QueryEscape(string(auth.RefusedAs(err)))
	}
	c.Redirect(http.StatusSeeOther, location)
	return err // for the logs
}
