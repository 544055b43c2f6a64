package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"gopkg.in/yaml.v3"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// Settings is everything that an operator can set: in a file, where the names
// are those of the yaml tags; in the environment, where they are those of the
// env tags; and by flags. Later ones win. An empty variable counts as unset.
type Settings struct {
	Addr     string `yaml:"addr" env:"CAIRN_ADDR"`         // host:port to listen on
	DataDir  string `yaml:"data_dir" env:"CAIRN_DATA_DIR"` // made when it does not exist
	Timezone Zone   `yaml:"timezone" env:"CAIRN_TIMEZONE"` // of days in budgets and of "yesterday"
	Sample   Switch `yaml:"sample" env:"CAIRN_SAMPLE"`     // an empty database gets the sample company

	DatabaseURL Secret `yaml:"database_url" env:"CAIRN_DATABASE_URL"` // unset: a private PostgreSQL
	PostgresBin string `yaml:"postgres_bin" env:"CAIRN_POSTGRES_BIN"` // folder of that PostgreSQL's programs

	SecretKey     Secret `yaml:"secret_key" env:"CAIRN_SECRET_KEY"`           // seals the secrets of sources
	SecretKeyFile string `yaml:"secret_key_file" env:"CAIRN_SECRET_KEY_FILE"` // instead; both unset: made in the data directory
	PublicURL     string `yaml:"public_url" env:"CAIRN_PUBLIC_URL"`           // under which browsers reach the server
	SignIn        SignIn `yaml:"sign_in" env:"CAIRN_SIGN_IN"`
	Passwords     Switch `yaml:"passwords" env:"CAIRN_PASSWORDS"` // people may set one to sign in with

	OIDC           OIDCSettings  `yaml:"oidc" envPrefix:"CAIRN_OIDC_"`                // unset: people sign in with one-time codes
	SessionMax     time.Duration `yaml:"session_max" env:"CAIRN_SESSION_MAX"`         // how long a browser stays signed in
	SessionIdle    time.Duration `yaml:"session_idle" env:"CAIRN_SESSION_IDLE"`       // how long without a request
	TrustedProxies Networks      `yaml:"trusted_proxies" env:"CAIRN_TRUSTED_PROXIES"` // whose X-Forwarded-For is believed

	DrainDelay time.Duration `yaml:"drain_delay" env:"CAIRN_DRAIN_DELAY"` // at a stop, between a failing /readyz and the last request

	FilesRoots      List     `yaml:"files_roots" env:"CAIRN_FILES_ROOTS"`           // folders that files sources may read
	AllowedNetworks Networks `yaml:"allowed_networks" env:"CAIRN_ALLOWED_NETWORKS"` // private networks that the server may reach

	PermissionsEvery Interval `yaml:"permissions_every" env:"CAIRN_PERMISSIONS_EVERY"` // how often permissions are read at sources that tell them alone

	Retention             Age `yaml:"retention" env:"CAIRN_RETENTION"`                           // of documents that vanished at their source
	ConversationRetention Age `yaml:"conversation_retention" env:"CAIRN_CONVERSATION_RETENTION"` // after the last question; off: until its owner deletes it

	AuditRetention Days `yaml:"audit_retention" env:"CAIRN_AUDIT_RETENTION"` // how long the audit log keeps a day

	Extract ExtractSettings `yaml:"extract" envPrefix:"CAIRN_EXTRACT_"` // what is read of a document

	IndexCacheMB int `yaml:"index_cache_mb" env:"CAIRN_INDEX_CACHE_MB"` // memory for postings; about 0.2 kB a chunk keeps all of them

	LLM   ModelSettings `yaml:"llm" envPrefix:"CAIRN_LLM_"`     // unset: answers are extractive
	Embed EmbedSettings `yaml:"embed" envPrefix:"CAIRN_EMBED_"` // unset: the built-in embedder

	Rerank RerankSettings `yaml:"rerank" envPrefix:"CAIRN_RERANK_"` // unset: no reranker

	Slack SlackSettings `yaml:"slack" envPrefix:"CAIRN_SLACK_"` // unset: no bot

	// The rest is for the command line as a client of a server.
	URL   string `yaml:"url" env:"CAIRN_URL"`
	Token Secret `yaml:"token" env:"CAIRN_TOKEN"`

	// Unknown are the variables CAIRN_… that are no settings, for a warning.
	Unknown []string `yaml:"-"`
}

// ExtractSettings bound what is read of one document.
type ExtractSettings struct {
	InputMB int `yaml:"input_mb" env:"INPUT_MB"` // a larger file is not read
	TextMB  int `yaml:"text_mb" env:"TEXT_MB"`   // a longer text is cut
}

// ModelSettings names a model behind an OpenAI-compatible endpoint or, as an
// answering model, one of Anthropic.
type ModelSettings struct {
	Provider string `yaml:"provider" env:"PROVIDER"` // "openai" (the default) or "anthropic"
	URL      string `yaml:"url" env:"URL"`
	Model    string `yaml:"model" env:"MODEL"`
	APIKey   Secret `yaml:"api_key" env:"API_KEY"`
	// Small models on small machines need shorter prompts and more patience.
	ContextTokens int           `yaml:"context_tokens" env:"CONTEXT_TOKENS"` // of passages in a prompt
	FirstToken    time.Duration `yaml:"first_token" env:"FIRST_TOKEN"`       // how long it may take to begin
}

// EmbedSettings name an embedding model.
type EmbedSettings struct {
	ModelSettings `yaml:",inline"`
	// What the model wants before questions and before documents; "none" for
	// nothing; unset: what is known of models of that name.
	QueryPrefix    string `yaml:"query_prefix" env:"QUERY_PREFIX"`
	DocumentPrefix string `yaml:"document_prefix" env:"DOCUMENT_PREFIX"`
}

// RerankSettings name a reranker. It takes part where Kind is set.
type RerankSettings struct {
	Kind   string `yaml:"kind" env:"KIND"` // "tei", "cohere" or "jina"
	URL    string `yaml:"url" env:"URL"`   // to which /rerank is added; unset: the provider's own
	Model  string `yaml:"model" env:"MODEL"`
	APIKey Secret `yaml:"api_key" env:"API_KEY"`
}

// OIDCSettings name the OpenID Connect issuer at which people sign in.
type OIDCSettings struct {
	Issuer           string      `yaml:"issuer" env:"ISSUER"` // exactly as its discovery document writes it
	ClientID         string      `yaml:"client_id" env:"CLIENT_ID"`
	ClientSecret     Secret      `yaml:"client_secret" env:"CLIENT_SECRET"`           // unset: a public client
	ClientSecretFile string      `yaml:"client_secret_file" env:"CLIENT_SECRET_FILE"` // instead
	Label            string      `yaml:"label" env:"LABEL"`                           // what people call it; unset: its host
	Scopes           Words       `yaml:"scopes" env:"SCOPES"`
	SignUp           auth.SignUp `yaml:"sign_up" env:"SIGN_UP"`                 // who gets an account at the first sign-in
	Domains          Words       `yaml:"domains" env:"DOMAINS"`                 // of those who do
	TrustedDomains   Words       `yaml:"trusted_domains" env:"TRUSTED_DOMAINS"` // whose addresses need not be called verified
	GroupsClaim      string      `yaml:"groups_claim" env:"GROUPS_CLAIM"`       // holds the names of groups; unset: none is read
}

// DefaultSettings returns the settings of an installation that sets none.
func DefaultSettings() Settings {
	return Settings{
		Addr:        "127.0.0.1:8080",
		DataDir:     defaultDataDir(),
		Timezone:    UTC,
		SignIn:      SignInAuto,
		OIDC:        OIDCSettings{Scopes: Words{"openid", "email", "profile"}, SignUp: auth.SignUpDomains},
		SessionMax:  30 * 24 * time.Hour,
		SessionIdle: 7 * 24 * time.Hour,
		URL:         "http://127.0.0.1:8080",
		Extract:     ExtractSettings{InputMB: 200, TextMB: 20},
		Retention:   Age(30 * 24 * time.Hour),

		PermissionsEvery: Interval(5 * time.Minute),
		IndexCacheMB:     64,

		AuditRetention: 400,
		Slack:          SlackSettings{MaxAudience: 50},
		LLM:            ModelSettings{ContextTokens: 6000, FirstToken: 30 * time.Second},
	}
}

func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/cairn"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "cairn-data"
	}
	return filepath.Join(home, ".local", "share", "cairn")
}

// ConfigFile is the file that is read when no other is named, if it exists.
const ConfigFile = "cairn.yaml"

// LoadSettings reads the file (ConfigFile when empty), then the environment of
// the process, then flags: values by the name of their variable. It is the only place
// that reads the environment. Errors name the setting and say what to do.
func LoadSettings(file string, flags map[string]string) (Settings, error) {
	environ := env.ToMap(os.Environ())
	for name, value := range flags {
		environ[name] = value
	}
	named := file != ""
	if !named {
		file = ConfigFile
	}
	s, err := readSettings(file, named, environ)
	if err != nil {
		return Settings{}, err
	}
	return s, s.validate()
}

func readSettings(file string, named bool, environ map[string]string) (Settings, error) {
	s := DefaultSettings()
	b, err := os.ReadFile(file)
	if err != nil && (named || !errors.Is(err, fs.ErrNotExist)) {
		return Settings{}, cairn.Errorf(cairn.ErrInvalid, "the configuration cannot be read: %v", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Settings{}, cairn.Errorf(cairn.ErrInvalid, "%s: %s", file, yamlMessage(err))
	}
	if err := env.ParseWithOptions(&s, env.Options{Environment: environ}); err != nil {
		return Settings{}, cairn.Errorf(cairn.ErrInvalid, "%s", envMessage(err))
	}
	s.Unknown = unknownVariables(environ)
	return s, errors.Join(s.OIDC.complete(), s.Slack.complete())
}

// unknownField finds what the decoder says after the name of an unknown field, with
// the part that the field would be of.
var unknownField = regexp.MustCompile(` not found in type server\.(\w*)Settings`)

// yamlMessage makes the decoder's words for an unknown field plain.
func yamlMessage(err error) string {
	m := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n")
	m = unknownField.ReplaceAllStringFunc(m, func(said string) string {
		switch part := strings.ToLower(unknownField.FindStringSubmatch(said)[1]); part {
		case "":
			return " is no setting; check its spelling"
		case "model":
			return " is no setting of llm; check its spelling"
		default:
			return " is no setting of " + part + "; check its spelling"
		}
	})
	return strings.TrimSpace(m)
}

// envMessage leaves out the library's own prefix.
func envMessage(err error) string { return strings.TrimPrefix(err.Error(), "env: ") }

// unknownVariables returns the variables that begin with CAIRN_ and are no
// setting, sorted. They are no error, because Kubernetes makes such variables for a
// service named cairn; but a misspelt name should be noticed.
func unknownVariables(environ map[string]string) []string {
	known := variables(reflect.TypeFor[Settings](), "")
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if strings.HasPrefix(name, "CAIRN_") && !known[name] && !strings.HasPrefix(name, "CAIRN_TEST_") {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// variables returns the names of all variables in the tags of t.
func variables(t reflect.Type, prefix string) map[string]bool {
	names := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if p := f.Tag.Get("envPrefix"); p != "" || f.Anonymous {
			maps.Copy(names, variables(f.Type, prefix+p))
		} else if name := f.Tag.Get("env"); name != "" {
			names[prefix+name] = true
		}
	}
	return names
}

// Print writes the settings as YAML with secrets redacted.
func (s Settings) Print(w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("print the settings: %w", err)
	}
	return enc.Close()
}
