package web

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// maxAddress is how long an address may be. Longer ones are traps.
const maxAddress = 1800 // bytes

// tracking are the parameters that say where a reader came from, or who she is.
var tracking = set(`gclid gclsrc gbraid wbraid dclid fbclid msclkid yclid twclid ttclid igshid mc_cid mc_eid _ga _gl _hsenc _hsmi
	mkt_tok vero_id oly_anon_id oly_enc_id phpsessid jsessionid aspsessionid`)

// normaliser brings addresses into one form.
type normaliser struct{ drop map[string]bool }

func newNormaliser(more []string) normaliser {
	n := normaliser{drop: maps.Clone(tracking)}
	for _, name := range more {
		n.drop[strings.ToLower(name)] = true
	}
	return n
}

// names returns the parameters that are dropped.
func (n normaliser) names() []string { return slices.Sorted(maps.Keys(n.drop)) }

// link returns the address that a reference on a page leads to; false when that is
// nothing that could be asked for.
func (n normaliser) link(base *url.URL, reference string) (string, bool) {
	reference = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimSpace(reference))
	if len(reference) > maxAddress {
		return "", false
	}
	u, err := base.Parse(escapeStray(reference))
	if err != nil {
		return "", false
	}
	return n.address(u)
}

// stray matches percent signs that begin no escape.
var stray = regexp.MustCompile(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)`)

func escapeStray(reference string) string {
	for range 2 { // a match may cover the beginning of the next one
		reference = stray.ReplaceAllString(reference, "%25$1")
	}
	return reference
}

var session = regexp.MustCompile(`(?i);jsessionid=[^/;?]*`)

// address returns the normal form of a whole address: syntax and scheme based
// normalisation (RFC 3986, 6.2.2 and 6.2.3), without fragment, tracking parameters and
// an empty query. False when it is none of http or https, or has a user.
func (n normaliser) address(u *url.URL) (string, bool) {
	scheme := strings.ToLower(u.Scheme)
	port, isWeb := map[string]string{"http": "80", "https": "443"}[scheme]
	host, known := hostOf(u)
	if !isWeb || !known || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if p := u.Port(); p != "" && p != port {
		host += ":" + p
	}
	at := scheme + "://" + host + withoutDots(escapes(session.ReplaceAllString(u.EscapedPath(), "")))
	if query := n.query(u.RawQuery); query != "" {
		at += "?" + query
	}
	return at, len(at) <= maxAddress
}

// hostOf returns the normal form of a host.
func hostOf(u *url.URL) (string, bool) {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case strings.Contains(host, ":"): // IPv6
		host = "[" + host + "]"
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil {
			return "", false
		}
	}
	return host, host != "" && !strings.ContainsAny(host, "%/?#@\\ ")
}

// query returns a query without the parameters that are dropped.
func (n normaliser) query(raw string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		name = strings.ToLower(name)
		if pair != "" && !n.drop[name] && !strings.HasPrefix(name, "utm_") {
			kept = append(kept, escapes(pair))
		}
	}
	return strings.Join(kept, "&")
}

const upperHex = "0123456789ABCDEF"

// escapes writes percent escapes in the one normal way: none for unreserved characters,
// with upper-case digits for others, and for all that may not stand in an address.
func escapes(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if v, ok := unescape(text[i:]); ok {
			i += 2
			if unreserved(v) {
				b.WriteByte(v)
				continue
			}
			c = v
		} else if unreserved(c) || strings.IndexByte("/?:@!$&'()*+,;=[]", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}

// unescape reads the escape that text begins with.
func unescape(text string) (byte, bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, low := strings.IndexByte(upperHex, upper(text[1])), strings.IndexByte(upperHex, upper(text[2]))
	if high < 0 || low < 0 {
		return 0, false
	}
	return byte(high<<4 | low), true
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// unreserved are the characters of RFC 3986, 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// withoutDots removes the segments "." and ".." of a path (RFC 3986, 5.2.4).
func withoutDots(p string) string {
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	var out []string
	for i, s := range segments {
		last := i == len(segments)-1
		if s != "." && s != ".." {
			out = append(out, s)
			continue
		}
		if s == ".." && len(out) > 0 {
			out = out[:len(out)-1]
		}
		if last {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}
