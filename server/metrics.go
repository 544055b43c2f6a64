package server

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// metrics counts requests by route.
type metrics struct {
	requests *prometheus.HistogramVec
}

func newMetrics(registry *prometheus.Registry) (metrics, error) {
	m := metrics{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "cairn_http_request_duration_seconds",
		Help:    "Time from a request to the end of its response, streams included.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120},
	}, []string{"method", "route", "status"})}
	return m, registry.Register(m.requests)
}

func (m metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// metricsHandler serves the registry to this machine and to administrators.
func (s *Server) metricsHandler(c *gin.Context) error {
	if !direct(c.Request) {
		id, err := s.cfg.Auth.Identify(c.Request)
		if err != nil {
			return err
		}
		if err := id.Permit(cairn.ScopeAdmin, cairn.RoleAdmin); err != nil {
			return err
		}
	}
	promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}).ServeHTTP(c.Writer, c.Request)
	return nil
}

// direct reports whether the request comes from this machine, asks for it by an address
// of its own, and does not say that a proxy on it has passed it on.
func direct(r *http.Request) bool {
	if !auth.LoopbackHost(r.Host) {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Unmap().IsLoopback() {
		return false
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return true
}
