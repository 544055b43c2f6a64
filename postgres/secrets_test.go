package postgres

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/keyring"
	"github.com/cairnhq/cairn/server/audit"
)

// withKeys gives a database keys of its own.
func (f *fixture) withKeys() *keyring.Ring {
	f.t.Helper()
	r, err := keyring.Own(filepath.Join(f.t.TempDir(), "secret.key"))
	f.check(err)
	f.SetKeys(r)
	return r
}

func secretsOf(pairs ...string) map[string]cairn.Secret {
	out := map[string]cairn.Secret{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = cairn.NewSecret(pairs[i+1])
	}
	return out
}

func (f *fixture) wantSecret(s cairn.Source, name, want string) {
	f.t.Helper()
	got, err := f.Secrets(s.ID).Secret(f.t.Context(), name)
	if err != nil || got.Reveal() != want {
		f.t.Errorf("%s of %s is %q, %v; want %q", name, s.Name, got.Reveal(), err, want)
	}
}

func TestSecretSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.withKeys()
	ctx := t.Context()
	wiki, err := f.CreateSource(ctx, cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, Secrets: secretsOf("token", "canary-1", "key", "canary-2")})
	f.check(err)
	names := map[string]cairn.Secret{"token": {}, "key": {}}
	read, err := f.SourceByID(ctx, wiki.ID)
	f.check(err)
	status, err := f.SourceByName(ctx, "wiki")
	f.check(err)
	for _, s := range []cairn.Source{wiki, read, status.Source} {
		if d := cmp.Diff(names, s.Secrets); d != "" {
			t.Errorf("a source has secrets (-want +got):\n%s", d)
		}
	}
	f.wantSecret(wiki, "token", "canary-1")
	f.wantSecret(wiki, "nothing", "")

	// A change keeps what it does not name, replaces and removes.
	_, err = f.UpdateSource(ctx, wiki.ID, func(s *cairn.Source) error { s.Paused = true; return nil })
	f.check(err)
	f.wantSecret(wiki, "token", "canary-1")
	changed, err := f.UpdateSource(asking(ctx, audit.SourceUpdate), wiki.ID, func(s *cairn.Source) error {
		s.Secrets["token"] = cairn.NewSecret("canary-3")
		delete(s.Secrets, "key")
		return nil
	})
	f.check(err)
	f.wantSecret(wiki, "token", "canary-3")
	f.wantSecret(wiki, "key", "")
	if d := cmp.Diff(map[string]cairn.Secret{"token": {}}, changed.Secrets); d != "" {
		t.Error(d)
	}
	var detail string
	f.check(f.worker.QueryRow(ctx, `SELECT detail FROM audit_log WHERE action = 'source.update' ORDER BY seq DESC LIMIT 1`).Scan(&detail))
	if detail != "secrets" {
		t.Errorf("the audit log says %q", detail)
	}

	// Nothing in the database shows them.
	tables := f.tables()
	for _, table := range tables {
		var content string
		err := f.worker.QueryRow(ctx, `SELECT coalesce(string_agg(t::text, ' '), '') FROM `+table+` t`).Scan(&content)
		if err == nil && (strings.Contains(content, "canary") || strings.Contains(content, "63616e617279")) {
			t.Errorf("%s holds a secret", table)
		}
	}
	if len(tables) < 20 {
		t.Errorf("only %d tables were looked at", len(tables))
	}

	other := f.source("other", cairn.ACL{})
	f.exec(`INSERT INTO source_secrets SELECT $1, name, sealed FROM source_secrets WHERE source_id = $2`, other.ID, wiki.ID)
	_, err = f.Secrets(other.ID).Secret(ctx, "token")
	wantError(t, "a secret copied to another source", err, cairn.ErrUnavailable)
	f.exec(`UPDATE source_secrets SET name = 'key' WHERE source_id = $1`, wiki.ID)
	_, err = f.Secrets(wiki.ID).Secret(ctx, "key")
	wantError(t, "a secret under another name", err, cairn.ErrUnavailable)

	_, err = f.EraseSource(ctx, wiki.ID, "")
	f.check(err)
	if n := f.count(`SELECT count(*) FROM source_secrets WHERE source_id = $1`, wiki.ID); n != 0 {
		t.Errorf("%d secrets outlive their source", n)
	}
}

func TestSecretsWithoutTheirKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	_, err := f.CreateSource(ctx, cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, Secrets: secretsOf("token", "x")})
	wantError(t, "a process without keys", err, cairn.ErrUnavailable)
	if n := f.count(`SELECT count(*) FROM sources`); n != 0 {
		t.Error("the source is there without its secret")
	}
	f.withKeys()
	wiki, err := f.CreateSource(ctx, cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, Secrets: secretsOf("token", "x")})
	f.check(err)
	f.withKeys() // others
	_, err = f.Secrets(wiki.ID).Secret(ctx, "token")
	wantError(t, "another key", err, cairn.ErrUnavailable)
	if _, err := f.SourceByName(ctx, "wiki"); err != nil {
		t.Errorf("the source cannot be looked at: %v", err)
	}
	_, err = f.UpdateSource(ctx, wiki.ID, func(s *cairn.Source) error { s.Paused = true; return nil })
	f.check(err)
	done, err := f.RotateSecrets(ctx)
	if err != nil || done.Lost != 1 || done.Sealed != 0 {
		t.Errorf("rotated: %+v, %v", done, err)
	}
	_, err = f.UpdateSource(ctx, wiki.ID, func(s *cairn.Source) error { s.Secrets = secretsOf("token", "y"); return nil })
	f.check(err)
	f.wantSecret(wiki, "token", "y")
}

// TestReplaceSecret lets two replicas use one refresh token: one of them wins, and the
// other learns of it.
func TestReplaceSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.withKeys()
	wiki, err := f.CreateSource(t.Context(), cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, Secrets: secretsOf("refresh", "r0")})
	f.check(err)
	old := "r0"
	for round := range 20 {
		won, begin := make(chan string, 8), make(chan struct{})
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				<-begin
				issued := fmt.Sprintf("r%d-%d", round, i)
				err := f.Secrets(wiki.ID).Replace(t.Context(), "refresh", cairn.NewSecret(old), cairn.NewSecret(issued))
				if err == nil {
					won <- issued
				} else {
					wantError(t, "who comes later", err, cairn.ErrConflict)
				}
			})
		}
		close(begin)
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d replicas have stored theirs", len(won))
		}
		old = <-won
		f.wantSecret(wiki, "refresh", old)
	}
	err = f.Secrets(wiki.ID).Replace(t.Context(), "nothing", cairn.Secret{}, cairn.NewSecret("x"))
	wantError(t, "a secret that was removed", err, cairn.ErrConflict)
}

// TestRotateSecretsUnderLoad rotates while secrets are read, set and replaced.
func TestRotateSecretsUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	keys := f.withKeys()
	ctx := t.Context()
	wiki, err := f.CreateSource(ctx, cairn.Source{Name: "wiki", Kind: "push", ACLMode: cairn.ACLDeclared, Secrets: secretsOf("fixed", "same", "refresh", "0")})
	f.check(err)
	var backup []byte
	f.check(f.worker.QueryRow(ctx, `SELECT sealed FROM source_secrets WHERE name = 'fixed'`).Scan(&backup))
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			old, err := f.Secrets(wiki.ID).Secret(ctx, "refresh")
			if err == nil {
				err = f.Secrets(wiki.ID).Replace(ctx, "refresh", old, cairn.NewSecret(old.Reveal()+"'"))
			}
			if err != nil {
				t.Errorf("while it rotates: %v", err)
				return
			}
		}
	}()
	for range 5 {
		_, err := f.RotateSecrets(ctx)
		f.check(err)
		f.wantSecret(wiki, "fixed", "same")
	}
	close(stop)
	n := <-done
	f.wantSecret(wiki, "refresh", "0"+strings.Repeat("'", n))
	if n == 0 {
		t.Error("nothing was replaced meanwhile")
	}
	ids, err := keys.IDs()
	f.check(err)
	used, err := f.KeysInUse(ctx)
	f.check(err)
	if len(ids) != 6 || used[ids[0]] != 2 {
		t.Errorf("keys %v, of which are used %v", ids, used)
	}
	f.exec(`UPDATE source_secrets SET sealed = $1 WHERE name = 'fixed'`, backup) // as an older backup has it
	f.wantSecret(wiki, "fixed", "same")
	if b, err := json.Marshal(wiki); err != nil || bytes.Contains(b, []byte("same")) {
		t.Errorf("%s, %v", b, err)
	}
}
