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
	raw := make([]byte, 32)
	rand.Read(raw) // never fails: crypto/rand ends the process instead
	return tokenOf(raw)
}

// tokenOf returns the bearer token of 256 bits.
func tokenOf(raw []byte) string {
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return tokenPrefix + strings.ToLower(encoding.EncodeToString(raw))
}

// tokenOfDevice returns the bearer token that belongs to the code with which a program
// asks to be let in: so its hash is known before, and the token is nowhere until it is
// handed over. It has the 256 random bits of the code.
func tokenOfDevice(code string) string {
	hash := HashOf("token of device\x00" + code)
	return tokenOf(hash[:])
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

// userAlphabet has no vowels, so that no words come about, and no digits, which look like
// letters (RFC 8628, section 6.1).
const userAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode returns a code of eight letters, 34 random bits, in two groups that a person
// can type. It is good for minutes, and for few attempts.
func newUserCode() string {
	code := make([]byte, 0, 9)
	for b := []byte{0}; len(code) < cap(code); {
		if len(code) == 4 {
			code = append(code, '-')
		}
		rand.Read(b)
		if n := len(userAlphabet); int(b[0]) < 256/n*n { // else some letters would come more often
			code = append(code, userAlphabet[int(b[0])%n])
		}
	}
	return string(code)
}

// hashOfUserCode is hashOfCode for the codes of programs that ask to be let in.
func hashOfUserCode(typed string) Hash {
	hash := hashOfCode(typed)
	return HashOf("user code\x00" + string(hash[:]))
}

// hashOfCode hashes a code as it was typed: case, blanks and hyphens do not matter.
func hashOfCode(typed string) Hash {
	return HashOf(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(strings.TrimSpace(typed))))
}
