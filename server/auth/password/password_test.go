package password

import (
	"context"
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

// cheap is a cost for tests.
var cheap = Cost{KiB: 8, Passes: 1, Lanes: 1}

const good = "seven penguins pay rent"

func hashOf(t testing.TB, h *Hasher, text string) string {
	t.Helper()
	hash, err := h.Hash(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func matches(t testing.TB, h *Hasher, hash, text string) bool {
	t.Helper()
	match, err := h.Matches(t.Context(), hash, text)
	if err != nil {
		t.Fatal(err)
	}
	return match
}

func TestHash(t *testing.T) {
	h := New(DefaultCost())
	hash := hashOf(t, h, good)
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Errorf("%q", hash)
	}
	for text, want := range map[string]bool{good: true, good + " ": false} {
		if got := matches(t, h, hash, text); got != want {
			t.Errorf("%q matches: %t", text, got)
		}
	}
	other := New(cheap)
	if h.Outdated(hash) || !other.Outdated(hash) {
		t.Error("whether a hash is outdated goes by its cost")
	}
	if once, again := hashOf(t, other, good), hashOf(t, other, good); once == again {
		t.Error("two hashes have one salt")
	}
}

// A vector made by the reference implementation: argon2 of the phc-winner-argon2
// repository, test.c, version 0x13, argon2id.
func TestHashOfTheReferenceImplementation(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if h := New(cheap); !matches(t, h, hash, "password") || matches(t, h, hash, "differentpassword") {
		t.Error("it does not match its password alone")
	}
}

// An account without a password costs what another one does, and lets nobody in.
func TestNobodysHash(t *testing.T) {
	h := New(cheap)
	for _, text := range []string{"", good, h.decoy, "\x00"} {
		if matches(t, h, "", text) {
			t.Errorf("%q matches", text)
		}
	}
	if p, err := parse(h.decoy); err != nil || p.cost != cheap {
		t.Errorf("the decoy costs %+v, %v", p.cost, err)
	}
	for range cap(h.turns) {
		h.turns <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Matches(ctx, "", good); !errors.Is(err, context.Canceled) {
		t.Errorf("it is not computed in turn: %v", err)
	}
}

func TestOnlySoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(cheap)
		for range cap(h.turns) {
			h.turns <- struct{}{}
		}
		if _, err := h.Hash(t.Context(), good); !errors.Is(err, ErrBusy) {
			t.Errorf("%v", err)
		}
		if _, err := h.Matches(t.Context(), h.decoy, good); !errors.Is(err, ErrBusy) {
			t.Errorf("%v", err)
		}
		<-h.turns
		hashOf(t, h, good)
	})
}

func TestWhatIsNoHash(t *testing.T) {
	h := New(cheap)
	hash := hashOf(t, h, good)
	for _, bad := range []string{
		"x", good, "$", "$$$$$", strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=16", 1),
		strings.Replace(hash, "t=1", "t=0", 1), strings.Replace(hash, "p=1", "p=0", 1), strings.Replace(hash, "t=1", "t=01", 1),
		strings.Replace(hash, "m=8", "m=-8", 1), hash + "=", hash + "$", hash[:len(hash)-4], hash + "\n",
	} {
		if match, err := h.Matches(t.Context(), bad, good); match || err == nil || strings.Contains(err.Error(), bad) && len(bad) > 6 {
			t.Errorf("%q: %t, %v", bad, match, err)
		}
	}
}

func TestCheck(t *testing.T) {
	const ann = "ann.example@acme-robotics.com"
	for text, ok := range map[string]bool{
		good:                    true,
		"correct horse battery": true,
		"Xk3$vQ9-Tz7!":          true,
		"пингвины платят за квартиру":     true,
		"ペンギンが家賃を払います。":                   true,
		"administrator of seven penguins": true,
		"p\u00a0enguins on the roof":      true, // a blank of another kind

		"": false, "short": false, "eleven char": false, strings.Repeat("é", 11): false,
		strings.Repeat("long enough ", 86): false, // 1,032 bytes
		"password1234":                     false,
		"Password2026!":                    false,
		"p a s s w o r d 1 2 3":            false,
		"passwordpassword":                 false,
		"qwertyuiop12":                     false,
		"123456789012":                     false,
		"aaaaaaaaaaaa":                     false,
		"abcxyzabcxyz":                     false,
		"correct horse battery staple":     false,
		"changeme12345":                    false,
		ann:                                false,
		"ANN.EXAMPLE!!":                    false,
		"acme-robotics.com1":               false,
		"cairn-password":                   false,
		"penguins\tpay rent":               false,
		"penguins pay\x00rent":             false,
		"penguins pay \xff rent":           false,
	} {
		err := Check(text, ann)
		if (err == nil) != ok || err != nil && !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Errorf("%q is quoted", text)
		}
	}
	if Check("ann.example is a penguin", ann) != nil {
		t.Error("the own name may be a part")
	}
}

// asWritten is what RFC 8265 makes of a password, and nothing more.
func asWritten(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, text))
}

// TestA11_34_PasswordsAreNotAltered: what is accepted matches its own hash and
// nothing else that an eager program would make of it.
func TestA11_34_PasswordsAreNotAltered(t *testing.T) {
	h := New(cheap)
	letter := rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune(" <>&'\"%\\$'e\u0301\u00e9\u212b\u00a0")))
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(letter, 10, 120, -1).Draw(r, "password")
		if Check(text, "ann@acme.com") != nil {
			r.Skip("not accepted")
		}
		hash := hashOf(t, h, text)
		if !matches(t, h, hash, text) {
			r.Fatalf("%q does not match itself", text)
		}
		for _, other := range []string{
			strings.TrimSpace(text), strings.ToLower(text), strings.ToUpper(text), html.EscapeString(text), html.UnescapeString(text),
			text[:len(text)-1], text[:min(len(text), 72)], text + " ", " " + text, strings.ReplaceAll(text, "'", "''"),
		} {
			if same := asWritten(other) == asWritten(text); matches(t, h, hash, other) != same {
				r.Errorf("%q for %q: the same is %t", other, text, same)
			}
		}
	})
}
