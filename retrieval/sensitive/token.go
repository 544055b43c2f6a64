package sensitive

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// forms are tokens as their issuers document them: a prefix, and how many
// characters of which kind follow it.
//
//	AWS     https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
//	GitHub  https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
//	Slack   https://docs.slack.dev/authentication/tokens
//	Stripe  https://docs.stripe.com/keys; test keys are left out
//	Google  https://cloud.google.com/docs/authentication/api-keys
var forms = []struct {
	kind        Kind
	prefix      string
	least, most int
	holds       func(byte) bool
}{
	{AWSKey, "AKIA", 16, 16, base32},
	{AWSKey, "ASIA", 16, 16, base32},
	{GitHubToken, "ghp_", 36, 36, alphanumeric},
	{GitHubToken, "gho_", 36, 36, alphanumeric},
	{GitHubToken, "ghu_", 36, 36, alphanumeric},
	{GitHubToken, "ghs_", 36, 255, tokenByte},
	{GitHubToken, "ghr_", 36, 80, alphanumeric},
	{GitHubToken, "github_pat_", 82, 82, tokenByte},
	{SlackToken, "xoxb-", 24, 255, tokenByte},
	{SlackToken, "xoxp-", 24, 255, tokenByte},
	{SlackToken, "xoxa-", 24, 255, tokenByte},
	{SlackToken, "xoxe-", 24, 255, tokenByte},
	{SlackToken, "xoxr-", 24, 255, tokenByte},
	{SlackToken, "xoxs-", 24, 255, tokenByte},
	{SlackToken, "xapp-", 24, 255, tokenByte},
	{StripeKey, "sk_live_", 24, 255, alphanumeric},
	{StripeKey, "rk_live_", 24, 255, alphanumeric},
	{StripeKey, "whsec_", 32, 255, alphanumeric},
	{GoogleKey, "AIza", 35, 35, tokenByte},
	{GoogleKey, "GOCSPX-", 28, 28, tokenByte},
}

func base32(c byte) bool    { return upper(c) || '2' <= c && c <= '7' }
func tokenByte(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' }

// tokens finds tokens by their forms, and JSON Web Tokens.
func tokens(p page, found func(Kind, string)) {
	runs(p.text, func(c byte) bool { return tokenByte(c) || c == '.' }, func(_ int, run string) {
		parts := strings.Split(run, ".")
		for i, part := range parts {
			if i+2 < len(parts) && jwt(part, parts[i+1], parts[i+2]) {
				found(JWT, strings.Join(parts[i:i+3], "."))
			}
			if kind, ok := token(part); ok {
				found(kind, part)
			}
		}
	})
}

// token returns the kind of a token.
func token(s string) (Kind, bool) {
	for _, f := range forms {
		body, ok := strings.CutPrefix(s, f.prefix)
		if ok && f.least <= len(body) && len(body) <= f.most && only(body, f.holds) && varied(body) && !strings.HasSuffix(body, "EXAMPLE") {
			return f.kind, true
		}
	}
	return "", false
}

// jwt reports whether three parts are a signed token (RFC 7519): a header that
// names its algorithm, claims, and a signature.
func jwt(header, claims, signature string) bool {
	if !strings.HasPrefix(header, "eyJ") || !strings.HasPrefix(claims, "eyJ") || len(signature) < 20 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(header)
	var h struct {
		Alg string `json:"alg"`
	}
	return err == nil && json.Unmarshal(b, &h) == nil && h.Alg != ""
}

const (
	keyWindow = 400 // bytes after the header of a key in which its own must begin
	keyLine   = 40  // characters in a row that are no word
)

// privateKeys finds keys in the form of RFC 7468 and of OpenPGP, with their bytes:
// the header alone is in every manual.
func privateKeys(p page, found func(Kind, string)) {
	const begin, end = "-----BEGIN ", "-----"
	for at := 0; ; {
		i := strings.Index(p.text[at:], begin)
		if i < 0 {
			return
		}
		at += i + len(begin)
		label, rest, ok := strings.Cut(p.text[at:min(at+keyWindow, len(p.text))], end)
		if !ok || !strings.HasSuffix(strings.TrimSuffix(label, " BLOCK"), "PRIVATE KEY") {
			continue
		}
		runs(rest, func(c byte) bool { return alphanumeric(c) || c == '+' || c == '/' }, func(_ int, line string) {
			if len(line) >= keyLine && varied(line) && ok {
				ok = false // one is enough
				found(PrivateKey, line)
			}
		})
	}
}
