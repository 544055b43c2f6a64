package postgres

import (
	"errors"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// A file is found by its place in a repository, or in a source, among what the viewer may
// read; what she may not looks like what does not exist.
func TestDocumentAt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m := NewMCP(f.DB)
	ann, bob := f.member("ann"), f.member("bob", cairn.Everyone)
	anns, everyone := cairn.Allow(cairn.AccountKey(ann.Account)), cairn.Allow(cairn.Everyone)
	pump, fork, vault := f.source("pump", everyone), f.source("fork", everyone), f.source("vault", anns)
	older := f.document(pump, "valve/open.go", "open.go", "package valve", everyone)
	newer := f.document(fork, "valve/open.go", "open.go", "package valve // forked", everyone)
	secret := f.document(vault, "valve/open.go", "open.go", "package valve // secret", anns)
	hidden := f.document(pump, "valve/gone.go", "gone.go", "package valve // gone", everyone)
	f.exec(`UPDATE documents SET attributes = '{"repo": "acme/pump", "commit": "c0ffee"}' WHERE id = ANY ($1)`, []cairn.DocumentID{older, newer, secret, hidden})
	f.exec(`UPDATE documents SET modified_at = CASE id WHEN $1 THEN timestamptz '2026-01-01' WHEN $2 THEN '2026-02-01' ELSE '2026-03-01' END`, older, newer)
	f.exec(`UPDATE documents SET hidden_at = now() WHERE id = $1`, hidden)
	for _, tt := range []struct {
		v          cairn.Viewer
		repo, path string
		want       cairn.DocumentID
	}{
		{bob, "pump", "valve/open.go", older},
		{bob, "fork", "valve/open.go", newer},
		{bob, "acme/pump", "valve/open.go", newer}, // of those that he may read
		{ann, "vault", "valve/open.go", secret},
		{bob, "vault", "valve/open.go", ""},
		{bob, "acme/pump", "valve/gone.go", ""},
		{bob, "acme/pump", "valve/", ""},
		{bob, "acme", "valve/open.go", ""},
		{bob, "pump", "nothing\x00", ""},
		{cairn.Viewer{}, "pump", "valve/open.go", ""},
	} {
		d, err := m.DocumentAt(t.Context(), tt.v, tt.repo, tt.path)
		if tt.want == "" {
			if !errors.Is(err, cairn.ErrNotFound) || len(d.Body) > 0 {
				t.Errorf("%s of %s by %s: %+v, %v; want ErrNotFound", tt.path, tt.repo, tt.v.Account, d, err)
			}
			continue
		}
		if err != nil || d.ID != tt.want || len(d.Body) == 0 || d.Attributes["commit"] != "c0ffee" || d.SourceName == "" {
			t.Errorf("%s of %s by %s: %s, %v; want %s", tt.path, tt.repo, tt.v.Account, d.ID, err, tt.want)
		}
	}
}

// HolderOf finds who has signed in with an identity, and binds nobody.
func TestHolderOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := somebody("1", "ann@acme.test")
	p.MayJoin, p.Groups = true, []string{"eng"}
	id, refused := f.signIn(p)
	if refused != "" {
		t.Fatal(refused)
	}
	who := auth.Subject{Issuer: p.Issuer, Subject: p.Subject}
	h, err := f.HolderOf(t.Context(), who)
	if err != nil || h.Account.ID != id || h.Account.Email != "ann@acme.test" || len(h.Groups) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
	for _, other := range []auth.Subject{{Issuer: p.Issuer, Subject: "2"}, {Issuer: p.Issuer + "/", Subject: "1"}, {Subject: "1"}, {}} {
		if h, err := f.HolderOf(t.Context(), other); !errors.Is(err, cairn.ErrNotFound) || h.Account.ID != "" {
			t.Errorf("%+v: %+v, %v; want ErrNotFound", other, h, err)
		}
	}
}
