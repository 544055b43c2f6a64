package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// grant is a grant as it is sent.
type grant struct {
	ID       cairn.GrantID     `json:"id"`
	User     user              `json:"user"`
	Source   *string           `json:"source"`
	Document *cairn.DocumentID `json:"document_id"`
	Reason   string            `json:"reason"`
	By       cairn.AccountID   `json:"by"`
	Created  time.Time         `json:"created_at"`
	Expires  time.Time         `json:"expires_at"`
	Revoked  *time.Time        `json:"revoked_at"`
	Lives    bool              `json:"lives"`
}

func grantOf(g GrantStatus) grant {
	out := grant{
		ID: g.ID, User: userOf(g.Holder), Reason: g.Reason, By: g.By, Created: g.Created.UTC(), Expires: g.Expires.UTC(),
		Revoked: moment(g.Revoked), Lives: g.Lives,
	}
	if g.Document != "" {
		out.Document = &g.Document
	} else {
		out.Source = &g.SourceName
	}
	return out
}

// How long a grant lives. The database refuses more than mostGrant, too.
const (
	usualGrant = time.Hour
	leastGrant = time.Minute
	mostGrant  = 24 * time.Hour
)

type grantRequest struct {
	User     string           `json:"user"`
	Source   string           `json:"source"`
	Document cairn.DocumentID `json:"document_id"`
	Reason   string           `json:"reason"`
	TTL      string           `json:"ttl"`
}

// checked returns the reason and how long the grant is to live, or an ErrInvalid.
func (r grantRequest) checked() (reason string, lifetime time.Duration, err error) {
	if (r.Source == "") == (r.Document == "") {
		return "", 0, cairn.Errorf(cairn.ErrInvalid, "name what is granted: either a \"source\" or a \"document_id\"")
	}
	if err := checkLength("reason", r.Reason, 1, 500); err != nil {
		return "", 0, err
	}
	lifetime = usualGrant
	if r.TTL != "" {
		lifetime, err = time.ParseDuration(r.TTL)
		if err != nil || lifetime < leastGrant || lifetime > mostGrant {
			return "", 0, cairn.Errorf(cairn.ErrInvalid, "\"ttl\" must be a duration from 1m to 24h, as in 90m")
		}
	}
	return strings.TrimSpace(r.Reason), lifetime, nil
}

// createGrant answers POST /grants.
func (a *API) createGrant(c *gin.Context) error {
	var req grantRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	reason, lifetime, err := req.checked()
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	by := auth.FromContext(ctx).Account
	g := cairn.Grant{Account: by.ID, Document: req.Document, Reason: reason, By: by.ID}
	if req.User != "" {
		account, err := a.account(ctx, req.User)
		if err != nil {
			return err
		}
		g.Account = account.ID
	}
	if req.Source != "" {
		s, err := a.Store.SourceNamed(ctx, req.Source)
		if err != nil {
			return err
		}
		g.Source = s.ID
	} else if _, err := a.Store.SourceOfDocument(ctx, req.Document); err != nil {
		return err
	}
	made, err := a.Store.CreateGrant(ctx, g, lifetime)
	if err != nil {
		return err
	}
	return reply(c, http.StatusCreated, grantOf(made))
}

// listGrants answers GET /grants.
func (a *API) listGrants(c *gin.Context) error {
	values, err := params(c, "all", "limit", "cursor")
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	all := false
	if s, ok := values["all"]; ok {
		if all, err = strconv.ParseBool(s); err != nil {
			return cairn.Errorf(cairn.ErrInvalid, "all must be true or false")
		}
	}
	grants, next, err := a.Store.ListGrants(c.Request.Context(), all, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Grants []grant `json:"grants"`
		Next   *string `json:"next_cursor"`
	}{mapped(grants, grantOf), after(next)})
}

// revokeGrant answers DELETE /grants/{id}.
func (a *API) revokeGrant(c *gin.Context) error {
	if err := a.Store.RevokeGrant(c.Request.Context(), cairn.GrantID(c.Param("id"))); err != nil {
		return err
	}
	return noContent(c)
}
