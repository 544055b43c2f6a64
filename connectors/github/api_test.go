package github

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// What GitHub says of its limits, and of queries that fail with status 200.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	reset := http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {strconv.FormatInt(now.Add(10*time.Minute).Unix(), 10)}}
	a := &api{now: func() time.Time { return now }}
	for _, tt := range []struct {
		name   string
		status int
		path   string
		header http.Header
		body   string
		want   error
		wait   time.Duration
	}{
		{"primary limit", 403, "/x", reset, "", connectors.ErrRateLimited, 10*time.Minute + time.Second},
		{"primary limit, 429", 429, "/x", reset, "", connectors.ErrRateLimited, 10*time.Minute + time.Second},
		{"primary limit, reset in the past", 403, "/x", http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1"}}, "", connectors.ErrRateLimited, time.Second},
		{"primary limit without a time", 403, "/x", http.Header{"X-Ratelimit-Remaining": {"0"}}, "", connectors.ErrRateLimited, time.Minute},
		{"secondary limit", 403, "/x", http.Header{"Retry-After": {"30"}, "X-Ratelimit-Remaining": {"4000"}}, "", connectors.ErrRateLimited, 0},
		{"secondary limit without a time", 403, "/x", http.Header{}, `{"message":"You have exceeded a secondary rate limit."}`, connectors.ErrRateLimited, time.Minute},
		{"forbidden", 403, "/x", http.Header{"X-Ratelimit-Remaining": {"4000"}}, `{"message":"Resource not accessible by integration"}`, nil, 0},
		{"taken down", 451, "/x", nil, "", connectors.ErrNotFound, 0},
		{"points used up", 200, "/graphql", reset, `{"errors":[{"type":"RATE_LIMITED"}]}`, connectors.ErrRateLimited, 10*time.Minute + time.Second},
		{"time-out of a query", 200, "/graphql", nil, `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`, connectors.ErrUnavailable, 0},
		{"scopes", 200, "/api/graphql", nil, `{"errors":[{"type":"INSUFFICIENT_SCOPES"}]}`, connectors.ErrForbidden, 0},
		{"not there", 200, "/graphql", nil, `{"data":null,"errors":[{"type":"NOT_FOUND"}]}`, connectors.ErrNotFound, 0},
		{"no valid query", 200, "/graphql", nil, `{"errors":[{"message":"x","extensions":{"code":"undefinedField"}}]}`, connectors.ErrUnexpected, 0},
		{"in part", 200, "/graphql", nil, `{"data":{"node":null},"errors":[{"type":"NOT_FOUND","path":["node"]}]}`, nil, 0},
		{"whole", 200, "/graphql", nil, `{"data":{}}`, nil, 0},
		{"REST", 200, "/x", nil, `{"errors":[{"type":"RATE_LIMITED"}]}`, nil, 0},
	} {
		header := tt.header
		if header == nil {
			header = http.Header{}
		}
		err := a.judge(&remote.Response{Status: tt.status, Header: header, Body: []byte(tt.body), URL: &url.URL{Path: tt.path}})
		var told *connectors.Error
		errors.As(err, &told)
		if tt.want == nil && err != nil || tt.want != nil && (!errors.Is(err, tt.want) || told.Wait != tt.wait || told.Message != "") {
			t.Errorf("%s: %#v", tt.name, err)
		}
	}
}

// A key that is none says so, and not what it is.
func TestKeys(t *testing.T) {
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(elliptical)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", "hush", "-----BEGIN RSA PRIVATE KEY-----\naHVzaA==\n-----END RSA PRIVATE KEY-----\n", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))} {
		_, err := appToken("42", cairn.NewSecret(key), time.Now())
		if !errors.Is(err, connectors.ErrUnauthorized) || !strings.Contains(err.Error(), "PEM") || key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// Without a credential nothing is asked, and the setting is named.
func TestNoCredential(t *testing.T) {
	for _, settings := range []map[string]string{{"owner": "acme"}, {"owner": "acme", "app": "42", "installation": "77"}} {
		c, err := Kind().Open(connectors.Environment{Network: nowhere{}}, settings)
		if err != nil {
			t.Fatal(err)
		}
		name := "token"
		if settings["app"] != "" {
			name = "private_key"
		}
		for _, err := range c.Changes(context.Background(), "") {
			if !errors.Is(err, connectors.ErrUnauthorized) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v: %v", settings, err)
			}
		}
	}
}

// nowhere is a network on which nothing may be sent.
type nowhere struct{ connectors.Network }

// RoundTrip implements http.RoundTripper.
func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("something was sent")
}
