package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretFlags(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/sources", 201, strings.Replace(theSource, `"settings":{"path":"/srv"}`, `"settings":{"url":"https://a.example"},"secrets":["token"]`, 1))
	s.Reply("PATCH /api/v1/sources/{name}", 200, theSource)
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	told := "handbook (files) is added.\n  url = https://a.example\n  token is set, and kept encrypted\n  acl: everyone (who is signed in)\n\nRead it with: cairn sync handbook --wait\n"
	s.expect(exitDone, told, "", "source", "add", "web", "--name", "w", "--set", "url=https://a.example", "--secret", "token="+file("token", "canary-1\n"))
	s.asked(`POST /api/v1/sources {"name":"w","kind":"web","settings":{"token":"canary-1","url":"https://a.example"}}`)
	s.stdin = "canary-2\r\n"
	s.expect(exitDone, "handbook is changed.\n  acl: everyone (who is signed in)\n", "", "source", "set", "handbook", "--secret", "token=-", "--yes")
	s.asked(`PATCH /api/v1/sources/handbook {"settings":{"token":"canary-2"}}`)
	s.stdin = "canary-3\nmore\n"
	s.expect(exitDone, "handbook is changed.\n  acl: everyone (who is signed in)\n", "", "source", "set", "handbook", "--secret", "token", "--yes")
	s.asked(`PATCH /api/v1/sources/handbook {"settings":{"token":"canary-3"}}`)
	s.expect(exitDone, "handbook is changed.\n  acl: everyone (who is signed in)\n", "", "source", "set", "handbook", "--secret", "token="+file("pem", "-----BEGIN-----\nx\n-----END-----\n"), "--yes")
	s.asked(`PATCH /api/v1/sources/handbook {"settings":{"token":"-----BEGIN-----\nx\n-----END-----\n"}}`)

	before := len(s.Requests())
	s.expect(exitFailed, "", "no such file", "source", "set", "handbook", "--secret", "token="+filepath.Join(dir, "none"))
	s.expect(exitFailed, "", "is empty", "source", "set", "handbook", "--secret", "token="+file("empty", "\n"))
	s.expect(exitUsage, "", "name=FILE", "source", "set", "handbook", "--secret", "token=")
	s.expect(exitUsage, "", "given twice", "source", "set", "handbook", "--set", "token=x", "--secret", "token="+file("token", "y"))
	s.expect(exitFailed, "", "too long", "source", "set", "handbook", "--secret", "token="+file("long", strings.Repeat("x", 70000)))
	if n := len(s.Requests()) - before; n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestSecretRotate(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/secrets/rotate", 200, `{"key":"0123456789abcdef","sealed":4,"lost":0}`)
	s.expect(exitDone, "4 secrets are sealed with the key 0123456789abcdef now.\n", "", "secret", "rotate")
	s.expectJSON(exitDone, `{"key":"0123456789abcdef","sealed":4,"lost":0}`, "secret", "rotate")
	s = newShell(t)
	s.Reply("POST /api/v1/secrets/rotate", 200, `{"key":"0123456789abcdef","sealed":3,"lost":1}`)
	s.expect(exitFailed, "3 secrets are sealed with the key 0123456789abcdef now.\n", "1 secrets cannot be opened", "secret", "rotate")
}
