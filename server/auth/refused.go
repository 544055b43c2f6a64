package auth

import (
	"errors"

	"github.com/cairnhq/cairn"
)

// Refused is why somebody who came back from the issuer is not signed in. Its
// value goes into the address of the sign-in page; what it means is looked up there,
// so that no address can put words into the page.
type Refused string

// The reasons.
const (
	RefusedDown       Refused = "down"       // the issuer cannot be reached
	RefusedCancelled  Refused = "cancelled"  // the person or the issuer said no
	RefusedIssuer     Refused = "issuer"     // the issuer refuses this server
	RefusedStale      Refused = "stale"      // another browser's sign-in, an old one, or one that was used
	RefusedInvalid    Refused = "invalid"    // what the issuer sent is not to be trusted
	RefusedUnverified Refused = "unverified" // the issuer does not vouch for an address
	RefusedUnknown    Refused = "unknown"    // there is no account
	RefusedPending    Refused = "pending"    // the account is another subject's
	RefusedDisabled   Refused = "disabled"   // the account is disabled
	RefusedLimited    Refused = "limited"    // too many attempts
	RefusedInternal   Refused = "internal"   // our own fault
)

// refusals says of each reason what kind of error it is and what to do.
var refusals = map[Refused]struct {
	kind    error
	message string
}{
	RefusedDown:      {cairn.ErrUnavailable, "The identity provider cannot be reached at the moment. Try again in a minute; administrators find the cause with cairn doctor."},
	RefusedCancelled: {cairn.ErrUnauthenticated, "The identity provider did not let you in, or you cancelled. Try again, or ask its administrator whether you may use Cairn."},
	RefusedIssuer:    {cairn.ErrUnavailable, "The identity provider refuses this server. An administrator finds its reason in the server's log, and checks CAIRN_OIDC_CLIENT_ID, the secret and the redirect address."},
	RefusedStale:     {cairn.ErrUnauthenticated, "This sign-in was begun in another browser or window, more than ten minutes ago, or is already used. Begin again."},
	RefusedInvalid:   {cairn.ErrUnauthenticated, "What the identity provider sent cannot be trusted, so nobody is signed in. Try again; if it stays so, an administrator finds the reason in the server's log."},
	RefusedUnverified: {cairn.ErrDenied, "The identity provider does not say that your e-mail address is yours. Verify the address there; administrators see " +
		"CAIRN_OIDC_TRUSTED_DOMAINS in the documentation."},
	RefusedUnknown:  {cairn.ErrDenied, "There is no account for your e-mail address. Ask an administrator to add it: cairn user add EMAIL."},
	RefusedPending:  {cairn.ErrDenied, "Your e-mail address belongs to an account that another identity has used. An administrator has to confirm that it is yours: cairn user bindings."},
	RefusedDisabled: {cairn.ErrDenied, "The account is disabled. Ask an administrator."},
	RefusedLimited:  {cairn.ErrRateLimited, "Too many attempts to sign in. Wait a minute and try again."},
	RefusedInternal: {nil, "Something went wrong here; the server's log says what. Try again."},
}

// Message returns what to tell a person, and false for what is no reason.
func (r Refused) Message() (string, bool) {
	known, ok := refusals[r]
	return known.message, ok
}

// Error returns the message.
func (r Refused) Error() string { return refusals[r].message }

// Unwrap returns an error of the reason's kind with the message.
func (r Refused) Unwrap() error {
	if known := refusals[r]; known.kind != nil {
		return cairn.Errorf(known.kind, "%s", known.message)
	}
	return nil
}

// RefusedAs returns the reason of an error for the sign-in page.
func RefusedAs(err error) Refused {
	var r Refused
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, cairn.ErrRateLimited):
		return RefusedLimited
	}
	return RefusedInternal
}
