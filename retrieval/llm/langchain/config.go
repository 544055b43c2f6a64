// Package langchain reaches models and embedders of providers through
// langchaingo (github.com/tmc/langchaingo). It is the only importer of that
// library, and no type of the library or of a provider leaves it.
//
// What the library does well is used: it knows the requests and replies of the
// providers. What it lacks is added between it and the network, see wire: it
// takes a stream that breaks off or reports an error for a complete answer,
// cannot read long lines, loses status and Retry-After, and neither limits nor
// retries.
package langchain

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// The providers: OpenAI means every endpoint that is compatible with it.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
)

// Config describes a model.
type Config struct {
	Provider string // OpenAI or Anthropic; empty: OpenAI
	// URL is the base to which "/chat/completions" or "/messages" is added,
	// such as http://127.0.0.1:8080/v1; "/v1" may be left out when there is no
	// other path. Empty means the provider's own.
	URL   string
	Model string // as the provider calls it
	Name  string // under which answers and usage appear; empty: Model
	// APIKey may be empty for an endpoint that asks for none.
	APIKey string
	// HTTPClient makes the calls; its Timeout and CheckRedirect are not used:
	// a stream takes as long as Limits allow, and a key follows no redirect.
	// Nil means a client of its own.
	HTTPClient *http.Client
	// ConnectTimeout bounds name lookup, connection and TLS; 0 means 5 s.
	ConnectTimeout time.Duration
	Limits         reliable.Config
}

// String leaves out the key, so that printing a configuration is harmless.
func (c Config) String() string { return c.Provider + " " + c.Model + " at " + c.URL }

// GoString is String.
func (c Config) GoString() string { return c.String() }

const defaultConnectTimeout = 5 * time.Second

// own are the providers' own endpoints.
var own = map[string]string{
	OpenAI:    "https://api.openai.com/v1",
	Anthropic: "https://api.anthropic.com/v1",
}

// check returns c with its defaults, or an ErrInvalid error that says what to fix.
func (c Config) check() (Config, error) {
	if c.Provider == "" {
		c.Provider = OpenAI
	}
	if own[c.Provider] == "" {
		return c, cairn.Errorf(cairn.ErrInvalid, "there is no model provider %q: use %q (also for every endpoint that is compatible with it) or %q", c.Provider, OpenAI, Anthropic)
	}
	if c.Model == "" {
		return c, cairn.Errorf(cairn.ErrInvalid, "the model has no name: set it as the provider calls it")
	}
	if c.Name == "" {
		c.Name = c.Model
	}
	var err error
	c.URL, err = baseURL(c.URL, own[c.Provider])
	if err == nil && c.URL == own[c.Provider] && c.APIKey == "" {
		err = cairn.Errorf(cairn.ErrInvalid, "%s demands an API key", c.URL)
	}
	return c, err
}

// baseURL returns the base without a slash at its end.
func baseURL(base, otherwise string) (string, error) {
	if base == "" {
		return otherwise, nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", cairn.Errorf(cairn.ErrInvalid, "the address of the model is not a URL: give one such as http://127.0.0.1:8080/v1")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", cairn.Errorf(cairn.ErrInvalid, "the address of the model at %s holds more than host and path: a key belongs into its own setting", u.Host)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	for _, suffix := range []string{"/chat/completions", "/embeddings", "/messages"} {
		u.Path = strings.TrimSuffix(u.Path, suffix)
	}
	if u.Path == "" {
		u.Path = "/v1"
	}
	return u.String(), nil
}

// httpClient returns a client for streams: no overall limit, no redirects.
func httpClient(given *http.Client, connect time.Duration) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	} else {
		dialer := &net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
		client.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: connect,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 8,
			IdleConnTimeout:     90 * time.Second,
		}
	}
	client.Timeout = 0
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}
