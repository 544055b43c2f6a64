package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
)

// signedIn is the token of cairn login and the one server that it is for.
type signedIn struct {
	URL   string `json:"url"` // without a slash at the end
	ID    string `json:"id"`  // of the token, to revoke it; empty: cairn login did not make it
	Token string `json:"token,omitempty"`
	// Keyring says that the token is in the keyring of the machine and not in the file.
	Keyring bool `json:"keyring,omitempty"`
}

// signedInFile returns where it is kept: in the user's configuration folder.
func signedInFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for your configuration (%w); set HOME", err)
	}
	return filepath.Join(dir, "cairn", "token.json"), nil
}

// readSignedIn returns what cairn login has kept; os.ErrNotExist when nothing.
func readSignedIn() (signedIn, error) {
	s, err := readSignedInFile()
	if err != nil {
		return signedIn{}, err
	}
	return s.unlocked()
}

// unlocked returns s with its token, which may be in the keyring.
func (s signedIn) unlocked() (signedIn, error) {
	if !s.Keyring {
		return s, nil
	}
	var err error
	if s.Token, err = tokenInKeychain(s.URL); err != nil {
		return signedIn{}, fmt.Errorf("the token of cairn login cannot be read (%w); unlock the keyring, or sign in again", err)
	}
	return s, nil
}

// readSignedInFile returns what is in the file.
func readSignedInFile() (signedIn, error) {
	path, err := signedInFile()
	if err != nil {
		return signedIn{}, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return signedIn{}, err
	}
	var s signedIn
	if err := json.Unmarshal(b, &s); err != nil || s.URL == "" || s.Token == "" && !s.Keyring {
		return signedIn{}, fmt.Errorf("%s is not what cairn login writes; delete it and sign in again", path)
	}
	return s, nil
}

// isFor reports whether the token may be sent to a server.
func (s signedIn) isFor(address string) bool { return s.URL == strings.TrimRight(address, "/") }

// canWrite makes a folder for its owner alone, and a file in it for a moment.
func canWrite(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writable(dir)
}

// writable writes a file in a folder for a moment.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".token-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// keep keeps the token in the keyring of the machine, else in the file, and returns where it
// is.
func (s signedIn) keep(path string) (where string, err error) {
	where = path
	if err := keepInKeychain(s.URL, s.Token); err == nil {
		s.Token, s.Keyring, where = "", true, "the keyring of this machine"
	}
	return where, s.write(path)
}

// write replaces the file in its folder; nobody else can read it at any time.
func (s signedIn) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".token-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is told
	}
	return err
}

// forget removes the token from where it is kept.
func (s signedIn) forget(path string) error {
	if s.Keyring {
		if err := forgetInKeychain(s.URL); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

// revoke makes the token useless; one that is already is no error, and one that cairn
// login did not make stays as it is.
func (s signedIn) revoke(ctx context.Context) error {
	if s.ID == "" {
		return nil
	}
	c, err := client.New(client.Config{URL: s.URL, Token: s.Token})
	if err != nil {
		return err
	}
	err = c.RevokeToken(ctx, s.ID)
	if errors.Is(err, cairn.ErrUnauthenticated) || errors.Is(err, cairn.ErrNotFound) {
		return nil
	}
	return err
}
