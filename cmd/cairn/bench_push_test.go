package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

// BenchmarkPush measures how fast documents of 220 English words come in through
// POST …/documents/batch, embedder included, until the first search after the
// last batch has found the last document. CAIRN_BENCH_PUSH is how many documents
// (10,000); the rate of the first and of the last 10,000 are both reported.
func BenchmarkPush(b *testing.B) {
	total := 10_000
	if n, err := strconv.Atoi(os.Getenv("CAIRN_BENCH_PUSH")); err == nil {
		total = n
	}
	for _, own := range []bool{false, true} {
		name := "acl of the source"
		if own {
			name = "acl of each document"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p := newPushBench(b, own)
				first := p.measure(b, 0, min(total, pushWindow))
				for at := pushWindow; at < total-pushWindow; at += pushWindow {
					rate := p.measure(b, at, pushWindow)
					b.Logf("%d documents, %d chunks: %.0f documents/s, %s of processors each", at+pushWindow, p.parts.index.Len(), rate, p.cost)
				}
				last := first
				if total > pushWindow {
					last = p.measure(b, total-pushWindow, pushWindow)
				}
				b.ReportMetric(first, "first-documents/s")
				b.ReportMetric(last, "last-documents/s")
				b.ReportMetric(p.cost.Seconds()*1000, "last-cpu-ms/document")
				b.ReportMetric(float64(p.parts.index.Len()), "chunks")
			}
		})
	}
}

const (
	pushWindow = 10_000 // documents of one measurement
	pushLines  = 1000   // of one request
	pushWords  = 220    // of one document
)

// pushBench is a server with a source of kind push.
type pushBench struct {
	parts  *parts
	server *httptest.Server
	token  string
	words  []string
	own    bool // each document brings an ACL of its own
	data   string
	cost   time.Duration // of processors, for a document of the last measurement
}

func newPushBench(b *testing.B, own bool) *pushBench {
	b.Helper()
	settings := benchSettings(b)
	p := benchParts(b, settings)
	s, _, err := newServer(b.Context(), settings, p)
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	b.Cleanup(web.Close)
	token, err := os.ReadFile(filepath.Join(settings.DataDir, "local.token"))
	if err != nil {
		b.Fatal(err)
	}
	_, err = p.db.CreateSource(b.Context(), cairn.Source{Name: "bench", Kind: "push", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone)})
	if err != nil {
		b.Fatal(err)
	}
	return &pushBench{parts: p, server: web, token: strings.TrimSpace(string(token)), words: englishWords(b), own: own, data: settings.DataDir}
}

// englishWords returns the words of the sample company in order, so that drawn
// from them they are as frequent as in English.
func englishWords(b *testing.B) []string {
	b.Helper()
	var words []string
	err := filepath.WalkDir(filepath.Join("..", "..", "examples", "acme", "documents"), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		words = append(words, strings.Fields(string(text))...)
		return err
	})
	if err != nil || len(words) == 0 {
		b.Fatal(len(words), err)
	}
	return words
}

// measure pushes documents at..at+n and returns how many a second came in, until
// the last one was found. The requests are made before the clock starts.
func (p *pushBench) measure(b *testing.B, at, n int) float64 {
	b.Helper()
	var bodies [][]byte
	for from := at; from < at+n; from += pushLines {
		bodies = append(bodies, p.batch(b, from, min(from+pushLines, at+n)))
	}
	last := fmt.Sprintf("zq%dzq", at+n-1)
	began, busy := time.Now(), p.busy(b)
	for _, body := range bodies {
		reply := p.post(b, "/api/v1/sources/bench/documents/batch", "application/x-ndjson", body)
		if bytes.Contains(reply, []byte(`"error"`)) {
			b.Fatalf("%.300s", reply)
		}
	}
	found := p.post(b, "/api/v1/search", "application/json", []byte(`{"query":"`+last+`","mode":"lexical","limit":1}`))
	took := time.Since(began)
	p.cost = (p.busy(b) - busy) / time.Duration(n)
	if !p.own && !bytes.Contains(found, []byte(last)) {
		b.Fatalf("%s is not found: %.300s", last, found)
	}
	return float64(n) / took.Seconds()
}

// busy returns how long processors have worked for this process and for
// PostgreSQL: on a shared machine it says more than the clock. Zero where the
// system does not tell.
func (p *pushBench) busy(b *testing.B) time.Duration {
	b.Helper()
	pids, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(pids) == 0 {
		return 0
	}
	postmaster := 0
	paths, _ := filepath.Glob(filepath.Join(p.data, "*", "postmaster.pid"))
	for _, path := range append(paths, filepath.Join(p.data, "postmaster.pid")) {
		if lines, err := os.ReadFile(path); err == nil {
			postmaster, _ = strconv.Atoi(strings.SplitN(string(lines), "\n", 2)[0])
		}
	}
	ticks := 0
	for _, path := range pids {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The fields after the name, which is in brackets, from the third on.
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		field := func(n int) int { v, _ := strconv.Atoi(f[n-3]); return v }
		switch pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))); {
		case pid == postmaster:
			ticks += field(14) + field(15) + field(16) + field(17)
		case pid == os.Getpid() || field(4) == os.Getpid() || field(4) == postmaster: // with the readers of documents
			ticks += field(14) + field(15)
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// batch returns the request that brings documents from..to.
func (p *pushBench) batch(b *testing.B, from, to int) []byte {
	b.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for i := from; i < to; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		words := make([]string, pushWords)
		for w := range words {
			words[w] = p.words[r.IntN(len(p.words))]
			if w%40 == 39 {
				words[w] += ".\n\n"
			}
		}
		title := fmt.Sprintf("zq%dzq %s %s", i, p.words[r.IntN(len(p.words))], p.words[r.IntN(len(p.words))])
		line := map[string]any{"id": fmt.Sprint(i), "title": title, "text": strings.Join(words, " ")}
		if p.own {
			line["acl"] = map[string]any{"allow": [][]string{{fmt.Sprintf("user:u%d@example.com", i)}}}
		}
		if err := encoder.Encode(line); err != nil {
			b.Fatal(err)
		}
	}
	return out.Bytes()
}

func (p *pushBench) post(b *testing.B, path, mediaType string, body []byte) []byte {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, p.server.URL+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%d %.300s %v", res.StatusCode, reply, err)
	}
	return reply
}
