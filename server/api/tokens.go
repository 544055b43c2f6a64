package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

type token struct {
	ID       string          `json:"id"`
	Account  cairn.AccountID `json:"account_id"`
	Name     string          `json:"name"`
	Scopes   []cairn.Scope   `json:"scopes"`
	Created  time.Time       `json:"created_at"`
	Expires  time.Time       `json:"expires_at"`
	LastUsed *time.Time      `json:"last_used_at"`
	Revoked  *time.Time      `json:"revoked_at"`
}

func tokenOf(t cairn.Token) token {
	return token{t.ID, t.Account, t.Name, list(t.Scopes), t.Created.UTC(), t.Expires.UTC(), moment(t.LastUsed), moment(t.Revoked)}
}

const (
	defaultTTL = 90 * 24 * time.Hour
	maxTTL     = 366 * 24 * time.Hour
)

// listTokens answers GET /tokens.
func (a *API) listTokens(c *gin.Context) error {
	values, err := params(c, "all", "limit", "cursor")
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	id := auth.FromContext(ctx)
	owner := id.Account.ID
	if s, ok := values["all"]; ok {
		all, err := strconv.ParseBool(s)
		if err != nil {
			return cairn.Errorf(cairn.ErrInvalid, "all must be true or false")
		}
		if all {
			if err := id.Permit(cairn.ScopeAdmin, cairn.RoleAdmin); err != nil {
				return err
			}
			owner = ""
		}
	}
	tokens, next, err := a.Store.ListTokens(ctx, owner, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Tokens []token `json:"tokens"`
		Next   *string `json:"next_cursor"`
	}{mapped(tokens, tokenOf), after(next)})
}

type tokenRequest struct {
	Name   string        `json:"name"`
	Scopes []cairn.Scope `json:"scopes"`
	TTL    string        `json:"ttl"`
	User   string        `json:"user"`
}

// createToken answers POST /tokens.
func (a *API) createToken(c *gin.Context) error {
	var req tokenRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	t, err := req.toToken(a.Now())
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	id := auth.FromContext(ctx)
	t.Account = id.Account.ID
	if req.User != "" {
		if err := id.Permit(cairn.ScopeAdmin, cairn.RoleAdmin); err != nil {
			return err
		}
		account, err := a.account(ctx, req.User)
		if err != nil {
			return err
		}
		if account.Disabled {
			return cairn.Errorf(cairn.ErrInvalid, "the account is disabled; enable it first")
		}
		t.Account = account.ID
	}
	t.Parent = id.Token // whoever's it is: its secret is known to who holds that one
	secret := auth.NewToken()
	t, err = a.Store.CreateToken(ctx, auth.HashOf(secret), t)
	if err != nil {
		return err
	}
	return reply(c, http.StatusCreated, struct {
		ID      string          `json:"id"`
		Secret  string          `json:"secret"`
		Account cairn.AccountID `json:"account_id"`
		Name    string          `json:"name"`
		Scopes  []cairn.Scope   `json:"scopes"`
		Created time.Time       `json:"created_at"`
		Expires time.Time       `json:"expires_at"`
	}{t.ID, secret, t.Account, t.Name, t.Scopes, t.Created.UTC(), t.Expires.UTC()})
}

// toToken checks the request; the account is left to the caller.
func (r tokenRequest) toToken(now time.Time) (cairn.Token, error) {
	if err := checkLength("name", r.Name, 0, 200); err != nil {
		return cairn.Token{}, err
	}
	scopes := slices.Clone(r.Scopes)
	if len(scopes) == 0 {
		scopes = cairn.DefaultScopes()
	}
	for _, s := range scopes {
		if !s.Valid() {
			return cairn.Token{}, cairn.Errorf(cairn.ErrInvalid, "there is no scope %q; there are search, ask, read, write, scim, admin", s)
		}
	}
	slices.Sort(scopes)
	ttl := defaultTTL
	if r.TTL != "" {
		d, err := time.ParseDuration(r.TTL)
		if err != nil || d < time.Minute || d > maxTTL {
			return cairn.Token{}, cairn.Errorf(cairn.ErrInvalid, "\"ttl\" must be a duration from 1m to 8784h, as in 720h")
		}
		ttl = d
	}
	return cairn.Token{Name: r.Name, Scopes: slices.Compact(scopes), Created: now.UTC(), Expires: now.Add(ttl).UTC()}, nil
}

// revokeToken answers DELETE /tokens/{id}.
func (a *API) revokeToken(c *gin.Context) error {
	ctx := c.Request.Context()
	id := auth.FromContext(ctx)
	owner := id.Account.ID
	if id.Account.Role == cairn.RoleAdmin {
		owner = ""
	}
	if err := a.Store.RevokeToken(ctx, owner, c.Param("id"), a.Now().UTC()); err != nil {
		return err
	}
	return noContent(c)
}
