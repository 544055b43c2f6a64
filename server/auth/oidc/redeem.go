package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Claims is what the issuer says of a person.
type Claims struct {
	Issuer  string
	Subject string // never given to anybody else
	Email   string // as the issuer writes it
	// EmailVerified is nil when the issuer does not say whether the address
	// belongs to the person.
	EmailVerified *bool
	Name          string
	Groups        []string
}

// clockSkew is how far the issuer's clock may be ahead.
const clockSkew = 5 * time.Minute

// Redeem exchanges the code for an ID token, checks it, and returns what it says.
// Errors are ErrUnreachable, ErrCode, ErrRejected or ErrInvalid; their texts hold no
// secret.
func (p *Provider) Redeem(ctx context.Context, code string, a Attempt) (Claims, error) {
	e, err := p.discover(ctx)
	if err != nil {
		return Claims{}, err
	}
	ctx = oidc.ClientContext(ctx, p.cfg.Client)
	token, err := e.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return Claims{}, exchangeError(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Claims{}, fmt.Errorf("%w: there is no ID token", ErrInvalid)
	}
	id, err := e.verifier.Verify(ctx, raw)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, brief{err})
	}
	if err := p.check(id, a, token.AccessToken); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	said := document{}
	if err := id.Claims(&said); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, brief{err})
	}
	if err := p.complete(ctx, e, token, id.Subject, said); err != nil {
		return Claims{}, err
	}
	return p.claims(id, said)
}

// exchangeError says what the token endpoint's refusal means. Its text keeps the
// issuer's code and description, not the rest of the reply.
func exchangeError(err error) error {
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) || refusal.Response == nil || refusal.Response.StatusCode >= 500 {
		return fmt.Errorf("%w: exchange of the code: %w", ErrUnreachable, brief{err})
	}
	kind := ErrRejected
	if refusal.ErrorCode == "invalid_grant" {
		kind = ErrCode
	}
	return fmt.Errorf("%w: %s %s", kind, Line(refusal.ErrorCode), Line(refusal.ErrorDescription))
}

// check does what the library leaves to its caller (OpenID Connect Core, 3.1.3.7).
func (p *Provider) check(id *oidc.IDToken, a Attempt, accessToken string) error {
	var more struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&more); err != nil {
		return brief{err}
	}
	switch {
	case id.Issuer != p.cfg.Issuer: // the library takes two spellings of Google
		return errors.New("the ID token is another issuer's")
	case id.Subject == "" || len(id.Subject) > 255:
		return errors.New("the ID token has no subject of 1 to 255 bytes")
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1:
		return errors.New("the ID token was not made for this sign-in: another nonce")
	case len(id.Audience) > 1 && more.Party == "":
		return errors.New("the ID token has several audiences and no authorized party")
	case more.Party != "" && more.Party != p.cfg.ClientID:
		return errors.New("the ID token was made for another client: azp")
	case id.IssuedAt.IsZero():
		return errors.New("the ID token does not say when it was issued")
	case id.IssuedAt.After(p.now().Add(clockSkew)):
		return errors.New("the ID token is of the future; compare the clocks of issuer and server")
	}
	if id.AccessTokenHash != "" {
		return id.VerifyAccessToken(accessToken)
	}
	return nil
}

// document is a JSON object of claims.
type document map[string]json.RawMessage

// complete adds what the ID token leaves out and the userinfo endpoint says: some
// issuers put no address and no groups into tokens. What comes together stays
// together: an address is never joined with another document's word on it.
func (p *Provider) complete(ctx context.Context, e *endpoints, token *oauth2.Token, subject string, said document) error {
	_, address := said["email"]
	_, groups := said[p.cfg.GroupsClaim]
	if (address && (groups || p.cfg.GroupsClaim == "")) || e.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := e.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("%w: userinfo: %w", ErrUnreachable, brief{err})
	}
	if info.Subject != subject {
		return fmt.Errorf("%w: userinfo speaks of somebody else", ErrInvalid)
	}
	more := document{}
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("%w: userinfo: %w", ErrInvalid, brief{err})
	}
	if !address {
		delete(said, "email_verified")
		said.take(more, "email", "email_verified")
	}
	if _, ok := said["name"]; !ok {
		said.take(more, "name")
	}
	if !groups && p.cfg.GroupsClaim != "" {
		said.take(more, p.cfg.GroupsClaim)
	}
	return nil
}

func (d document) take(from document, names ...string) {
	for _, name := range names {
		if v, ok := from[name]; ok {
			d[name] = v
		}
	}
}

// claims reads the claims. One that is not of the form that it should have counts
// as missing.
func (p *Provider) claims(id *oidc.IDToken, said document) (Claims, error) {
	c := Claims{Issuer: id.Issuer, Subject: id.Subject, Email: said.text("email"), Name: said.text("name")}
	if v, ok := said["email_verified"]; ok {
		// Some issuers write it as a string. Anything else than true is false.
		yes := string(v) == "true" || string(v) == `"true"`
		c.EmailVerified = &yes
	}
	if p.cfg.GroupsClaim != "" {
		c.Groups = p.groups(said)
		if len(c.Groups) > MaxGroups || len(c.Groups) == 0 && said.elsewhere(p.cfg.GroupsClaim) {
			return Claims{}, fmt.Errorf("%w: the person is in too many groups for the claim %s", ErrInvalid, p.cfg.GroupsClaim)
		}
	}
	return c, nil
}

// MaxGroups is how many groups a person may have. Nobody is let in with some of hers: they
// may be denied.
const MaxGroups = 2000

// elsewhere reports whether a claim is left out because it is too long for a token (OpenID
// Connect Core, section 5.6.2, which Entra ID uses for groups).
func (d document) elsewhere(claim string) bool {
	var names map[string]string
	_ = json.Unmarshal(d["_claim_names"], &names)
	return names[claim] != "" || claim == "groups" && string(d["hasgroups"]) == "true"
}

func (d document) text(name string) string {
	var s string
	if err := json.Unmarshal(d[name], &s); err != nil {
		return ""
	}
	return s
}

// groups reads the claim of groups: a list of names, or one. Without a list that
// can be read the person is in no group.
func (p *Provider) groups(said document) []string {
	raw, ok := said[p.cfg.GroupsClaim]
	var names []string
	if ok && json.Unmarshal(raw, &names) != nil {
		names = nil
		if one := said.text(p.cfg.GroupsClaim); one != "" {
			names = []string{one}
		}
	}
	if len(names) == 0 && string(raw) != "[]" {
		_, elsewhere := said["_claim_names"]
		p.cfg.Log.Warn("the claim of groups cannot be read; the person is in no group of the issuer",
			slog.String("claim", p.cfg.GroupsClaim), slog.Bool("missing", !ok), slog.Bool("too_many_for_a_token", elsewhere))
	}
	return names
}
