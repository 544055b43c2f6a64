package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddr returns the address from which a request comes: that of the
// connection or, when it is a trusted proxy's, the last one in X-Forwarded-For that
// is not. What stands before it is the caller's own word. No other header is looked
// at.
func (a *Authenticator) ClientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.WithZone("").Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(addr); i-- {
		hop, ok := parseHop(hops[i])
		if !ok {
			break // the proxy is the last that is known
		}
		addr = hop
	}
	return addr.String()
}

func (a *Authenticator) trusts(addr netip.Addr) bool {
	for _, p := range a.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseHop reads an address, with a port or without.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.WithZone("").Unmap(), true
}

// networkOf returns what attempts are counted by: an address of IPv4, or the /64
// of one of IPv6, all of which one machine may use.
func networkOf(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
