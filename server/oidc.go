package server

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/cairnhq/cairn"
)

// OIDCCallback is the path to which an issuer sends browsers back.
const OIDCCallback = "/api/v1/login/oidc/callback"

// complete reads the secret from its file and brings the domains into the form in
// which they are compared.
func (o *OIDCSettings) complete() error {
	for _, domains := range []Words{o.Domains, o.TrustedDomains} {
		for i, domain := range domains {
			domains[i] = strings.ToLower(strings.TrimPrefix(domain, "@"))
		}
	}
	if o.ClientSecretFile == "" {
		return nil
	}
	if o.ClientSecret.Set() {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_CLIENT_SECRET and CAIRN_OIDC_CLIENT_SECRET_FILE are both set; unset one of them")
	}
	b, err := os.ReadFile(o.ClientSecretFile)
	if err != nil {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_CLIENT_SECRET_FILE cannot be read: %v", err)
	}
	if o.ClientSecret = NewSecret(strings.TrimSpace(string(b))); !o.ClientSecret.Set() {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_CLIENT_SECRET_FILE is %s, which is empty; put the client's secret into it", o.ClientSecretFile)
	}
	return nil
}

// Name returns what people call the issuer.
func (o OIDCSettings) Name() string {
	u, err := url.Parse(o.Issuer)
	if err != nil {
		return cmp.Or(o.Label, o.Issuer)
	}
	return cmp.Or(o.Label, u.Hostname())
}

// validateSignIn checks how people sign in and for how long.
func (s Settings) validateSignIn() error {
	if s.SessionMax <= 0 || s.SessionIdle <= 0 {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SESSION_MAX and CAIRN_SESSION_IDLE are times above zero, such as 720h")
	}
	for _, p := range s.TrustedProxies {
		if p.Bits() == 0 {
			return cairn.Errorf(cairn.ErrInvalid, "CAIRN_TRUSTED_PROXIES is %s, which is everybody; give the addresses of your proxies", p)
		}
	}
	if s.SignIn == SignInLocal && bool(s.Passwords) {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SIGN_IN is local, but CAIRN_PASSWORDS is on: unset one of them")
	}
	if s.OIDC.Issuer == "" {
		if s.OIDC.ClientID != "" || s.OIDC.ClientSecret.Set() || len(s.OIDC.Domains) > 0 || s.OIDC.GroupsClaim != "" {
			return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_ISSUER is missing; give the issuer's address, or unset the other CAIRN_OIDC settings")
		}
		return nil
	}
	if s.SignIn == SignInLocal {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_SIGN_IN is local, but CAIRN_OIDC_ISSUER is set: unset one of them")
	}
	if s.PublicOrigin() == "" {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_PUBLIC_URL is missing; the issuer sends people back to it: give the address that they use")
	}
	return s.OIDC.validate()
}

func (o OIDCSettings) validate() error {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_ISSUER is %q; give the issuer's address as its documentation writes it", redactURL(o.Issuer))
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopbackAddr(net.JoinHostPort(u.Hostname(), "0"))) {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_ISSUER is %q; it must begin with https://", o.Issuer)
	}
	if o.ClientID == "" {
		return cairn.Errorf(cairn.ErrInvalid, "CAIRN_OIDC_CLIENT_ID is missing; it is what the issuer calls this application")
	}
	for name, domains := range map[string]Words{"CAIRN_OIDC_DOMAINS": o.Domains, "CAIRN_OIDC_TRUSTED_DOMAINS": o.TrustedDomains} {
		for _, domain := range domains {
			if strings.ContainsAny(domain, "*@/: ") || !strings.Contains(domain, ".") {
				return cairn.Errorf(cairn.ErrInvalid, "%s holds %q; give whole domains, as in example.com", name, domain)
			}
		}
	}
	return nil
}
