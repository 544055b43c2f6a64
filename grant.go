package cairn

import "time"

// GrantID names a grant: opaque, URL-safe, never reused.
type GrantID string

// Grant lets an account read for a while what its keys do not admit it to, denials
// included ("break-glass"): every document of a source, or one document.
type Grant struct {
	ID       GrantID
	Account  AccountID
	Source   SourceID   // of whose documents each is granted; empty: Document alone
	Document DocumentID // empty: all of Source
	Reason   string
	By       AccountID // the administrator who made it
	Created  time.Time
	Expires  time.Time
	Revoked  time.Time // before it has expired; zero: it was not
}

// Ends returns the moment from which the grant lets nobody read anything.
func (g Grant) Ends() time.Time {
	if g.Revoked.IsZero() {
		return g.Expires
	}
	return g.Revoked
}
