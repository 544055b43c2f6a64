package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// PoolConfig says how a Pool works.
type PoolConfig struct {
	// Command starts a worker: a program with arguments that calls Serve.
	// Empty: this program with the argument "extract-worker".
	Command []string
	Workers int // processes at once; 0: one for each processor, at most 4
	Limits  Limits
	// CacheDir keeps the compiled PDFium from one worker to the next; only this
	// user must be able to write there. Empty: a temporary folder of the pool.
	CacheDir string
	Log      *slog.Logger // nil: nothing is logged
}

const (
	jobsPerWorker = 500         // then it is replaced, whatever it has leaked
	idleAfter     = time.Minute // then it is ended
)

// Pool extracts documents in processes apart. It may be used by several
// goroutines at once.
type Pool struct {
	config    PoolConfig
	tempCache string
	slots     chan struct{}
	done      chan struct{} // closed by Close
	starter   *starter

	mu     sync.Mutex
	idle   []*worker // the last one used is last
	closed bool
}

// NewPool returns a Pool. It starts no process before the first document.
func NewPool(config PoolConfig) *Pool {
	config.Limits = config.Limits.orDefaults()
	if config.Workers <= 0 {
		config.Workers = min(runtime.NumCPU(), 4)
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{config: config, slots: make(chan struct{}, config.Workers), done: make(chan struct{}), starter: newStarter()}
	if config.CacheDir == "" {
		if dir, err := os.MkdirTemp("", "cairn-extract-"); err == nil {
			p.tempCache, p.config.CacheDir = dir, dir
		}
	}
	return p
}

// Extract extracts the document that r reads; it waits while all workers are
// busy. The error is a *Failure when it is the document's: also when the
// document made its worker crash, run out of memory or take too long. Errors
// of r and of ctx are returned as they are, wrapped.
func (p *Pool) Extract(ctx context.Context, in Input, r io.Reader) (*Text, error) {
	if sized, ok := r.(interface{ Stat() (os.FileInfo, error) }); ok && in.Size == 0 {
		if info, err := sized.Stat(); err == nil && info.Mode().IsRegular() {
			in.Size = info.Size()
		}
	}
	if in.Size > p.config.Limits.InputBytes {
		return nil, tooLarge(p.config.Limits)
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("extract: %w", ctx.Err())
	case <-p.done:
		return nil, errClosed
	}
	w, err := p.acquire()
	if err != nil {
		return nil, err
	}
	text, err := w.do(ctx, job{Input: in, Limits: p.config.Limits, CacheDir: p.config.CacheDir}, r)
	if w.fit {
		p.release(w)
		return text, err
	}
	w.stop()
	if ctx.Err() != nil {
		return nil, err
	}
	return nil, p.explain(ctx, w, in, err)
}

var errClosed = errors.New("extract: pool is closed")

// Warm prepares the pool for PDF files: without a filled CacheDir the first one
// waits some seconds until PDFium is compiled. It returns when that is done.
func (p *Pool) Warm(ctx context.Context) error {
	_, err := p.Extract(ctx, Input{Filename: "blank.pdf"}, strings.NewReader(blankPDF))
	var failure *Failure
	if errors.As(err, &failure) && failure.Code == canon.CodeNoTextLayer {
		return nil
	}
	if err == nil {
		err = errors.New("a blank page has text")
	}
	return fmt.Errorf("warm pool: %w", err)
}

// blankPDF is a file of one empty page. PDF readers find its parts without a
// table of them.
const blankPDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

// acquire returns an idle worker, or a new one.
func (p *Pool) acquire() (*worker, error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		w := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		w.idle.Stop()
		if !w.ended() {
			p.mu.Unlock()
			return w, nil
		}
		w.stop()
	}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	command := p.config.Command
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		command = []string{self, "extract-worker"}
	}
	return p.starter.start(command)
}

// release keeps a worker for the next document, unless it is old or has grown.
func (p *Pool) release(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || w.jobs >= jobsPerWorker || w.resident > p.config.Limits.Memory/2 {
		go w.stop()
		return
	}
	w.idle = time.AfterFunc(idleAfter, func() { p.retire(w) })
	p.idle = append(p.idle, w)
}

// retire ends a worker that nobody has needed for a while.
func (p *Pool) retire(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == w {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			go w.stop()
			return
		}
	}
}

// explain returns why a worker failed on a document, as a *Failure where the
// document is to blame.
func (p *Pool) explain(ctx context.Context, w *worker, in Input, err error) error {
	state, stderr := w.cmd.ProcessState, w.stderr.String()
	limits := p.config.Limits
	var failure *Failure
	switch code := state.ExitCode(); {
	case errors.Is(err, os.ErrDeadlineExceeded) || code == exitCPU || code == exitWall:
		failure = &Failure{Code: canon.CodeTimeout, Reason: fmt.Sprintf(
			"Reading the file took longer than %s. Split it up, or save it in a simpler format.", min(limits.Wall, limits.CPU))}
	case code == exitMemory || strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") || w.ownEnd && killed(state):
		failure = &Failure{Code: canon.CodeMemory, Reason: fmt.Sprintf(
			"Reading the file needs more than %d MB of memory. Split it up, or save it in a simpler format.", limits.Memory>>20)}
	case w.ownEnd:
		errors.As(crash(""), &failure)
	}
	p.config.Log.WarnContext(ctx, "extraction worker failed", "extension", shortExtension(filename(in)), "state", state.String(), "error", err, "stderr", withoutValue(stderr))
	if failure == nil {
		return err
	}
	return failure
}

// shortExtension returns what a file name ends with, unless that is rather a word of it.
func shortExtension(name string) string {
	if ext := path.Ext(name); len(ext) <= len(".jsonl") {
		return ext
	}
	return ""
}

// withoutValue leaves out what a program panicked with, which may quote the document,
// unless the runtime says it.
func withoutValue(stderr string) string {
	const begin, end = "panic: ", "\n\ngoroutine "
	from := strings.Index(stderr, begin)
	if from < 0 || strings.HasPrefix(stderr[from+len(begin):], "runtime error:") {
		return stderr
	}
	to := strings.Index(stderr[from:], end)
	if to < 0 {
		return stderr[:from] + begin + "…"
	}
	return stderr[:from] + begin + "…" + stderr[from+to:]
}

// Close ends the workers. Documents that are being extracted are finished, or
// end with their contexts. It must be called once.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	close(p.done)
	for _, w := range idle {
		w.idle.Stop()
		w.stop()
	}
	for range cap(p.slots) {
		p.slots <- struct{}{} // wait for those who are busy
	}
	p.starter.close()
	if p.tempCache != "" {
		if err := os.RemoveAll(p.tempCache); err != nil {
			return fmt.Errorf("close pool: %w", err)
		}
	}
	return nil
}
