package api

import (
	"context"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

type user struct {
	ID       cairn.AccountID `json:"id"`
	Email    string          `json:"email"`
	Name     string          `json:"name"`
	Role     cairn.Role      `json:"role"`
	Disabled bool            `json:"disabled"`
	Created  time.Time       `json:"created_at"`
}

func userOf(a cairn.Account) user {
	return user{a.ID, a.Email, a.Name, a.Role, a.Disabled, a.Created.UTC()}
}

// checkEmail returns an address in lower case, or an ErrInvalid.
func checkEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	parsed, err := mail.ParseAddress(s)
	folded, ok := cairn.FoldAddress(s)
	if err != nil || parsed.Address != s || !ok {
		return "", cairn.Errorf(cairn.ErrInvalid, "%q is no e-mail address; write it as in ann@example.com", s)
	}
	return folded, nil
}

// account finds an account by its id or e-mail address.
func (a *API) account(ctx context.Context, name string) (cairn.Account, error) {
	if strings.Contains(name, "@") {
		email, ok := cairn.FoldAddress(name)
		if !ok {
			return cairn.Account{}, cairn.ErrNotFound
		}
		return a.Store.AccountByEmail(ctx, email)
	}
	return a.Store.AccountByID(ctx, cairn.AccountID(name))
}

// listUsers answers GET /users.
func (a *API) listUsers(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	accounts, next, err := a.Store.ListAccounts(c.Request.Context(), p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Users []user  `json:"users"`
		Next  *string `json:"next_cursor"`
	}{mapped(accounts, userOf), after(next)})
}

// getUser answers GET /users/{id}.
func (a *API) getUser(c *gin.Context) error {
	account, err := a.account(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, userOf(account))
}

// createUser answers POST /users.
func (a *API) createUser(c *gin.Context) error {
	req := struct {
		Email string     `json:"email"`
		Name  string     `json:"name"`
		Role  cairn.Role `json:"role"`
	}{Role: cairn.RoleMember}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	account := cairn.Account{Email: req.Email, Name: req.Name, Role: req.Role, Created: a.Now().UTC()}
	if err := checkAccount(&account); err != nil {
		return err
	}
	account, err := a.Store.CreateAccount(c.Request.Context(), account)
	if err != nil {
		return err
	}
	return reply(c, http.StatusCreated, userOf(account))
}

// updateUser answers PATCH /users/{id}.
func (a *API) updateUser(c *gin.Context) error {
	var req struct {
		Email    *string     `json:"email"`
		Name     *string     `json:"name"`
		Role     *cairn.Role `json:"role"`
		Disabled *bool       `json:"disabled"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	ctx := c.Request.Context()
	account, err := a.account(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	account, err = a.Store.UpdateAccount(ctx, account.ID, func(account *cairn.Account) error {
		set(&account.Email, req.Email)
		set(&account.Name, req.Name)
		set(&account.Role, req.Role)
		set(&account.Disabled, req.Disabled)
		// The account of local mode has no address and needs none.
		if account.Email == "" && req.Email == nil {
			return nil
		}
		return checkAccount(account)
	})
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, userOf(account))
}

// set replaces what to points at unless from is nil.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func checkAccount(a *cairn.Account) error {
	email, err := checkEmail(a.Email)
	if err != nil {
		return err
	}
	a.Email = email
	if err := oneOf("role", string(a.Role), "admin", "auditor", "member"); err != nil {
		return err
	}
	return checkLength("name", a.Name, 0, 200)
}

// resetPassword answers DELETE /users/{id}/password.
func (a *API) resetPassword(c *gin.Context) error {
	ctx := c.Request.Context()
	account, err := a.account(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	if err := a.Auth.ResetPassword(ctx, account.ID); err != nil {
		return err
	}
	return noContent(c)
}

// createCode answers POST /users/{id}/code.
func (a *API) createCode(c *gin.Context) error {
	ctx := c.Request.Context()
	account, err := a.account(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	if account.Disabled {
		return cairn.Errorf(cairn.ErrInvalid, "the account is disabled; enable it first")
	}
	code, expires, err := a.Auth.NewCode(ctx, account.ID)
	if err != nil {
		return err
	}
	return reply(c, http.StatusCreated, struct {
		Code    string    `json:"code"`
		Expires time.Time `json:"expires_at"`
	}{code, expires.UTC()})
}
