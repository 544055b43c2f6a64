package github

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// installationToken returns how to get the tokens of an App's installation, which last
// for an hour: they are given out for a JSON Web Token that the App's key signs.
func installationToken(env connectors.Environment, p *parsed, judge func(*remote.Response) error) (func(context.Context) (remote.Token, error), error) {
	now := env.Now
	if now == nil {
		now = time.Now
	}
	key := remote.Secret(env, "private_key")
	client, err := remote.New(env, remote.Config{
		URL: p.site.base, Advice: advice, Account: "app " + p.app, Judge: judge,
		Token: func(ctx context.Context) (remote.Token, error) {
			held, err := key(ctx)
			if err != nil {
				return remote.Token{}, err
			}
			return appToken(p.app, held.Value, now())
		},
	})
	if err != nil {
		return nil, err
	}
	request := remote.Request{
		Method: http.MethodPost, Path: p.site.rest + "app/installations/" + p.installation + "/access_tokens",
		Header: headers(), JSON: struct{}{}, Repeat: true, What: "a token of the App's installation",
	}
	return func(ctx context.Context) (remote.Token, error) {
		issued, _, err := remote.Get[struct {
			Token     cairn.Secret `json:"token"`
			ExpiresAt time.Time    `json:"expires_at"`
		}](ctx, client, request)
		return remote.Token{Value: issued.Token, Expires: issued.ExpiresAt}, err
	}, nil
}

// A JSON Web Token of an App may last for ten minutes, and begins a minute ago, for
// clocks that are not the same ("Generating a JSON Web Token (JWT) for a GitHub App").
const (
	jwtBefore = time.Minute
	jwtAfter  = 9 * time.Minute
)

// appToken returns a JSON Web Token of an App (RFC 7519, RS256).
func appToken(app string, key cairn.Secret, now time.Time) (remote.Token, error) {
	private, err := parseKey(key)
	if err != nil {
		return remote.Token{}, err
	}
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-jwtBefore).Unix(), "exp": now.Add(jwtAfter).Unix(), "iss": app})
	if err != nil {
		return remote.Token{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		return remote.Token{}, badKey()
	}
	return remote.Token{Value: cairn.NewSecret(signed + "." + encode(signature)), Expires: now.Add(jwtAfter)}, nil
}

// parseKey reads a private key as GitHub gives it out (PKCS #1), or as tools convert it
// (PKCS #8).
func parseKey(key cairn.Secret) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(key.Reveal()))
	if block == nil {
		return nil, badKey()
	}
	if private, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return private, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := parsed.(*rsa.PrivateKey); err == nil && ok {
		return private, nil
	}
	return nil, badKey()
}

func badKey() error {
	return &connectors.Error{Kind: connectors.ErrUnauthorized, Message: "private_key is no RSA key: give the whole PEM file that GitHub gave out for the App"}
}
