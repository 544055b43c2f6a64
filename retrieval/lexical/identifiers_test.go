package lexical

import "testing"

func TestIdentifiers(t *testing.T) {
	for _, tt := range []struct {
		text                string
		identifiers, tokens int
	}{
		{"", 0, 0},
		{"How do I claim travel costs?", 0, 6},
		{"getUserById", 1, 1},
		{"what does parse_header of net/http.go do", 2, 7},
		{"error 404 in v1.2", 1, 4},
		{"出張費 の申請", 0, 2},
	} {
		if n, of := Identifiers(tt.text); n != tt.identifiers || of != tt.tokens {
			t.Errorf("%q: %d of %d, want %d of %d", tt.text, n, of, tt.identifiers, tt.tokens)
		}
	}
}
