package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn/server/auth"
)

type binding struct {
	ID       string    `json:"id"`
	User     user      `json:"user"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Name     string    `json:"name"`
	First    time.Time `json:"first_at"`
	Last     time.Time `json:"last_at"`
	Attempts int       `json:"attempts"`
}

func bindingOf(b auth.PendingBinding) binding {
	return binding{b.ID, userOf(b.Account), b.Issuer, b.Subject, b.Name, b.First.UTC(), b.Last.UTC(), b.Attempts}
}

// listBindings answers GET /users/bindings.
func (a *API) listBindings(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	bindings, next, err := a.Store.ListBindings(c.Request.Context(), p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Bindings []binding `json:"bindings"`
		Next     *string   `json:"next_cursor"`
	}{mapped(bindings, bindingOf), after(next)})
}

// confirmBinding answers POST /users/bindings/{binding}/confirm.
func (a *API) confirmBinding(c *gin.Context) error {
	account, err := a.Store.ConfirmBinding(c.Request.Context(), c.Param("binding"))
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, userOf(account))
}

// dismissBinding answers DELETE /users/bindings/{binding}.
func (a *API) dismissBinding(c *gin.Context) error {
	if err := a.Store.DismissBinding(c.Request.Context(), c.Param("binding")); err != nil {
		return err
	}
	return noContent(c)
}
