package main

import (
	"strings"
	"testing"
)

func TestSourceSet(t *testing.T) {
	s := newShell(t)
	preview := `{"documents":40,"next_sync":false,"lose":{"accounts":3,"first":[{"id":"U1","email":"ann@example.com","documents":40},{"id":"U2","email":"","documents":1}]},"gain":{"accounts":0,"first":[]}}`
	s.Reply("POST /api/v1/sources/{name}/acl/preview", 200, preview)
	s.Reply("PATCH /api/v1/sources/{name}", 200, theSource)
	told := `The permissions of 40 documents would change.
Accounts that lose: 3
  ann@example.com  40 documents
  U2  1 documents
  and 1 more
Accounts that gain: 0
`
	s.expect(exitDone, told, "", "source", "set", "handbook", "--acl", "everyone", "--dry-run")
	s.asked(`POST /api/v1/sources/handbook/acl/preview {"acl":"everyone"}`)
	s.expectJSON(exitDone, preview, "source", "set", "handbook", "--acl", "everyone", "--dry-run")
	// Nobody sits at a terminal: it is told and done.
	s.expect(exitDone, "handbook is changed.\n  acl: everyone (who is signed in)\n", told,
		"source", "set", "handbook", "--set", "acl_rules=hr/**=group:cairn:hr", "--unset", "exclude")
	s.asked(`PATCH /api/v1/sources/handbook {"settings":{"acl_rules":"hr/**=group:cairn:hr","exclude":null}}`)
	s.expectJSON(exitDone, theSource, "source", "set", "handbook", "--acl", `{"allow":[["everyone"]]}`)
	before := len(s.Requests())
	s.expect(exitDone, "handbook is changed.\n  acl: everyone (who is signed in)\n", "", "source", "set", "handbook", "--acl", "everyone", "--yes")
	if asked := s.Requests()[before:]; len(asked) != 1 || !strings.HasPrefix(asked[0], "PATCH ") {
		t.Errorf("with --yes it asks %q", asked)
	}
	for _, wrong := range [][]string{
		{"source", "set"}, {"source", "set", "handbook"}, {"source", "set", "handbook", "--acl", "{bad"},
		{"source", "set", "handbook", "--set", "path"}, {"source", "set", "handbook", "--set", "a=1", "--unset", "a"},
	} {
		s.expect(exitUsage, "", "", wrong...)
	}
}

func TestSourceSetAfterTheNextSync(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/sources/{name}/acl/preview", 200, `{"documents":0,"next_sync":true,"lose":{"accounts":0,"first":[]},"gain":{"accounts":0,"first":[]}}`)
	s.expect(exitDone, "The permissions of no document would change after the next sync.\n", "", "source", "set", "x", "--unset", "acl_rules", "--dry-run")
}
