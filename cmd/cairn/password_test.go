package main

import (
	"strings"
	"testing"
)

// TestPasswords is a small installation: no identity provider, people with
// passwords, which are never arguments.
func TestPasswords(t *testing.T) {
	const penguins, kettle = "seven penguins pay rent", "a green kettle on ice"
	s := newShell(t)
	t.Setenv("CAIRN_TOKEN", "")
	t.Setenv("CAIRN_PASSWORDS", "on") // which ends local mode
	printed := serveApart(t, t.TempDir(), printedAddress, printedCode)
	t.Setenv("CAIRN_URL", printed[0])
	typed := func(lines ...string) { s.stdin = strings.Join(lines, "\n") + "\n" }
	signedIn := func(code int, stderr string) {
		t.Helper()
		exit, out, errs := s.run("login", "--email", "root@example.com")
		if exit != code || !strings.Contains(errs, stderr) || code == exitDone && !strings.Contains(out, "as root@example.com (admin)") {
			t.Errorf("login: exit code %d, want %d: %s%s", exit, code, out, errs)
		}
	}

	s.expect(exitUsage, "", "--code is missing", "password")
	typed("password1234")
	s.expect(exitFailed, "", "others try first", "password", "--code", printed[1], "--email", "root@example.com")
	typed(penguins) // and the code is still good
	const set = "The password of root@example.com is set. Other sessions of the account have ended.\n"
	s.expect(exitDone, set, "", "password", "--code", printed[1], "--email", "root@example.com")
	typed(kettle)
	signedIn(exitDenied, "the address or the password is wrong")
	typed(penguins)
	signedIn(exitDone, "")
	typed(kettle, kettle)
	s.expect(exitDenied, "", "the address or the password is wrong", "password", "--email", "root@example.com")
	typed(penguins, kettle)
	s.expect(exitDone, set, "", "password", "--email", "root@example.com")
	typed(kettle)
	signedIn(exitDone, "")

	s.expect(exitFailed, "", `there is no account "nobody@example.com"`, "user", "reset", "nobody@example.com")
	exit, out, errs := s.run("user", "reset", "root@example.com")
	if exit != exitDone || !printedCode.MatchString(out) || !strings.Contains(out, "no password and no sessions") {
		t.Fatalf("reset: exit code %d: %s%s", exit, out, errs)
	}
	signedIn(exitDenied, "the address or the password is wrong")
	typed(kettle)
	s.expect(exitDone, set, "", "password", "--code", printedCode.FindString(out))
	s.stdin = ""
	s.expect(exitFailed, "", "read a password from standard input", "login", "--email", "root@example.com")
	typed("not \xff UTF-8")
	s.expect(exitFailed, "", "not UTF-8", "login", "--email", "root@example.com")
}
