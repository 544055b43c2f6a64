package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

type me struct {
	ID         cairn.AccountID      `json:"id"`
	Email      string               `json:"email"`
	Name       string               `json:"name"`
	Role       cairn.Role           `json:"role"`
	Via        auth.Via             `json:"via"`
	Scopes     []cairn.Scope        `json:"scopes"`
	Principals []cairn.PrincipalKey `json:"principals"`
}

func meOf(i auth.Identity) me {
	return me{i.Account.ID, i.Account.Email, i.Account.Name, i.Account.Role, i.Via, list(i.Scopes), list(i.Viewer.Keys)}
}

// me answers GET /me.
func (a *API) me(c *gin.Context) error {
	return reply(c, http.StatusOK, meOf(auth.FromContext(c.Request.Context())))
}

// login answers POST /login.
func (a *API) login(c *gin.Context) error {
	var req struct {
		Code  string `json:"code"`
		Email string `json:"email"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if err := checkLength("code", req.Code, 1, 200); err != nil {
		return err
	}
	if req.Email != "" {
		email, err := checkEmail(req.Email)
		if err != nil {
			return err
		}
		req.Email = email
	}
	id, err := a.Auth.SignIn(c.Writer, c.Request, req.Code, req.Email)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, meOf(id))
}

// logout answers POST /logout.
func (a *API) logout(c *gin.Context) error {
	if err := a.Auth.SignOut(c.Writer, c.Request); err != nil {
		return err
	}
	return noContent(c)
}
