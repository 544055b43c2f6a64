package api

import (
	"fmt"
	"maps"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server/audit"
)

// preview is what a change of a source's permissions would do, as it is sent.
type preview struct {
	Documents int            `json:"documents"`
	NextSync  bool           `json:"next_sync"` // it would be so after the next sync, not at once
	Lose      accountChanges `json:"lose"`
	Gain      accountChanges `json:"gain"`
}

type accountChanges struct {
	Accounts int             `json:"accounts"`
	First    []accountChange `json:"first"`
}

type accountChange struct {
	ID        cairn.AccountID `json:"id"`
	Email     string          `json:"email"`
	Documents int             `json:"documents"`
}

func accountChangesOf(all []AccountChange, most int) accountChanges {
	return accountChanges{len(all), mapped(all[:min(len(all), most)], func(c AccountChange) accountChange {
		return accountChange{c.Account.ID, c.Account.Email, c.Documents}
	})}
}

// previewSource answers POST /sources/{name}/acl/preview with what PATCH
// /sources/{name} would do to the permissions of documents, and changes nothing.
func (a *API) previewSource(c *gin.Context) error {
	values, err := params(c, "limit")
	if err != nil {
		return err
	}
	most, err := number(values, "limit", 20, maxPage)
	if err != nil {
		return err
	}
	var req sourcePatch
	if err := decode(c, &req, false); err != nil {
		return err
	}
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindSource, string(s.ID))
	edited := s
	if err := a.patch(c, req, &edited); err != nil {
		return err
	}
	own, err := a.ownACLs(s, edited)
	if err != nil {
		return err
	}
	change, err := a.Store.PreviewAccess(ctx, edited, own)
	if err != nil {
		return err
	}
	audit.FromContext(ctx).Detail(fmt.Sprintf("documents:%d lose:%d gain:%d", change.Documents, len(change.Lose), len(change.Gain)))
	return reply(c, http.StatusOK, preview{
		change.Documents, own != nil, accountChangesOf(change.Lose, most), accountChangesOf(change.Gain, most),
	})
}

// ownACLs returns how settings that were edited give documents ACLs of their own;
// nil when they were not, or give none.
func (a *API) ownACLs(s, edited cairn.Source) (func(external string) *cairn.ACL, error) {
	kind, err := a.Kinds.Lookup(s.Kind)
	if err != nil || kind.Rules == nil || maps.Equal(s.Settings, edited.Settings) {
		return nil, err
	}
	rules, err := kind.Rules(edited.Settings)
	if err != nil {
		return nil, err
	}
	return func(external string) *cairn.ACL {
		acl := rules(external)
		if acl != nil {
			*acl = connectors.InDirectory(*acl, s.Name)
		}
		return acl
	}, nil
}
