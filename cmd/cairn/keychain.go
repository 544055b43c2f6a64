package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// keychainName is what tokens are called in the keyring of the operating system.
const keychainName = "cairn"

// keychainPatience is how long the keyring may take, which may ask its owner first.
const keychainPatience = 30 * time.Second

// errNoKeychain says that this machine has no keyring, or none that answers.
var errNoKeychain = errors.New("there is no keyring that answers")

// keepInKeychain keeps the token for a server in the keyring.
func keepInKeychain(url, token string) error {
	_, err := inKeychain(func() (string, error) { return "", keyring.Set(keychainName, url, token) })
	return err
}

// tokenInKeychain returns the token that is kept for a server.
func tokenInKeychain(url string) (string, error) {
	return inKeychain(func() (string, error) { return keyring.Get(keychainName, url) })
}

// forgetInKeychain removes the token for a server; none is no error.
func forgetInKeychain(url string) error {
	_, err := inKeychain(func() (string, error) { return "", keyring.Delete(keychainName, url) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// inKeychain does something with the keyring, and waits for it no longer than a person
// needs to unlock it.
func inKeychain(do func() (string, error)) (string, error) {
	// Where there is no session bus, the library would start one, which nobody ends.
	if bus, _ := os.LookupEnv("DBUS_SESSION_BUS_ADDRESS"); bus == "" && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		return "", errNoKeychain
	}
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := do()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return "", fmt.Errorf("keyring: %w", r.err)
		}
		return r.text, nil
	case <-time.After(keychainPatience):
		return "", errNoKeychain
	}
}
