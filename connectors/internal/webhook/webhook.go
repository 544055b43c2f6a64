// Package webhook has what the connectors share that understand webhooks: signatures, and
// a reading of payloads that breaks at nothing that a place may add to them.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Matches reports whether text is prefix and the HMAC-SHA-256 (RFC 2104, FIPS 180-4) of
// the parts, one after the other, in hexadecimal, in a time that does not tell how much
// of it is right. Without a secret nothing matches.
func Matches(secret cairn.Secret, text, prefix string, parts ...[]byte) bool {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	for _, part := range parts {
		_, _ = mac.Write(part) // it never fails
	}
	given, ok := strings.CutPrefix(text, prefix)
	sum, err := hex.DecodeString(given)
	return hmac.Equal(sum, mac.Sum(nil)) && ok && err == nil && secret.Set()
}

// Signed verifies a delivery by a header with "sha256=" and the HMAC of the body, as
// WebSub (W3C Recommendation of 2018) has it.
func Signed(header string) func(secret cairn.Secret, d connectors.Delivery) error {
	return func(secret cairn.Secret, d connectors.Delivery) error {
		if !Matches(secret, d.Header.Get(header), "sha256=", d.Body) {
			return connectors.ErrUnsigned
		}
		return nil
	}
}

// Fields are those of a JSON object. Of one that is not there, or is of another type,
// there is the zero value.
type Fields map[string]json.RawMessage

// Read returns the fields of the body of a delivery. The error is ErrInvalid.
func Read(d connectors.Delivery) (Fields, error) {
	var f Fields
	if err := json.Unmarshal(d.Body, &f); err != nil || f == nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body is no JSON object")
	}
	return f, nil
}

// Text returns a field that is a text.
func (f Fields) Text(name string) string { return value[string](f, name) }

// True reports whether a field is true.
func (f Fields) True(name string) bool { return value[bool](f, name) }

// Object returns a field that is an object.
func (f Fields) Object(name string) Fields { return value[Fields](f, name) }

// Objects returns a field that is an array of objects.
func (f Fields) Objects(name string) []Fields { return value[[]Fields](f, name) }

func value[T any](f Fields, name string) (v T) {
	var zero T
	if json.Unmarshal(f[name], &v) != nil {
		return zero
	}
	return v
}
