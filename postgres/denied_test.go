package postgres

import (
	"testing"

	"github.com/cairnhq/cairn"
)

// TestA12_08_DenialWins over every clause that admits.
func TestA12_08_DenialWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann", cairn.Everyone, "group:cairn:hr"), f.member("bob", cairn.Everyone, "group:cairn:hr")
	acl := cairn.Allow("group:cairn:hr", cairn.Everyone)
	acl.Deny = []cairn.PrincipalKey{cairn.AccountKey(ann.Account)}
	id := f.document(f.source("handbook", acl), "a", "Plan", "text", acl)
	_, err := f.Document(t.Context(), ann, id, "")
	wantError(t, "who is denied", err, cairn.ErrNotFound)
	if _, err := f.Document(t.Context(), bob, id, ""); err != nil {
		t.Errorf("who is not: %v", err)
	}
}

// TestA12_18_EqualNamesInTwoSourcesAreTwoDocuments, each with permissions of its own.
func TestA12_18_EqualNamesInTwoSourcesAreTwoDocuments(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann"), f.member("bob")
	anns, bobs := cairn.Allow(cairn.AccountKey(ann.Account)), cairn.Allow(cairn.AccountKey(bob.Account))
	gone := f.source("gone", bobs)
	a, b := f.document(f.source("kept", anns), "same", "Of ann", "text", anns), f.document(gone, "same", "Of bob", "text", bobs)
	if d, err := f.Document(t.Context(), ann, a, ""); err != nil || d.Title != "Of ann" {
		t.Errorf("ann reads %q, %v", d.Title, err)
	}
	_, err := f.Document(t.Context(), ann, b, "")
	wantError(t, "the other's", err, cairn.ErrNotFound)
	_, err = f.EraseSource(t.Context(), gone.ID, "")
	f.check(err)
	if _, err := f.Document(t.Context(), ann, a, ""); err != nil {
		t.Errorf("after the other is erased: %v", err)
	}
}
