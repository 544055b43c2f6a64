package server

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// validate returns an ErrInvalid error that names the first setting that cannot
// be used and says what to do.
func (s Settings) validate() error {
	if _, port, err := net.SplitHostPort(s.Addr); err != nil || port == "" {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_ADDR is %q; give an address and a port, as in 127.0.0.1:8080", s.Addr)
	}
	if s.DataDir == "" {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_DATA_DIR is empty; name a folder for the data")
	}
	for name, value := range map[string]string{"CAIRN_PUBLIC_URL": s.PublicURL, "CAIRN_URL": s.URL, "CAIRN_LLM_URL": s.LLM.URL, "CAIRN_EMBED_URL": s.Embed.URL, "CAIRN_RERANK_URL": s.Rerank.URL} {
		if value != "" && !webURL(value) {
			return cairn.Errorf(cairn.ErrInvalid, "%s is %q; give a URL that begins with http:// or https://", name, redactURL(value))
		}
	}
	if s.SecretKey.Set() && s.SecretKeyFile != "" {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SECRET_KEY and CAIRN_SECRET_KEY_FILE are both set; unset one of them")
	}
	for _, root := range s.FilesRoots {
		if !filepath.IsAbs(root) {
			return cairn.Errorf(cairn.ErrInvalid, "CAIRN_FILES_ROOTS holds %q; give absolute paths", root)
		}
	}
	if s.SignIn == SignInLocal && !loopbackAddr(s.Addr) {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SIGN_IN is local, but %s can be reached from other machines; listen on 127.0.0.1", s.Addr)
	}
	if err := s.validateSignIn(); err != nil {
		return err
	}
	if err := s.Slack.validate(); err != nil {
		return err
	}
	if s.DrainDelay < 0 || s.DrainDelay > maxDrainDelay {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_DRAIN_DELAY is %s; give a time from 0s to %s", s.DrainDelay, maxDrainDelay)
	}
	if s.Retention == 0 {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_RETENTION cannot be off: what vanished at its source is erased some time; give an age such as 30d")
	}
	if s.AuditRetention < minAuditRetention || s.AuditRetention > maxAuditRetention {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_AUDIT_RETENTION is %d days; give %d to %d, as in 400d", s.AuditRetention, minAuditRetention, maxAuditRetention)
	}
	if s.Extract.InputMB < 1 || s.Extract.TextMB < 1 {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_EXTRACT_INPUT_MB and CAIRN_EXTRACT_TEXT_MB are megabytes, 1 or more")
	}
	if s.IndexCacheMB < 1 {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_INDEX_CACHE_MB is in megabytes, 1 or more")
	}
	if s.LLM.ContextTokens < 500 || s.LLM.FirstToken <= 0 {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_LLM_CONTEXT_TOKENS is 500 or more, CAIRN_LLM_FIRST_TOKEN a time such as 30s")
	}
	if err := s.LLM.validate("CAIRN_LLM"); err != nil {
		return err
	}
	if err := s.Embed.validate(); err != nil {
		return err
	}
	return s.Rerank.validate()
}

// The bounds of how long the audit log is kept, in days. The database itself
// refuses to remove what is younger than the least.
const (
	minAuditRetention = 7
	maxAuditRetention = 36500
)

// maxDrainDelay is far longer than any load balancer needs to notice.
const maxDrainDelay = 5 * time.Minute

func (m ModelSettings) validate(prefix string) error {
	switch {
	case m.Model == "" && (m.URL != "" || m.APIKey.Set() || m.Provider != ""):
		return cairn.Errorf(cairn.ErrInvalid, "%s_MODEL is missing; name the model, or unset the other %s settings", prefix, prefix)
	case m.Model != "" && m.URL == "" && !m.APIKey.Set():
		return cairn.Errorf(cairn.ErrInvalid, "%s_MODEL is set, but where is it? set %s_URL, or %s_API_KEY for the provider's own address", prefix, prefix, prefix)
	}
	return nil
}

func (e EmbedSettings) validate() error {
	if e.Model == "" && (e.QueryPrefix != "" || e.DocumentPrefix != "") {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_EMBED_QUERY_PREFIX and CAIRN_EMBED_DOCUMENT_PREFIX are for the model of CAIRN_EMBED_MODEL; name it, or unset them")
	}
	return e.ModelSettings.validate("CAIRN_EMBED")
}

func (r RerankSettings) validate() error {
	switch {
	case r.Kind == "" && (r.URL != "" || r.Model != "" || r.APIKey.Set()):
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_RERANK_KIND is missing; set it to tei, cohere or jina, or unset the other CAIRN_RERANK settings")
	case r.Kind == "":
		return nil
	case r.Kind != "tei" && r.Kind != "cohere" && r.Kind != "jina":
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_RERANK_KIND is %q; it can be tei, cohere or jina", r.Kind)
	case r.Kind == "tei" && r.URL == "":
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_RERANK_URL is missing; give the address of Text Embeddings Inference")
	case r.Kind != "tei" && r.Model == "":
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_RERANK_MODEL is missing; name the model as %s calls it", r.Kind)
	}
	return nil
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "[not a URL]"
	}
	return u.Redacted()
}

// Local reports whether the server runs in local mode: no sign-in is configured
// and only this machine can reach it, directly or under PublicURL.
func (s Settings) Local() bool {
	switch s.SignIn {
	case SignInLocal:
		return true
	case SignInRequired:
		return false
	}
	if s.OIDC.Issuer != "" || bool(s.Passwords) || !loopbackAddr(s.Addr) {
		return false
	}
	u, err := url.Parse(s.PublicURL)
	return err == nil && (u.Host == "" || loopbackAddr(net.JoinHostPort(u.Hostname(), "0")))
}

// loopbackAddr reports whether host:port names this machine alone.
func loopbackAddr(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Secure reports whether browsers reach the server over https.
func (s Settings) Secure() bool { return strings.HasPrefix(strings.ToLower(s.PublicURL), "https://") }

// PublicOrigin returns the scheme and host of PublicURL, or "".
func (s Settings) PublicOrigin() string {
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Connectors returns which folders connectors may read: those below FilesRoots or, in
// local mode without any, all; never the data directory.
func (s Settings) Connectors() connectors.Environment {
	e := connectors.Environment{FilesRoots: []string{}, ForbiddenRoots: []string{filepath.Clean(s.DataDir)}}
	for _, root := range s.FilesRoots {
		e.FilesRoots = append(e.FilesRoots, filepath.Clean(root))
	}
	if s.Local() && len(s.FilesRoots) == 0 {
		e.FilesRoots = nil
	}
	return e
}
