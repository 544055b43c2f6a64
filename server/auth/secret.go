package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// tokenPrefix makes a leaked token easy to recognise, for people and for the
// scanners of code hosts.
const tokenPrefix = "cairn_"

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// HashOf returns the hash under which a secret is stored.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// NewToken returns a bearer token: the prefix, then 256 random bits and their
// CRC-32 in base32, so that a mistyped token is told from a revoked one without
// asking the database.
func NewToken() string {
	raw := make([]byte, 32, 36)
	rand.Read(raw) // never fails: crypto/rand ends the process instead
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return tokenPrefix + strings.ToLower(encoding.EncodeToString(raw))
}

// WellFormed reports whether a secret has the form and the checksum of a token.
func WellFormed(secret string) bool {
	rest, ok := strings.CutPrefix(secret, tokenPrefix)
	if !ok || rest != strings.ToLower(rest) {
		return false
	}
	raw, err := encoding.DecodeString(strings.ToUpper(rest))
	if err != nil || len(raw) != 36 || encoding.EncodeToString(raw) != strings.ToUpper(rest) {
		return false // the last character has two bits to spare: only one spelling is right
	}
	return binary.BigEndian.Uint32(raw[32:]) == crc32.ChecksumIEEE(raw[:32])
}

// newSessionSecret returns 256 random bits for a cookie.
func newSessionSecret() string {
	raw := make([]byte, 32)
	rand.Read(raw)
	return encoding.EncodeToString(raw)
}

// newCode returns a one-time code of 80 random bits in four groups that a
// person can type.
func newCode() string {
	raw := make([]byte, 10)
	rand.Read(raw)
	s := encoding.EncodeToString(raw)
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// hashOfCode hashes a code as it was typed: case, blanks and hyphens do not matter.
func hashOfCode(typed string) Hash {
	return HashOf(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(typed))))
}
