package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/server/auth"
)

// BenchmarkSearchAudited sends searches of the sample company to a server with
// and to one without an audit log, in turn, and reports the median of each.
func BenchmarkSearchAudited(b *testing.B) {
	settings := benchSettings(b)
	settings.Sample = true
	p := benchParts(b, settings)
	if err := p.jobs.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	run, err := addSample(b.Context(), settings, p)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.awaitRun(b.Context(), run, time.Minute); err != nil {
		b.Fatal(err)
	}
	type served struct {
		name    string
		handler http.Handler
		token   string
		took    []time.Duration
	}
	with, log := &served{name: "with"}, p.audit
	without := &served{name: "without"}
	for _, s := range []*served{with, without} {
		p.audit = log
		if s == without {
			p.audit = nil
		}
		made, _, err := newServer(b.Context(), settings, p)
		if err != nil {
			b.Fatal(err)
		}
		token, err := os.ReadFile(filepath.Join(settings.DataDir, auth.LocalTokenFile))
		if err != nil {
			b.Fatal(err)
		}
		s.handler, s.token = made.Handler(), strings.TrimSpace(string(token))
	}
	p.audit = log
	search := func(s *served) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/api/v1/search", strings.NewReader(`{"query":"hotel limit in Oslo"}`))
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		began := time.Now()
		s.handler.ServeHTTP(w, r)
		s.took = append(s.took, time.Since(began))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Oslo") {
			b.Fatal(w.Code, w.Body)
		}
	}
	for i := 0; b.Loop(); i++ {
		order := []*served{with, without}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range order {
			search(s)
		}
	}
	for _, s := range []*served{with, without} {
		slices.Sort(s.took)
		b.ReportMetric(float64(s.took[len(s.took)/2].Microseconds()), "µs/search-"+s.name)
	}
}
