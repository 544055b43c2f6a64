package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/keyring"
)

func own(t *testing.T) (*keyring.Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "secret.key")
	r, err := keyring.Own(path)
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

func seal(t *testing.T, r *keyring.Ring, secret string, place ...string) []byte {
	t.Helper()
	sealed, err := r.Seal(cairn.NewSecret(secret), place...)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealAndOpen(t *testing.T) {
	r, path := own(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want 0600", info.Mode(), err)
	}
	sealed := seal(t, r, "hunter2", "table", "row")
	if again := seal(t, r, "hunter2", "table", "row"); bytes.Equal(sealed, again) || bytes.Contains(sealed, []byte("hunter2")) {
		t.Error("what is sealed shows that it is the same, or what it is")
	}
	if got, err := r.Open(sealed, "table", "row"); err != nil || got.Reveal() != "hunter2" {
		t.Errorf("opened: %q, %v", got.Reveal(), err)
	}
	for _, place := range [][]string{{"table", "other"}, {"table"}, {"tab", "lerow"}, {"table", "row", ""}, {}} {
		if _, err := r.Open(sealed, place...); !errors.Is(err, cairn.ErrUnavailable) {
			t.Errorf("it opens at another place, %q: %v", place, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := r.Open(changed, "table", "row"); !errors.Is(err, cairn.ErrUnavailable) {
			t.Errorf("it opens with byte %d changed: %v", i, err)
		}
		if _, err := r.Open(sealed[:i], "table", "row"); !errors.Is(err, cairn.ErrUnavailable) {
			t.Errorf("it opens when cut to %d bytes: %v", i, err)
		}
	}
}

func TestRenew(t *testing.T) {
	r, path := own(t)
	old := seal(t, r, "old", "x")
	other, err := keyring.Own(path) // another process, which was there before
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Renew(); err != nil {
		t.Fatal(err)
	}
	fresh := seal(t, other, "new", "x")
	if keyring.KeyOf(fresh) == keyring.KeyOf(old) {
		t.Error("it seals with the old key")
	}
	if ids, err := r.IDs(); err != nil || len(ids) != 2 || ids[0] != keyring.KeyOf(fresh) || ids[1] != keyring.KeyOf(old) {
		t.Errorf("the keys are %v, %v", ids, err)
	}
	for _, sealed := range [][]byte{old, fresh} {
		if _, err := other.Open(sealed, "x"); err != nil {
			t.Errorf("after the renewal: %v", err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files are left over: %v, %v", left, err)
	}
	stranger, _ := own(t)
	if _, err := stranger.Open(old, "x"); !errors.Is(err, cairn.ErrUnavailable) || !strings.Contains(err.Error(), keyring.KeyOf(old)) {
		t.Errorf("without the key: %v; want an error that names the key", err)
	}
}

// TestOwnMakesOneKey lets several processes begin at once.
func TestOwnMakesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	keys := make([]string, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			r, err := keyring.Own(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids, err := r.IDs()
			if err != nil || len(ids) != 1 {
				t.Errorf("%v, %v", ids, err)
				return
			}
			keys[i] = ids[0]
		})
	}
	all.Wait()
	for _, id := range keys {
		if id != keys[0] {
			t.Errorf("there are several keys: %v", keys)
		}
	}
}

func TestKeysThatAreProvided(t *testing.T) {
	a, b := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)), base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32))
	path := filepath.Join(t.TempDir(), "key")
	for text, want := range map[string]int{
		a: 1, a + "\n": 1, "# mine\r\n" + a + "\r\n\r\n" + b + "\r\n": 2, a + ", " + b: 2,
		"": 0, "# nothing\n": 0, "secret": 0, a[:20]: 0, a + "\nx": 0, strings.Repeat("ab", 32): 0,
	} {
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, ", ", "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*keyring.Ring{keyring.FromFile(path), keyring.FromText(cairn.NewSecret(text))} {
			if r != nil && strings.HasPrefix(text, "# mine") {
				r = keyring.FromFile(path) // a variable has no comments
			}
			ids, err := r.IDs()
			if len(ids) != want || (err == nil) != (want > 0) || err != nil && !errors.Is(err, cairn.ErrInvalid) {
				t.Errorf("%q: %v, %v; want %d keys", text, ids, err, want)
			}
			if err != nil && text != "" && strings.Contains(err.Error(), text) {
				t.Errorf("the error shows the key: %v", err)
			}
			if err := r.Renew(); err != nil {
				t.Errorf("keys that are not ours: %v", err)
			}
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != strings.ReplaceAll(text, ", ", "\n") {
			t.Errorf("the file of the operator was changed: %v", err)
		}
	}
	if err := keyring.FromFile(path + ".gone").Check(); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a file that is not there: %v", err)
	}
}
