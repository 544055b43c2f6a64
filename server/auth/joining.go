package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth/oidc"
)

// SignUp says who without an account gets one at the first sign-in.
type SignUp string

// The choices.
const (
	SignUpDomains SignUp = "domains" // who has a verified address of one of the domains
	SignUpAll     SignUp = "all"     // who has a verified address
	SignUpOff     SignUp = "off"     // nobody: administrators add accounts
)

// UnmarshalText refuses other choices.
func (s *SignUp) UnmarshalText(b []byte) error {
	switch v := SignUp(b); v {
	case SignUpDomains, SignUpAll, SignUpOff:
		*s = v
		return nil
	}
	return fmt.Errorf("%q is none of domains, all, off", b)
}

// Joining says which addresses of an issuer are believed and who gets an account.
type Joining struct {
	SignUp  SignUp
	Domains []string // of SignUpDomains
	// Trusted are the domains for whose addresses the issuer's word suffices
	// where it does not say that they are verified. Its word that one is not
	// verified holds for them, too.
	Trusted []string
}

// person returns what claims mean here.
func (j Joining) person(c oidc.Claims) Person {
	p := Person{Issuer: c.Issuer, Subject: c.Subject, Name: displayName(c.Name), Groups: groupNames(c.Groups)}
	email, ok := cairn.FoldAddress(c.Email)
	if !ok {
		return p
	}
	_, domain, _ := strings.Cut(email, "@")
	if c.EmailVerified == nil {
		ok = slices.Contains(j.Trusted, domain)
	} else {
		ok = *c.EmailVerified
	}
	if !ok {
		return p
	}
	p.Email = email
	p.MayJoin = j.SignUp == SignUpAll || (j.SignUp == SignUpDomains && slices.Contains(j.Domains, domain))
	return p
}

// displayName returns a name as one line of at most 200 characters.
func displayName(s string) string {
	s = strings.TrimSpace(oidc.Line(s))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}

// groupNames returns the names that can be principals, each once.
func groupNames(names []string) []string {
	var out []string
	for _, name := range names {
		if len(name) <= 300 && cairn.GroupKey(cairn.OIDCDirectory, name).Valid() {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out
}
