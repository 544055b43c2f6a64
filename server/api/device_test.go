package api

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/server/audit"
)

// form sends a form without a session, as programs do.
func (w *world) form(path string, pairs ...string) replied {
	w.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return w.call(actor{}, "POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

type deviceCodes struct {
	Device string `json:"device_code"`
	User   string `json:"user_code"`
	URI    string `json:"verification_uri"`
}

func (w *world) device(pairs ...string) (codes deviceCodes) {
	w.Helper()
	got := w.form("/oauth/device_authorization", append([]string{"client_id", "cairn"}, pairs...)...)
	if got.status != 200 || got.header.Get("Cache-Control") != "no-store" {
		w.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	got.into(w, &codes)
	return codes
}

func (w *world) poll(code string) (replied, string) {
	w.Helper()
	got := w.form("/oauth/token", "client_id", "cairn", "grant_type", deviceGrant, "device_code", code)
	var said struct{ Error string }
	got.into(w, &said)
	return got, said.Error
}

func TestDeviceOverHTTP(t *testing.T) {
	w := newWorld(t)
	ann := w.annWithCode()
	codes := w.device("device_name", "cairn login on laptop", "scope", "read search", "ttl", "1h")
	if codes.URI != w.http.URL+"/device" {
		t.Errorf("%s", codes.URI)
	}
	if got, code := w.poll(codes.Device); got.status != 400 || code != "authorization_pending" {
		t.Errorf("%d %s", got.status, got.body)
	}
	var shown struct {
		Name, Address string
		Scopes        []string
		TTL           int `json:"ttl_seconds"`
	}
	ann.call("POST", "/login/device", `{"code":"`+codes.User+`"}`).into(t, &shown)
	if shown.Name != "cairn login on laptop" || shown.Address != "127.0.0.1" || strings.Join(shown.Scopes, " ") != "read search" || shown.TTL != 3600 {
		t.Errorf("%+v", shown)
	}
	decided := ann.call("POST", "/login/device/decision", `{"code":"`+codes.User+`","admit":true}`)
	if decided.status != 204 {
		t.Fatalf("%d %s", decided.status, decided.body)
	}
	got, _ := w.poll(codes.Device)
	var made struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
		In    int    `json:"expires_in"`
		Scope string `json:"scope"`
		ID    string `json:"token_id"`
	}
	got.into(t, &made)
	if got.status != 200 || got.header.Get("Cache-Control") != "no-store" || made.Type != "Bearer" || made.In < 3590 || made.In > 3600 || made.Scope != "read search" {
		t.Fatalf("%d %v %s", got.status, got.header, got.body)
	}
	in := actor{w.ann.account, made.Token}
	if got := w.call(in, "POST", "/api/v1/search", `{"query":"Meals"}`); got.status != 200 {
		t.Errorf("with the token: %d %s", got.status, got.body)
	}
	if got := w.call(in, "GET", "/api/v1/tokens", ""); got.status != 403 {
		t.Errorf("beyond its scopes: %d %s", got.status, got.body)
	}
	if got := ann.call("GET", "/tokens", ""); !strings.Contains(string(got.body), made.ID) || strings.Contains(string(got.body), made.Token) {
		t.Errorf("the list of tokens: %s", got.body)
	}
	if got, code := w.poll(codes.Device); code != "invalid_grant" {
		t.Errorf("once more: %d %s", got.status, got.body)
	}
}

func TestDeviceRefusals(t *testing.T) {
	w := newWorld(t)
	ann := w.annWithCode()
	codes := w.device()
	asked := `{"code":"` + codes.User + `"}`
	yes := `{"code":"` + codes.User + `","admit":true}`
	for _, path := range []string{"/api/v1/login/device", "/api/v1/login/device/decision"} {
		if got := w.call(w.root, "POST", path, map[bool]string{true: yes, false: asked}[strings.HasSuffix(path, "decision")]); got.status != 403 {
			t.Errorf("%s with an administrator's token: %d %s", path, got.status, got.body)
		}
		if got := w.call(actor{}, "POST", path, map[bool]string{true: yes, false: asked}[strings.HasSuffix(path, "decision")]); got.status != 401 {
			t.Errorf("%s by nobody: %d %s", path, got.status, got.body)
		}
		other := w.call(actor{}, "POST", path, yes, "Cookie", ann.cookie, "Origin", "https://evil.example")
		if other.status != 403 {
			t.Errorf("%s from a page of another site: %d %s", path, other.status, other.body)
		}
	}
	if got := ann.call("POST", "/login/device/decision", asked); got.status != 400 || !strings.Contains(string(got.body), "admit") {
		t.Errorf("without a decision: %d %s", got.status, got.body)
	}
	if got := ann.call("POST", "/login/device", `{"code":"BBBB-BBBB"}`); got.status != 404 {
		t.Errorf("a wrong code: %d %s", got.status, got.body)
	}
	no := ann.call("POST", "/login/device/decision", strings.Replace(yes, "true", "false", 1))
	if no.status != 204 {
		t.Fatalf("%d %s", no.status, no.body)
	}
	if got, code := w.poll(codes.Device); got.status != 400 || code != "access_denied" {
		t.Errorf("refused: %d %s", got.status, got.body)
	}
	for want, pairs := range map[string][]string{
		"unsupported_grant_type": {"client_id", "cairn", "grant_type", "password"},
		"invalid_grant":          {"client_id", "cairn", "grant_type", deviceGrant, "device_code", codes.User},
		"invalid_request":        {"grant_type", deviceGrant, "device_code", "x"},
	} {
		got := w.form("/oauth/token", pairs...)
		var said struct{ Error string }
		got.into(t, &said)
		if got.status != 400 || said.Error != want {
			t.Errorf("%v: %d %s; want %s", pairs, got.status, got.body, want)
		}
	}
	for _, pairs := range [][]string{
		{"client_id", "cairn", "scope", "root"}, {"client_id", "cairn", "ttl", "9000h"}, {"client_id", "cairn", "ttl", "1s"}, {"client_id", "\u202enircac"},
		{"client_id", "cairn", "device_name", strings.Repeat("x", 101)}, {"client_id", "cairn", "device_name", "a\nb"}, {"client_id", "a", "client_id", "b"}, {},
	} {
		got := w.form("/oauth/device_authorization", pairs...)
		var said struct{ Error string }
		got.into(t, &said)
		if got.status != 400 || said.Error != "invalid_request" {
			t.Errorf("%q: %d %s", pairs, got.status, got.body)
		}
	}
	if got := w.call(actor{}, "POST", "/oauth/token", `{"client_id":"cairn"}`); got.status != 400 {
		t.Errorf("JSON: %d %s", got.status, got.body)
	}
}

// TestDeviceIsInTheLog: the decision, with who made it and where the program is, and that
// the program was handed its token.
func TestDeviceIsInTheLog(t *testing.T) {
	w := newWorld(t)
	ann := w.annWithCode()
	before := len(w.events())
	codes, other := w.device(), w.device()
	refused := ann.call("POST", "/login/device/decision", `{"code":"`+other.User+`","admit":false}`)
	got := w.requested(refused)
	if len(got) != 1 || got[0].Action != audit.TokenRefuse || got[0].Account != w.ann.account.ID || got[0].Via != "session" || got[0].Outcome != audit.OK {
		t.Errorf("refused: %+v", got)
	}
	wrong := ann.call("POST", "/login/device/decision", `{"code":"`+other.User+`","admit":true}`)
	if got := w.requested(wrong); len(got) != 1 || got[0].Action != audit.TokenCreate || got[0].Outcome != "not_found" {
		t.Errorf("decided twice: %+v", got)
	}
	ann.call("POST", "/login/device/decision", `{"code":"`+codes.User+`","admit":true}`)
	w.poll(codes.Device)
	for _, e := range w.events()[before:] {
		b, err := json.Marshal(e)
		if err != nil || strings.Contains(string(b), codes.User) || strings.Contains(string(b), codes.Device) {
			t.Errorf("the log has a code: %s", b)
		}
	}
}
