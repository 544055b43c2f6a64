package server

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cairn.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSettingsPrecedence(t *testing.T) {
	path := configFile(t, `
addr: 127.0.0.1:1
data_dir: /from/file
sample: on
timezone: Europe/Berlin
files_roots: [/srv/a, /srv/b]
allowed_networks: "10.1.0.0/16, 192.168.7.9"
llm: {url: "http://file:1/v1", model: from-file, api_key: file-key}
`)
	t.Setenv("CAIRN_ADDR", "127.0.0.1:2")
	t.Setenv("CAIRN_DATA_DIR", "/from/env")
	t.Setenv("CAIRN_LLM_MODEL", "from-env")
	t.Setenv("CAIRN_TIMEZONE", "") // counts as unset
	t.Setenv("CAIRN_ADR", "misspelt")
	s, err := LoadSettings(path, map[string]string{"CAIRN_ADDR": "127.0.0.1:3"})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{s.Addr, s.DataDir, bool(s.Sample), s.Timezone.String(), []string(s.FilesRoots), s.LLM.URL, s.LLM.Model,
		s.LLM.APIKey.Reveal(), fmt.Sprint(s.AllowedNetworks), s.Unknown, s.URL}
	want := []any{"127.0.0.1:3", "/from/env", true, "Europe/Berlin", []string{"/srv/a", "/srv/b"}, "http://file:1/v1", "from-env",
		"file-key", "[10.1.0.0/16 192.168.7.9/32]", []string{"CAIRN_ADR"}, "http://127.0.0.1:8080"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsFromVariables(t *testing.T) {
	s, err := readSettings("no-such-file", false, map[string]string{
		"CAIRN_FILES_ROOTS": "/srv/a:/srv/b,/srv/c d", "CAIRN_SAMPLE": "on", "CAIRN_DATABASE_URL": "postgres://x",
		"CAIRN_ALLOWED_NETWORKS": "10.0.0.0/8,fd00::/8", "CAIRN_EMBED_URL": "http://e", "CAIRN_EMBED_MODEL": "m",
		"CAIRN_EMBED_QUERY_PREFIX": "task: search result | query: ", "CAIRN_EMBED_DOCUMENT_PREFIX": "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/srv/a", "/srv/b", "/srv/c d"}, []string(s.FilesRoots)); diff != "" {
		t.Error(diff)
	}
	if !bool(s.Sample) || s.DatabaseURL.Reveal() != "postgres://x" || len(s.AllowedNetworks) != 2 || s.Embed.Model != "m" ||
		s.Embed.QueryPrefix != "task: search result | query: " || s.Embed.DocumentPrefix != "none" {
		t.Errorf("%+v", s)
	}
}

func TestSettingsErrorsNameTheSetting(t *testing.T) {
	cases := []struct {
		file string
		env  map[string]string
		want string
	}{
		{"sample: perhaps", nil, "perhaps"},
		{"adr: x", nil, "field adr is no setting; check its spelling"},
		{"llm: {modle: x}", nil, "field modle is no setting of llm;"},
		{"embed: {modle: x}", nil, "field modle is no setting of embed;"},
		{"extract: {mb: 1}", nil, "field mb is no setting of extract;"},
		{"addr: [", nil, "cairn.yaml"},
		{"", map[string]string{"CAIRN_ADDR": "8080"}, "CAIRN_ADDR"},
		{"", map[string]string{"CAIRN_TIMEZONE": "Mars/Olympus"}, "Mars/Olympus"},
		{"", map[string]string{"CAIRN_AUDIT_RETENTION": "3d"}, "CAIRN_AUDIT_RETENTION"},
		{"", map[string]string{"CAIRN_AUDIT_RETENTION": "a year"}, "400d"},
		{"audit_retention: for ever", nil, "400d"},
		{"", map[string]string{"CAIRN_PUBLIC_URL": "cairn.acme.com"}, "CAIRN_PUBLIC_URL"},
		{"", map[string]string{"CAIRN_FILES_ROOTS": "relative/path"}, "relative/path"},
		{"", map[string]string{"CAIRN_ALLOWED_NETWORKS": "10.1"}, "10.1"},
		{"", map[string]string{"CAIRN_LLM_URL": "http://x"}, "CAIRN_LLM_MODEL"},
		{"", map[string]string{"CAIRN_EMBED_MODEL": "x"}, "CAIRN_EMBED_URL"},
		{"", map[string]string{"CAIRN_EMBED_QUERY_PREFIX": "query: "}, "CAIRN_EMBED_MODEL"},
		{"", map[string]string{"CAIRN_EMBED_DOCUMENT_PREFIX": "none"}, "CAIRN_EMBED_MODEL"},
		{"", map[string]string{"CAIRN_RERANK_URL": "http://x"}, "CAIRN_RERANK_KIND"},
		{"", map[string]string{"CAIRN_RERANK_KIND": "magic"}, "CAIRN_RERANK_KIND"},
		{"", map[string]string{"CAIRN_RERANK_KIND": "tei"}, "CAIRN_RERANK_URL"},
		{"", map[string]string{"CAIRN_RERANK_KIND": "jina"}, "CAIRN_RERANK_MODEL"},
		{"", map[string]string{"CAIRN_RERANK_KIND": "jina", "CAIRN_RERANK_MODEL": "m", "CAIRN_RERANK_URL": "x"}, "CAIRN_RERANK_URL"},
		{"", map[string]string{"CAIRN_SIGN_IN": "never"}, "never"},
		{"", map[string]string{"CAIRN_DRAIN_DELAY": "-1s"}, "CAIRN_DRAIN_DELAY"},
		{"", map[string]string{"CAIRN_DRAIN_DELAY": "1h"}, "CAIRN_DRAIN_DELAY"},
		{"drain_delay: soon", nil, "soon"},
		{"", map[string]string{"CAIRN_SIGN_IN": "local", "CAIRN_ADDR": "0.0.0.0:80"}, "CAIRN_SIGN_IN"},
		{"oidc: {isuer: x}", nil, "isuer"},
		{"", map[string]string{"CAIRN_OIDC_CLIENT_ID": "x"}, "CAIRN_OIDC_ISSUER"},
		{"", issuerSettings("CAIRN_PUBLIC_URL", ""), "CAIRN_PUBLIC_URL"},
		{"", issuerSettings("CAIRN_OIDC_CLIENT_ID", ""), "CAIRN_OIDC_CLIENT_ID"},
		{"", issuerSettings("CAIRN_OIDC_ISSUER", "http://id.acme.com"), "https://"},
		{"", issuerSettings("CAIRN_OIDC_ISSUER", "id.acme.com"), "CAIRN_OIDC_ISSUER"},
		{"", issuerSettings("CAIRN_OIDC_ISSUER", "https://id.acme.com/?x=y"), "CAIRN_OIDC_ISSUER"},
		{"", issuerSettings("CAIRN_OIDC_SIGN_UP", "some"), "some"},
		{"", issuerSettings("CAIRN_OIDC_DOMAINS", "*.acme.com"), "CAIRN_OIDC_DOMAINS"},
		{"", issuerSettings("CAIRN_OIDC_TRUSTED_DOMAINS", "com"), "CAIRN_OIDC_TRUSTED_DOMAINS"},
		{"", issuerSettings("CAIRN_OIDC_CLIENT_SECRET_FILE", "/no/such/file"), "CAIRN_OIDC_CLIENT_SECRET_FILE"},
		{"", issuerSettings("CAIRN_SIGN_IN", "local"), "CAIRN_SIGN_IN"},
		{"", map[string]string{"CAIRN_SESSION_IDLE": "0s"}, "CAIRN_SESSION_IDLE"},
		{"", map[string]string{"CAIRN_TRUSTED_PROXIES": "0.0.0.0/0"}, "CAIRN_TRUSTED_PROXIES"},
	}
	for _, c := range cases {
		for name, value := range c.env {
			t.Setenv(name, value)
		}
		_, err := LoadSettings(configFile(t, c.file), nil)
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %v: %v; want an ErrInvalid that names %s", c.file, c.env, err, c.want)
		}
		for name := range c.env {
			os.Unsetenv(name)
		}
	}
	if _, err := LoadSettings(filepath.Join(t.TempDir(), "other.yaml"), nil); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a file that was named and does not exist: %v", err)
	}
}

// issuerSettings are those of an issuer, with one changed.
func issuerSettings(name, value string) map[string]string {
	all := map[string]string{
		"CAIRN_PUBLIC_URL": "https://cairn.acme.com", "CAIRN_OIDC_ISSUER": "https://id.acme.com", "CAIRN_OIDC_CLIENT_ID": "cairn",
	}
	all[name] = value
	return all
}

func TestIssuerSettings(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range issuerSettings("CAIRN_OIDC_CLIENT_SECRET_FILE", secret) {
		t.Setenv(name, value)
	}
	t.Setenv("CAIRN_OIDC_DOMAINS", "Acme.com, @acme.org")
	t.Setenv("CAIRN_OIDC_SCOPES", "openid urn:acme:all")
	s, err := LoadSettings(configFile(t, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{s.OIDC.ClientSecret.Reveal(), []string(s.OIDC.Domains), []string(s.OIDC.Scopes), s.OIDC.Name(), s.OIDC.SignUp, s.Local(), s.Unknown}
	want := []any{"hunter2", []string{"acme.com", "acme.org"}, []string{"openid", "urn:acme:all"}, "id.acme.com", auth.SignUpDomains, false, []string(nil)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	t.Setenv("CAIRN_OIDC_CLIENT_SECRET", "hunter3")
	if _, err := LoadSettings(configFile(t, ""), nil); !errors.Is(err, cairn.ErrInvalid) || strings.Contains(err.Error(), "hunter") {
		t.Errorf("two secrets: %v", err)
	}
}

// TestIssuerEndsLocalMode sets an issuer on one's own machine.
func TestIssuerEndsLocalMode(t *testing.T) {
	s := DefaultSettings()
	s.OIDC.Issuer, s.PublicURL = "https://id.acme.com", "http://127.0.0.1:8080"
	if s.Local() {
		t.Error("nobody needs to sign in")
	}
}

// TestPasswordsEndLocalMode: where people have passwords, they sign in.
func TestPasswordsEndLocalMode(t *testing.T) {
	t.Setenv("CAIRN_PASSWORDS", "on")
	s, err := LoadSettings(configFile(t, ""), nil)
	if err != nil || !bool(s.Passwords) || s.Local() {
		t.Errorf("%v, local mode: %t", err, s.Local())
	}
	t.Setenv("CAIRN_SIGN_IN", "local")
	if _, err := LoadSettings(configFile(t, ""), nil); !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "CAIRN_PASSWORDS") {
		t.Errorf("with local mode: %v", err)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	s := DefaultSettings()
	s.DatabaseURL, s.LLM.APIKey, s.Token = NewSecret("postgres://u:hunter2@db/x"), NewSecret("hunter2"), NewSecret("hunter2")
	s.OIDC.ClientSecret = NewSecret("hunter2")
	var out strings.Builder
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("settings", "all", s, "one", s.Token, "model", s.LLM)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("settings", "all", s, "one", s.Token, "model", s.LLM)
	fmt.Fprintf(&out, "%v %+v %#v %s", s, s, s, s.Token)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is shown: %s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that a secret is set")
	}
}

func TestPrintedSettingsCanBeRead(t *testing.T) {
	s := DefaultSettings()
	s.FilesRoots = List{"/srv/a"}
	var out strings.Builder
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSettings(configFile(t, out.String()), nil); err != nil {
		t.Errorf("%v in\n%s", err, out.String())
	}
}

func TestLocalDecision(t *testing.T) {
	cases := []struct {
		addr, public string
		signIn       SignIn
		want         bool
	}{
		{"127.0.0.1:8080", "", SignInAuto, true},
		{"localhost:8080", "", SignInAuto, true},
		{"[::1]:8080", "http://localhost:8080", SignInAuto, true},
		{":8080", "", SignInAuto, false},
		{"0.0.0.0:8080", "", SignInAuto, false},
		{"10.0.0.7:8080", "", SignInAuto, false},
		{"127.0.0.1:8080", "https://cairn.acme.com", SignInAuto, false}, // a proxy in front
		{"127.0.0.1:8080", "", SignInRequired, false},
		{"127.0.0.1:8080", "https://cairn.acme.com", SignInLocal, true},
	}
	for _, c := range cases {
		s := DefaultSettings()
		s.Addr, s.PublicURL, s.SignIn = c.addr, c.public, c.signIn
		if got := s.Local(); got != c.want {
			t.Errorf("%s %s %s: %t; want %t", c.addr, c.public, c.signIn, got, c.want)
		}
	}
}

func TestConnectorsEnvironment(t *testing.T) {
	s := DefaultSettings()
	s.DataDir = "/data/"
	if e := s.Connectors(); e.FilesRoots != nil || !cmp.Equal(e.ForbiddenRoots, []string{"/data"}) {
		t.Errorf("local mode: %+v", e)
	}
	s.FilesRoots = List{"/srv/a/"}
	if e := s.Connectors(); !cmp.Equal(e.FilesRoots, []string{"/srv/a"}) {
		t.Errorf("local mode with roots: %+v", e)
	}
	s.FilesRoots, s.SignIn = nil, SignInRequired
	if e := s.Connectors(); e.FilesRoots == nil || len(e.FilesRoots) != 0 {
		t.Errorf("not local, no roots: %+v", e)
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 30 * day, "90d": 90 * day, "36h": 36 * time.Hour, "1D": day} {
		s, err := readSettings("no-such-file", false, map[string]string{"CAIRN_RETENTION": text, "CAIRN_CONVERSATION_RETENTION": text})
		if err != nil || s.Retention.Duration() != want || text != "" && s.ConversationRetention.Duration() != want {
			t.Errorf("%q: %v, %v, %v", text, s.Retention.Duration(), s.ConversationRetention.Duration(), err)
		}
	}
	for _, text := range []string{"90", "-1d", "0d", "30m", "1w", "99999999d"} {
		if _, err := readSettings("no-such-file", false, map[string]string{"CAIRN_RETENTION": text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	s, err := readSettings("no-such-file", false, map[string]string{"CAIRN_RETENTION": "off", "CAIRN_CONVERSATION_RETENTION": "off"})
	if err != nil || s.ConversationRetention != 0 || s.validate() == nil {
		t.Errorf("off: %v, %v", s.ConversationRetention, err)
	}
	var printed strings.Builder
	if err := DefaultSettings().Print(&printed); err != nil || !strings.Contains(printed.String(), "\nretention: 30d\nconversation_retention: \"off\"\n") {
		t.Errorf("%v:\n%s", err, printed.String())
	}
}

func TestPermissionsEvery(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 5 * time.Minute, "1m": time.Minute, "2h": 2 * time.Hour, "off": 0, "0": 0} {
		s, err := readSettings("no-such-file", false, map[string]string{"CAIRN_PERMISSIONS_EVERY": text})
		if err != nil || s.PermissionsEvery.Duration() != want {
			t.Errorf("%q: %v, %v", text, s.PermissionsEvery.Duration(), err)
		}
	}
	for _, text := range []string{"5", "30s", "-5m", "25h", "often"} {
		if _, err := readSettings("no-such-file", false, map[string]string{"CAIRN_PERMISSIONS_EVERY": text}); err == nil || !strings.Contains(err.Error(), "1m to 24h") {
			t.Errorf("%q: %v", text, err)
		}
	}
	var printed strings.Builder
	s := DefaultSettings()
	s.PermissionsEvery = 0
	if err := s.Print(&printed); err != nil || !strings.Contains(printed.String(), "\npermissions_every: \"off\"\n") {
		t.Errorf("%v:\n%s", err, printed.String())
	}
}

const day = 24 * time.Hour
