package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
)

// TestDevice is a program that is let in by a server that does not answer for a moment.
func TestDevice(t *testing.T) {
	t.Parallel()
	begun, polls := `{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://cairn.example/device","expires_in":600,"interval":1}`, 0
	refusal, status := "", http.StatusOK
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/device_authorization", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_id") != "cairn" || r.FormValue("device_name") != "laptop" || r.FormValue("scope") != "search read" || r.FormValue("ttl") != "1h" {
			t.Errorf("asked for %v", r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(begun))
	})
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		polls++
		switch {
		case r.FormValue("device_code") != "d":
			t.Errorf("asked with %v", r.Form)
		case refusal != "":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"` + refusal + `"}`))
		case polls == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":"temporarily_unavailable"}`))
		default:
			_, _ = w.Write([]byte(`{"access_token":"cairn_x","token_type":"Bearer","expires_in":3600,"scope":"read search","token_id":"T1"}`))
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	ask := client.DeviceRequest{Name: "laptop", Scopes: []cairn.Scope{"search", "read"}, TTL: "1h"}
	d, err := c.BeginDevice(t.Context(), ask)
	if err != nil || d.Code != "BCDF-GHJK" || d.URL != "https://cairn.example/device" {
		t.Fatalf("%+v, %v", d, err)
	}
	token, err := c.AwaitDevice(t.Context(), d)
	if err != nil || polls != 2 || token.Secret != "cairn_x" || token.ID != "T1" || len(token.Scopes) != 2 || token.ExpiresAt.IsZero() {
		t.Errorf("after %d questions: %+v, %v", polls, token, err)
	}
	for answer, want := range map[string]string{"access_denied": "refused in the browser", "invalid_grant": "knows the code no more"} {
		refusal = answer
		if _, err := c.AwaitDevice(t.Context(), d); !errors.Is(err, cairn.ErrUnauthenticated) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	for answer, want := range map[int]error{http.StatusTooManyRequests: cairn.ErrRateLimited, http.StatusBadRequest: cairn.ErrInvalid, http.StatusServiceUnavailable: cairn.ErrUnavailable} {
		status, begun = answer, `{"error":"x","error_description":"wait \u001b[2J"}`
		if _, err := c.BeginDevice(t.Context(), ask); !errors.Is(err, want) || !strings.Contains(err.Error(), "wait") {
			t.Errorf("status %d: %v", answer, err)
		}
	}
	status, begun = http.StatusNotFound, "<html>"
	if _, err := c.BeginDevice(t.Context(), ask); !errors.Is(err, cairn.ErrUnavailable) || !strings.Contains(err.Error(), "another version") {
		t.Errorf("a server that does not know it: %v", err)
	}
}
