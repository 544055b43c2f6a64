// Package oidctest has an OpenID Connect issuer for tests: a process of its own, written
// from OpenID Connect Core 1.0, Discovery 1.0, RFC 6749, 7636 and 9207. It is strict
// about what a client sends, and can be told to lie in what it sends back.
package oidctest

import (
	"crypto/rand"
	"maps"
	"testing"
	"time"
)

// Issuer is an issuer in the process of the issuers, which is one for all tests of a
// package. Its exported fields do not change.
type Issuer struct {
	URL          string
	ClientID     string
	ClientSecret string // empty: a public client
	RedirectURL  string

	t         testing.TB
	id        string // for the process
	behaviour Behaviour
}

// Behaviour is what the issuer does.
type Behaviour struct {
	// Person holds the claims about who is signed in at the issuer; sub is
	// required. Nil: nobody, and clients are told that access is denied.
	Person map[string]any
	// UserInfo holds claims that only the userinfo endpoint tells; nil: there is no
	// such endpoint.
	UserInfo  map[string]any
	Header    Edit      // of ID tokens, before they are signed
	Claims    Edit      // likewise
	Document  Edit      // of discovery
	Method    string    // of client authentication: client_secret_basic (or empty), client_secret_post
	NoIss     bool      // the reply to browsers does not name the issuer
	Down      bool      // every request is answered with 503
	Forgetful bool      // codes can be used again, against the rules
	Forged    bool      // tokens are signed with a key that only an attacker has, under the name of the issuer's
	Now       time.Time // by the issuer's clock, which then stands still; zero: that of the machine
}

// Edit changes an object: members are set, or left out.
type Edit struct {
	Set  map[string]any
	Omit []string
}

func (e Edit) edit(object map[string]any) {
	maps.Copy(object, e.Set)
	for _, name := range e.Omit {
		delete(object, name)
	}
}

// New returns an issuer that ends with the test. The main function of the tests must
// call ServeIfChild.
func New(t testing.TB, redirectURL string) *Issuer {
	t.Helper()
	return newAt(t, redirectURL, "s3cret/+ &=%"+rand.Text())
}

// NewPublic returns an issuer like New, at which the client has no secret.
func NewPublic(t testing.TB, redirectURL string) *Issuer {
	t.Helper()
	return newAt(t, redirectURL, "")
}

func newAt(t testing.TB, redirectURL, secret string) *Issuer {
	t.Helper()
	i := &Issuer{ClientID: "cairn", ClientSecret: secret, RedirectURL: redirectURL, t: t}
	var made struct{ ID, URL string }
	i.tell("POST", "/issuers", i.settings(), &made)
	i.id, i.URL = made.ID, made.URL
	t.Cleanup(func() { i.tell("DELETE", "/issuers/"+i.id, nil, nil) })
	return i
}

func (i *Issuer) settings() settings {
	return settings{i.ClientID, i.ClientSecret, i.RedirectURL, i.behaviour}
}

// Be changes what the issuer does.
func (i *Issuer) Be(change func(*Behaviour)) {
	i.t.Helper()
	change(&i.behaviour)
	i.tell("PUT", "/issuers/"+i.id, i.settings(), nil)
}

// Rotate replaces all keys by a new one of RSA.
func (i *Issuer) Rotate() { i.tell("POST", "/issuers/"+i.id+"/rsa", nil, nil) }

// UseEC replaces all keys by a new one on the curve P-256.
func (i *Issuer) UseEC() { i.tell("POST", "/issuers/"+i.id+"/ec", nil, nil) }

// seen is what an issuer has seen of its clients.
type seen struct {
	Problems []string
	Asked    map[string]int
}

func (i *Issuer) seen() (s seen) {
	i.tell("GET", "/issuers/"+i.id, nil, &s)
	return s
}

// Problems returns what clients did wrong so far.
func (i *Issuer) Problems() []string { return i.seen().Problems }

// Asked returns how often a path was asked for.
func (i *Issuer) Asked(path string) int { return i.seen().Asked[path] }
