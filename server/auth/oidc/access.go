package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Access is what an access token says.
type Access struct {
	Issuer  string
	Subject string   // never given to anybody else
	Scopes  []string // that it was made with; may be empty
}

// Accept checks an access token, a JWT as in RFC 9068, and returns what it says: it must
// be this issuer's, signed by one of its keys, made for the audience among others, and
// not have expired. ID tokens and tokens that are bound to a key of their holder are
// refused. Errors are ErrUnreachable or ErrInvalid; their texts hold no secret.
func (p *Provider) Accept(ctx context.Context, token, audience string) (Access, error) {
	e, err := p.discover(ctx)
	if err != nil {
		return Access{}, err
	}
	if err := checkType(token); err != nil {
		return Access{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	verifier := e.provider.Verifier(&oidc.Config{ClientID: audience, SupportedSigningAlgs: asymmetric, Now: p.now})
	verified, err := verifier.Verify(oidc.ClientContext(ctx, p.cfg.Client), token)
	if err != nil {
		return Access{}, fmt.Errorf("%w: %w", ErrInvalid, brief{err})
	}
	said := document{}
	if err := verified.Claims(&said); err != nil {
		return Access{}, fmt.Errorf("%w: %w", ErrInvalid, brief{err})
	}
	if err := p.checkAccess(verified, said); err != nil {
		return Access{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return Access{Issuer: verified.Issuer, Subject: verified.Subject, Scopes: said.scopes()}, nil
}

// checkType refuses JWTs that say to be something else than an access token.
func checkType(token string) error {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return errors.New("the token's header cannot be read")
	}
	var header struct {
		Type string `json:"typ"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return errors.New("the token's header cannot be read")
	}
	switch strings.TrimPrefix(strings.ToLower(header.Type), "application/") {
	case "", "jwt", "at+jwt":
		return nil
	}
	return errors.New("the token is no access token: typ")
}

// otherwise are claims that an access token to be sent by itself does not have: those of
// ID tokens and of logout tokens, and the key to which a token is bound.
var otherwise = []string{"nonce", "at_hash", "c_hash", "events", "cnf"}

// checkAccess does what the library leaves to its caller.
func (p *Provider) checkAccess(t *oidc.IDToken, said document) error {
	for _, claim := range otherwise {
		if _, ok := said[claim]; ok {
			return fmt.Errorf("the token is no access token that may be sent by itself: it has the claim %s", claim)
		}
	}
	switch {
	case t.Issuer != p.cfg.Issuer: // the library takes two spellings of Google
		return errors.New("the token is another issuer's")
	case t.Subject == "" || len(t.Subject) > 255:
		return errors.New("the token has no subject of 1 to 255 bytes")
	case t.IssuedAt.After(p.now().Add(clockSkew)):
		return errors.New("the token is of the future; compare the clocks of issuer and server")
	}
	return nil
}

// scopes returns those of a token: a string of words as RFC 9068 has it, or the claim scp
// that Okta and Entra ID write, a string or a list.
func (d document) scopes() []string {
	var out []string
	for _, claim := range []string{"scope", "scp"} {
		var list []string
		if json.Unmarshal(d[claim], &list) != nil {
			list = strings.Fields(d.text(claim))
		}
		out = append(out, list...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
