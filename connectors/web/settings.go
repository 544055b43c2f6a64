package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/remote"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// settings are the settings of a source, read.
type settings struct {
	origin   string // scheme and host of the site
	starts   []string
	sitemaps []string // nil: to be found; empty: none
	scope    scope
	normal   normaliser

	followLinks  bool
	obeyRobots   bool
	trustLastmod bool
	maxPages     int
	maxDepth     int
	maxSize      int64
	every        time.Duration
	user, header string
	digest       string // of all that says which pages are read
}

// Limits of the settings.
const (
	mostPages = 200_000
	mostDepth = 1000
	mostSize  = 200 << 20
	slowest   = time.Minute
	fastest   = 20 * time.Millisecond
)

// parse reads settings. Errors are ErrInvalid.
func parse(values map[string]string) (settings, error) {
	s := settings{followLinks: true, obeyRobots: true, maxPages: 10_000, maxDepth: mostDepth, maxSize: 50 << 20, every: time.Second / 5}
	for _, read := range []func(map[string]string) error{
		s.parsePlaces, s.parseScope, s.parseSwitches, s.parseLimits, s.parseRate, s.parseCredential,
	} {
		if err := read(values); err != nil {
			return s, err
		}
	}
	b, err := json.Marshal([]any{s.starts, s.sitemaps, values["include"], values["exclude"], s.followLinks, s.normal.names()})
	if err != nil {
		return s, err
	}
	sum := sha256.Sum256(b)
	s.digest = hex.EncodeToString(sum[:8])
	return s, nil
}

// parsePlaces reads where to begin.
func (s *settings) parsePlaces(values map[string]string) error {
	s.normal = newNormaliser(selection.Split(values["drop_parameters"], ","))
	for _, text := range selection.Split(values["url"], ",") {
		at, err := s.place("url", text)
		if err != nil {
			return err
		}
		s.starts = append(s.starts, at)
	}
	if len(s.starts) == 0 {
		return cairn.Errorf(cairn.ErrInvalid, "url: give an address such as https://example.com/docs/")
	}
	switch text := strings.TrimSpace(values["sitemap"]); text {
	case "":
	case "none":
		s.sitemaps = []string{}
	default:
		for _, text := range selection.Split(text, ",") {
			at, err := s.place("sitemap", text)
			if err != nil {
				return err
			}
			s.sitemaps = append(s.sitemaps, at)
		}
	}
	return nil
}

// place reads an address, which must be one of the site.
func (s *settings) place(name, text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: %q is no address; give one such as https://example.com/docs/", name, text)
	}
	query := u.RawQuery
	u.RawQuery, u.Fragment = "", ""
	if _, err := remote.ParseURL(name, u.String()); err != nil {
		return "", err
	}
	u.RawQuery = query
	at, ok := s.normal.address(u)
	if !ok {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: %q is no address; give one such as https://example.com/docs/", name, text)
	}
	origin := originOf(at)
	if s.origin == "" {
		s.origin = origin
	}
	if origin != s.origin {
		return "", cairn.Errorf(cairn.ErrInvalid, "%s: %s is another site than %s; add a source for each site", name, origin, s.origin)
	}
	return at, nil
}

func (s *settings) parseScope(values map[string]string) (err error) {
	s.scope, err = newScope(s.starts, selection.Split(values["include"], ","), selection.Split(values["exclude"], ","))
	return err
}

func (s *settings) parseSwitches(values map[string]string) error {
	for name, to := range map[string]*bool{"follow_links": &s.followLinks, "trust_lastmod": &s.trustLastmod} {
		switch value := strings.TrimSpace(values[name]); value {
		case "":
		case "true", "false":
			*to = value == "true"
		default:
			return cairn.Errorf(cairn.ErrInvalid, "%s: give true or false, not %q", name, value)
		}
	}
	switch value := strings.TrimSpace(values["robots"]); value {
	case "", "obey":
	case "ignore":
		s.obeyRobots = false
	default:
		return cairn.Errorf(cairn.ErrInvalid, "robots: give obey or ignore, not %q", value)
	}
	return nil
}

func (s *settings) parseLimits(values map[string]string) error {
	for name, limit := range map[string]struct {
		to   *int
		most int
	}{"max_pages": {&s.maxPages, mostPages}, "max_depth": {&s.maxDepth, mostDepth}} {
		value := strings.TrimSpace(values[name])
		if value == "" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > limit.most {
			return cairn.Errorf(cairn.ErrInvalid, "%s: give a number from 1 to %d, not %q", name, limit.most, value)
		}
		*limit.to = n
	}
	value := strings.ToLower(strings.TrimSpace(values["max_size"]))
	if value == "" {
		return nil
	}
	digits := strings.TrimSuffix(value, "b")
	unit := int64(1)
	for suffix, size := range map[string]int64{"k": 1 << 10, "m": 1 << 20} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = rest, size
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n < 1 || n > mostSize/unit {
		return cairn.Errorf(cairn.ErrInvalid, "max_size: %q is not a size of at most 200MB, such as 500kB or 50MB", values["max_size"])
	}
	s.maxSize = n * unit
	return nil
}

func (s *settings) parseRate(values map[string]string) error {
	value := strings.TrimSpace(values["rate"])
	if value == "" {
		return nil
	}
	perSecond, err := strconv.ParseFloat(value, 64)
	if err != nil || !(perSecond >= 1/slowest.Seconds() && perSecond <= 1/fastest.Seconds()) {
		return cairn.Errorf(cairn.ErrInvalid, "rate: give requests a second, from 0.017 to 50, not %q", value)
	}
	s.every = time.Duration(float64(time.Second) / perSecond)
	return nil
}

func (s *settings) parseCredential(values map[string]string) error {
	s.user, s.header = strings.TrimSpace(values["user"]), http.CanonicalHeaderKey(strings.TrimSpace(values["header"]))
	switch {
	case s.header != "" && !httpguts.ValidHeaderFieldName(s.header):
		return cairn.Errorf(cairn.ErrInvalid, "header: %q is no name of a header, such as X-Api-Key", s.header)
	case s.header != "" && s.user != "":
		return cairn.Errorf(cairn.ErrInvalid, "user and header are two ways to sign in; give one of them")
	case strings.ContainsRune(s.user, ':'):
		return cairn.Errorf(cairn.ErrInvalid, "user: there is a colon in it; give the password as the secret setting password")
	}
	return nil
}

// secretName is the secret setting that the site lets Cairn in with.
func (s *settings) secretName() string {
	if s.user != "" {
		return "password"
	}
	return "token"
}

// token returns the credential; the zero Token where none is set.
func (s *Site) token(ctx context.Context) (remote.Token, error) {
	if s.env.Secrets == nil {
		return remote.Token{}, nil
	}
	value, err := s.env.Secrets.Secret(ctx, s.secretName())
	if err == nil && s.user != "" && !value.Set() { // else a token that is forgotten beside user would look like none
		return remote.Secret(s.env, "password")(ctx)
	}
	return remote.Token{Value: value}, err
}

// sign returns how the credential is put on a request; nil: as a bearer token.
func (s *settings) sign() func(*http.Request, string) {
	switch {
	case s.user != "":
		return remote.Basic(s.user)
	case s.header != "" && s.header != "Authorization":
		return remote.Header(s.header, "")
	}
	return nil
}
