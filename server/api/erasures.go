package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// erasure is a receipt as it is sent.
type erasure struct {
	ID      string            `json:"id"`
	Kind    cairn.ErasureKind `json:"kind"`
	Subject string            `json:"subject"`
	By      cairn.AccountID   `json:"by"`
	At      time.Time         `json:"at"`
	Counts  map[string]int    `json:"counts"`
	Cleaned *time.Time        `json:"cleaned_at"`
	KeptOut bool              `json:"kept_out"`
}

func erasureOf(e cairn.Erasure) erasure {
	counts := e.Counts
	if counts == nil {
		counts = map[string]int{}
	}
	return erasure{e.ID, e.Kind, e.Subject, e.By, e.At.UTC(), counts, moment(e.Cleaned), e.KeptOut}
}

// receipt replies with the receipt of an erasure that was just made.
func (a *API) receipt(c *gin.Context, e cairn.Erasure) error {
	if a.Erased != nil {
		// Who asked may be gone, or have been erased: what is done is done.
		a.Erased(context.WithoutCancel(c.Request.Context()))
	}
	return reply(c, http.StatusOK, erasureOf(e))
}

// eraseDocument answers DELETE /documents/{id}.
func (a *API) eraseDocument(c *gin.Context) error {
	ctx := c.Request.Context()
	id := cairn.DocumentID(c.Param("id"))
	aboutDocument(ctx, c.Param("id"))
	s, err := a.Store.SourceOfDocument(ctx, id)
	if err != nil {
		return err
	}
	kind, err := a.Kinds.Lookup(s.Kind)
	if err != nil {
		return err
	}
	if !a.erasable(auth.FromContext(ctx), s, kind.Pushed) {
		return cairn.ErrNotFound
	}
	erased, err := a.Store.EraseDocument(ctx, id, !kind.Pushed, auth.FromContext(ctx).Account.ID)
	if err != nil {
		return err
	}
	return a.receipt(c, erased)
}

// erasable reports whether the caller may erase documents of a source:
// administrators, and of one that programs push to those who write to it. For
// others a document does not exist, whether they may read it or not.
func (a *API) erasable(i auth.Identity, s cairn.Source, pushed bool) bool {
	if pushed {
		return i.Account.Role == cairn.RoleAdmin || writes(i.Account, s.Settings["writers"])
	}
	return administers(i)
}

// eraseUser answers DELETE /users/{id}. The account of an id may be gone already.
func (a *API) eraseUser(c *gin.Context) error {
	ctx := c.Request.Context()
	id := cairn.AccountID(c.Param("id"))
	if strings.Contains(c.Param("id"), "@") {
		account, err := a.account(ctx, c.Param("id"))
		if err != nil {
			return err
		}
		id = account.ID
	}
	erased, err := a.Store.EraseAccount(ctx, id, auth.FromContext(ctx).Account.ID)
	if err != nil {
		return err
	}
	return a.receipt(c, erased)
}

// listErasures answers GET /erasures.
func (a *API) listErasures(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	list, next, err := a.Store.ListErasures(c.Request.Context(), p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Erasures []erasure `json:"erasures"`
		Next     *string   `json:"next_cursor"`
	}{mapped(list, erasureOf), after(next)})
}

// liftErasure answers POST /erasures/{id}/lift.
func (a *API) liftErasure(c *gin.Context) error {
	lifted, err := a.Store.LiftErasure(c.Request.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, erasureOf(lifted))
}

// cleanErasures answers POST /erasures/clean.
func (a *API) cleanErasures(c *gin.Context) error {
	if err := a.Store.Rewrite(c.Request.Context()); err != nil {
		return err
	}
	return noContent(c)
}
