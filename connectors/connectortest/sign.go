package connectortest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Sign returns the HMAC-SHA-256 of the parts, one after the other, in hexadecimal: what
// places sign their webhooks with.
func Sign(secret string, parts ...string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(strings.Join(parts, ""))) // it never fails
	return hex.EncodeToString(mac.Sum(nil))
}
