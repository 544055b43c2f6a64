package connectors

import (
	"errors"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// HookSecret is the secret setting with which a place signs what its webhook sends: of
// the kinds that have a Hook.
const HookSecret = "webhook_secret"

// Hook understands what the webhook of a place sends when something has changed there. A
// delivery is a hint and never content: what it tells of is read through the API, with
// the credential of the source and the permissions of then.
type Hook struct {
	// Verify returns nil when a delivery was signed with the secret: ErrUnsigned or
	// ErrStale else. It compares in a time that tells nothing of the signature.
	Verify func(secret cairn.Secret, d Delivery) error
	// Read returns what a delivery tells that was verified, for a source with settings
	// that are valid. Errors are ErrInvalid.
	Read func(settings map[string]string, d Delivery) (News, error)
}

// Delivery is one request of a webhook.
type Delivery struct {
	Header http.Header
	Body   []byte
	At     time.Time // when it came
}

// Why a delivery is not believed.
var (
	ErrUnsigned = errors.New("the signature is missing or of another secret")
	ErrStale    = errors.New("the signature is too old or of another time")
)

// News is what a delivery tells.
type News struct {
	// ID is that of the delivery, the same when the place repeats it; empty: it has none.
	ID string
	// Event is what the place calls it, for administrators.
	Event string
	Tells Tells
	// Part is what alone has changed, when Tells is TellsChange and the connector is a
	// Rereader; empty: nobody knows.
	Part string
	// Challenge is to be answered, when it is not empty: the place asks whether somebody
	// is there who has the secret.
	Challenge string
}

// Tells is what has happened at a place.
type Tells string

// What a delivery tells of.
const (
	TellsNothing     Tells = "nothing"     // that concerns the source
	TellsChange      Tells = "change"      // documents are new, changed, or seen to be gone by an incremental reading
	TellsRemoval     Tells = "removal"     // documents are gone, which a listing shows alone
	TellsPermissions Tells = "permissions" // who may read them, or who belongs to a group
)
