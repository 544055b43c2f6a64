package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/password"
)

type me struct {
	ID         cairn.AccountID      `json:"id"`
	Email      string               `json:"email"`
	Name       string               `json:"name"`
	Role       cairn.Role           `json:"role"`
	Via        auth.Via             `json:"via"`
	Scopes     []cairn.Scope        `json:"scopes"`
	Principals []cairn.PrincipalKey `json:"principals"`
	Password   auth.PasswordState   `json:"password"`
}

func (a *API) replyMe(c *gin.Context, i auth.Identity) error {
	state, err := a.Auth.PasswordState(c.Request.Context(), i.Account)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, me{
		i.Account.ID, i.Account.Email, i.Account.Name, i.Account.Role, i.Via, list(i.Scopes), list(i.Viewer.Keys), state,
	})
}

// me answers GET /me.
func (a *API) me(c *gin.Context) error {
	return a.replyMe(c, auth.FromContext(c.Request.Context()))
}

// setPassword answers POST /me/password.
func (a *API) setPassword(c *gin.Context) error {
	var req struct {
		Password string `json:"password"`
		Current  string `json:"current"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	ctx := c.Request.Context()
	if err := a.Auth.SetPassword(c.Request, auth.FromContext(ctx), req.Current, req.Password); err != nil {
		return err
	}
	return noContent(c)
}

type loginRequest struct {
	Code     string `json:"code"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

// check brings the address into the form in which it is stored. Errors are ErrInvalid.
func (r *loginRequest) check() error {
	if (r.Code == "") == (r.Password == "") {
		return cairn.Errorf(cairn.ErrInvalid, "give either \"code\", or \"email\" and \"password\"")
	}
	if err := checkLength("code", r.Code, 0, 200); err != nil {
		return err
	}
	if err := checkLength("password", r.Password, 0, password.MaxBytes); err != nil {
		return err
	}
	if r.Email == "" && r.Password == "" {
		return nil
	}
	email, err := checkEmail(r.Email)
	r.Email = email
	return err
}

// login answers POST /login.
func (a *API) login(c *gin.Context) error {
	var req loginRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	var id auth.Identity
	var err error
	if req.Password != "" {
		id, err = a.Auth.SignInWithPassword(c.Writer, c.Request, req.Email, req.Password)
	} else {
		id, err = a.Auth.SignIn(c.Writer, c.Request, req.Code, req.Email)
	}
	if err != nil {
		return err
	}
	return a.replyMe(c, id)
}

// logout answers POST /logout.
func (a *API) logout(c *gin.Context) error {
	if err := a.Auth.SignOut(c.Writer, c.Request); err != nil {
		return err
	}
	return noContent(c)
}
