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
	ID    string `json:"id"`  // of the token, to revoke it
	Token string `json:"token"`
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
	path, err := signedInFile()
	if err != nil {
		return signedIn{}, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return signedIn{}, err
	}
	var s signedIn
	if err := json.Unmarshal(b, &s); err != nil || s.URL == "" || s.Token == "" {
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

// revoke makes the token useless; one that is already is no error.
func (s signedIn) revoke(ctx context.Context) error {
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
