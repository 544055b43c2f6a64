package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"sync"
)

// key signs tokens: exactly one of rsa and ec is set.
type key struct {
	id  string
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func makeRSAKey() (key, error) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	return key{id: rand.Text(), rsa: k}, err
}

// firstKey is that of every new issuer: to make one takes long.
var firstKey = sync.OnceValues(makeRSAKey)

func makeECKey() (key, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return key{id: rand.Text(), ec: k}, err
}

// attackersKey is one that no issuer has.
var attackersKey = sync.OnceValues(makeRSAKey)

func (k key) algorithm() string {
	if k.ec != nil {
		return "ES256"
	}
	return "RS256"
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes a token. The algorithm is that of the header: beside that of the key,
// "none" makes no signature, and "HS256" one with the public key as the secret, as
// an attacker would who knows nothing else.
func (k key) sign(header, claims map[string]any) string {
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := encoded(h) + "." + encoded(c)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	switch {
	case header["alg"] == "none":
	case header["alg"] == "HS256":
		mac := hmac.New(sha256.New, k.publicPEM())
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	case k.ec != nil:
		r, s, err := ecdsa.Sign(rand.Reader, k.ec, sum[:])
		if err != nil {
			panic(err)
		}
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	default:
		if signature, err = rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, sum[:]); err != nil {
			panic(err)
		}
	}
	return text + "." + encoded(signature)
}

// publicPEM returns the public key of RSA in the form in which people pass it on.
func (k key) publicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// serveKeys tells the public keys (RFC 7517).
func (i *issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	var out []map[string]any
	for _, k := range i.keys {
		jwk := map[string]any{"kid": k.id, "use": "sig", "alg": k.algorithm()}
		if k.ec != nil {
			point, err := k.ec.PublicKey.Bytes()
			if err != nil {
				panic(err)
			}
			jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encoded(point[1:33]), encoded(point[33:65])
		} else {
			jwk["kty"], jwk["n"] = "RSA", encoded(k.rsa.N.Bytes())
			jwk["e"] = encoded(big.NewInt(int64(k.rsa.E)).Bytes())
		}
		out = append(out, jwk)
	}
	sendJSON(w, http.StatusOK, map[string]any{"keys": out})
}
