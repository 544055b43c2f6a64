package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/scripts/bench/corpus"
	"github.com/cairnhq/cairn/scripts/bench/load"
)

// ingestedWords is the length of the documents that are brought in.
const ingestedWords = 220

// fewChunks is the size at which a server that began empty is measured again: it is
// to what the filled one is compared.
const fewChunks = 10_000

// ingest measures how fast documents that a program brings become searchable, on an
// empty server, a small one, and one that holds the generated corpus.
func (b *bench) ingest(ctx context.Context) error {
	t := b.report.table("Documents of 220 words through POST /sources/{name}/documents/batch", "chunks before", "lines a request", "requests",
		"documents/s until searchable", "first search after a reply, ms", "last document found", "memory, MB")
	if err := os.MkdirAll(b.root, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(b.root, "ingest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o711); err != nil { // as root, PostgreSQL runs as another user
		return err
	}
	if err := b.ingestInto(ctx, t, filepath.Join(work, "empty"), 0); err != nil {
		return err
	}
	s, _, err := b.invented(ctx, b.docs)
	if err != nil {
		return err
	}
	s.Close(ctx)
	full := filepath.Join(work, "full")
	if err := os.Mkdir(full, 0o711); err != nil {
		return err
	}
	// The copy is written to, the store itself is kept as it is.
	if out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(s.Dir, "postgres"), full).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the store: %w: %s", err, out)
	}
	return b.ingestInto(ctx, t, full, s.Chunks)
}

func (b *bench) ingestInto(ctx context.Context, t *table, dir string, before int) error {
	server, err := load.Start(ctx, b.program, dir)
	if err != nil {
		return err
	}
	defer server.Stop()
	if _, err := server.Admin.AddSource(ctx, client.SourceRequest{Name: "pushed", Kind: "push", ACL: json.RawMessage(`"everyone"`)}); err != nil {
		return err
	}
	if _, err := server.Search(ctx, "", "anything", results); err != nil { // the index is loaded
		return err
	}
	p := pusher{server: server, lines: b.batchDocs}
	if err := p.send(ctx); absent(err) {
		t.note("%s has no batch route: nothing was measured.", b.program)
		return nil
	} else if err != nil {
		return err
	}
	// The first was to warm up.
	if err := b.measurePushes(ctx, t, &p, before); err != nil || before > 0 {
		return err
	}
	for p.next < fewChunks { // of one chunk each
		if err := p.send(ctx); err != nil {
			return err
		}
	}
	return b.measurePushes(ctx, t, &p, p.next)
}

// measurePushes adds a row for some requests to a server that has so many chunks.
func (b *bench) measurePushes(ctx context.Context, t *table, p *pusher, before int) error {
	p.took, p.searched, p.found = 0, 0, 0
	for range b.batches {
		if err := p.send(ctx); err != nil {
			return err
		}
	}
	_, most := p.server.Memory()
	t.row(before, b.batchDocs, b.batches, float64(b.batches*b.batchDocs)/p.took.Seconds(),
		p.searched/time.Duration(b.batches), fmt.Sprintf("%d of %d", p.found, b.batches), most)
	return nil
}

// pusher brings invented documents to a server.
type pusher struct {
	server   *load.Server
	lines    int // of a request
	next     int // number of the next document
	took     time.Duration
	searched time.Duration
	found    int // requests after which the last document was found at once
}

// send sends one request and searches for its last document.
func (p *pusher) send(ctx context.Context) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	last := ""
	for range p.lines {
		n := p.next
		p.next++
		last = corpus.Unique(n)
		line := map[string]any{"id": fmt.Sprint(n), "title": "Note " + last, "text": last + " " + corpus.Text(uint64(n), n%100, ingestedWords-1)}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	began := time.Now()
	reply, err := p.server.Post(ctx, "", "/api/v1/sources/pushed/documents/batch", "application/x-ndjson", body.Bytes())
	if err != nil {
		return err
	}
	replied := time.Now()
	ids, err := p.server.Search(ctx, "", last, results)
	if err != nil {
		return err
	}
	p.took += time.Since(began)
	p.searched += time.Since(replied)
	document, err := p.lastDocument(reply)
	if err != nil {
		return err
	}
	if len(ids) > 0 && ids[0] == document {
		p.found++
	}
	return nil
}

// lastDocument reads the reply, of which every line must be a success, and
// returns the id of the last document.
func (p *pusher) lastDocument(reply []byte) (string, error) {
	var line struct {
		ID       string          `json:"id"`
		Document string          `json:"document_id"`
		Error    json.RawMessage `json:"error"`
	}
	n := 0
	for in := bufio.NewScanner(bytes.NewReader(reply)); in.Scan(); n++ {
		line.Document, line.Error = "", nil
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			return "", err
		}
		if line.Document == "" {
			return "", fmt.Errorf("document %s was refused: %s", line.ID, line.Error)
		}
	}
	if n != p.lines {
		return "", fmt.Errorf("%d lines were sent and %d came back", p.lines, n)
	}
	return line.Document, nil
}
