package sensitive

import (
	"math"
	"slices"
	"strings"
)

// names are what secrets are assigned to, in lower case; a longer name may end in
// one of them, as in db_password or STRIPE_API_KEY.
var names = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "api_key", "apikey", "api key", "api-key", "access_key", "access key",
	"auth_token", "access_token", "access token", "secret_key", "private_key", "client_secret",
	"passwort", "kennwort", "mot de passe", "contraseña", "wachtwoord", "hasło",
}

// passwords finds values that are assigned to a name and look made up rather than
// written, and passwords in addresses.
func passwords(p page, found func(Kind, string)) {
	for i := range len(p.text) {
		switch c := p.text[i]; {
		case c == '=' || c == ':' && !strings.HasPrefix(p.text[i:], "://"):
			name := strings.TrimRight(p.lower[max(i-24, 0):i], " \"'`*")
			if slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(name, n) }) {
				if v := assigned(p.text[i+1:]); secret(v) {
					found(Password, v)
				}
			}
		case c == ':':
			if v, ok := userinfo(p.text[i+len("://"):]); ok && secret(v) {
				found(Password, v)
			}
		}
	}
}

// assigned returns the value behind a sign of assignment, on its line: in quotes, or
// up to the next white space.
func assigned(text string) string {
	text, _, _ = strings.Cut(text[:min(len(text), 200)], "\n")
	text = strings.TrimLeft(text, "=> *")
	if text == "" {
		return ""
	}
	if quote := text[0]; quote == '"' || quote == '\'' || quote == '`' {
		value, _, _ := strings.Cut(text[1:], string(quote))
		return value
	}
	if end := strings.IndexAny(text, " \t|<"); end >= 0 {
		text = text[:end]
	}
	return strings.TrimRight(text, "*.,;)\"'`")
}

// userinfo returns the password of an address that begins with user:password@.
func userinfo(rest string) (string, bool) {
	if end := strings.IndexAny(rest, "/ \t\n\"'<>"); end >= 0 {
		rest = rest[:end]
	}
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		return "", false
	}
	_, password, ok := strings.Cut(user, ":")
	return password, ok
}

const (
	secretLeast = 7
	secretMost  = 128
	// secretBits is how many bits a character of a secret has at least, by how often
	// each occurs in it (Shannon); "password1" has 2.9, "aaaa1111" has 1.
	secretBits = 2.5
)

// secret reports whether a value looks like one: letters with digits among them or
// three kinds of characters, without much repetition, and no reference to where the
// secret really is.
func secret(v string) bool {
	if len(v) < secretLeast || len(v) > secretMost || strings.ContainsAny(v, " \n${}<>()[]\\") || strings.Contains(v, "://") {
		return false
	}
	lower := strings.ToLower(v)
	for _, placeholder := range []string{"example", "changeme", "password", "placeholder", "xxxx", "****", "....", "your", "redacted", "1234567"} {
		if strings.Contains(lower, placeholder) {
			return false
		}
	}
	var letters, digits, others int
	for i := range len(v) {
		switch c := v[i]; {
		case digit(c):
			digits++
		case alphanumeric(c) || c >= 0x80:
			letters++
		case c == '.' || c == '/' || c == '-' || c == '_' || c == ',': // of versions, paths and names
		default:
			others++
		}
	}
	return letters > 0 && (digits > 0 || others > 0 && lower != v) && entropy(v) >= secretBits
}

// entropy returns the bits of a character of s, by how often each occurs in it.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			share := float64(n) / float64(len(s))
			bits -= share * math.Log2(share)
		}
	}
	return bits
}
