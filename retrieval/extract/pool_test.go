package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

func newTestPool(t testing.TB, limits Limits, workers int) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(PoolConfig{
		Command: []string{self, "extract-worker"}, Workers: workers, Limits: limits, CacheDir: testCache(t),
		Log: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// testCache returns a folder that stays, so that only the first run of the
// tests on a machine compiles PDFium.
func testCache(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("cairn-extract-test-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// ask has the pool do something that the test worker understands.
func ask(t *testing.T, p *Pool, mediaType, url string) string {
	t.Helper()
	text, err := p.Extract(t.Context(), Input{MediaType: mediaType, URL: url}, strings.NewReader("x"))
	if err != nil {
		t.Fatalf("%s: %v", mediaType, err)
	}
	return strings.TrimSpace(string(text.Body))
}

func wantFailure(t *testing.T, err error, code string) {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want a failure %s", err, code)
	}
	if failure.Code != code || len(failure.Reason) < 20 {
		t.Fatalf("got failure %s (%s), want %s", failure.Code, failure.Reason, code)
	}
}

func TestPoolEqualsExtract(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	in := Input{Filename: "a.md"}
	source := "---\ntitle: T\ndate: 2026-05-04\n---\n# One\n\ntext\n\n## Two\n\nmore\n"
	want, err := Extract(t.Context(), in, strings.NewReader(source), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []io.Reader{strings.NewReader(source), iotest.OneByteReader(strings.NewReader(source))} {
		got, err := p.Extract(t.Context(), in, r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := diff(want, got); diff != "" {
			t.Errorf("pool differs (-want +got):\n%s", diff)
		}
	}
}

func TestPoolSurvives(t *testing.T) {
	for _, c := range []struct {
		mediaType, code string
		wall            time.Duration
	}{
		{"test/sleep", canon.CodeTimeout, time.Second},
		{"test/allocate", canon.CodeMemory, time.Minute},
		{"test/allocate-at-once", canon.CodeMemory, time.Minute},
		{"test/exit", canon.CodeCrash, time.Minute},
		{"test/panic", canon.CodeCrash, time.Minute},
	} {
		t.Run(c.mediaType, func(t *testing.T) {
			if raceEnabled && c.code == canon.CodeMemory {
				t.Skip("the race detector dies of little memory in its own way")
			}
			p := newTestPool(t, Limits{Memory: testMemory, Wall: c.wall}, 1)
			_, err := p.Extract(t.Context(), Input{MediaType: c.mediaType}, strings.NewReader("x"))
			wantFailure(t, err, c.code)
			if got := ask(t, p, "test/pid", ""); got == "" {
				t.Error("the pool does not go on")
			}
		})
	}
}

func TestPoolLimitsProcessorTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux limits processor time")
	}
	p := newTestPool(t, Limits{CPU: time.Second, Wall: time.Minute}, 1)
	start := time.Now()
	_, err := p.Extract(t.Context(), Input{MediaType: "test/spin"}, strings.NewReader("x"))
	wantFailure(t, err, canon.CodeTimeout)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestPoolBelievesNoLengths(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	for _, mediaType := range []string{"test/garbage", "test/announce"} {
		_, err := p.Extract(t.Context(), Input{MediaType: mediaType}, strings.NewReader("x"))
		var failure *Failure
		if err == nil || errors.As(err, &failure) {
			t.Errorf("%s: got %v, want an error of the worker", mediaType, err)
		}
		ask(t, p, "test/pid", "")
	}
}

func TestWorkerHasNoNetwork(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux takes the network away")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("this process cannot dial either: %v", err)
	}
	conn.Close()
	p := newTestPool(t, Limits{}, 1)
	for _, c := range []struct{ mediaType, want string }{
		{"test/dial", syscall.EPERM.Error()},
		{"test/exec", syscall.EPERM.Error()},
	} {
		if got := ask(t, p, c.mediaType, listener.Addr().String()); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.mediaType, got, c.want)
		}
	}
}

func TestWorkerHasNoEnvironment(t *testing.T) {
	t.Setenv("CAIRN_SECRET", "hidden")
	p := newTestPool(t, Limits{}, 1)
	if got := ask(t, p, "test/environment", ""); got != "0 variables: []" {
		t.Error(got)
	}
}

func TestPoolReusesAndReplacesWorkers(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	first := ask(t, p, "test/pid", "")
	if second := ask(t, p, "test/pid", ""); second != first {
		t.Errorf("worker %s was not used again: %s", first, second)
	}
	p.idle[0].jobs = jobsPerWorker - 1
	ask(t, p, "test/pid", "")
	second := ask(t, p, "test/pid", "")
	if second == first {
		t.Error("the worker was not replaced after its last job")
	}
	p.idle[0].kill()
	<-p.idle[0].done
	if third := ask(t, p, "test/pid", ""); third == second {
		t.Error("the worker was not replaced after its end")
	}
}

func TestPoolSourceError(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	broken := errors.New("connection reset")
	_, err := p.Extract(t.Context(), Input{Filename: "a.txt"}, io.MultiReader(strings.NewReader("beginning"), iotest.ErrReader(broken)))
	var failure *Failure
	if !errors.Is(err, broken) || errors.As(err, &failure) {
		t.Errorf("got %v, want the error of the source", err)
	}
	ask(t, p, "test/pid", "")
}

func TestPoolCancel(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := p.Extract(ctx, Input{MediaType: "test/sleep"}, strings.NewReader("x"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ask(t, p, "test/pid", "")
}

func TestPoolConcurrent(t *testing.T) {
	p := newTestPool(t, Limits{}, 3)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			body := strings.Repeat("line "+string(rune('a'+i%26))+"\n", 500+i)
			text, err := p.Extract(context.Background(), Input{Filename: "a.txt"}, strings.NewReader(body))
			if err != nil || string(text.Body) != body {
				t.Errorf("document %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// endless gives n bytes of text without keeping them.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p, bytes.Repeat([]byte("All work and no play makes a dull text.\n"), len(p)/40+1)[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	return n, nil
}

func TestPoolTooLarge(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	before := heap()
	source := &endless{left: 300 << 20}
	_, err := p.Extract(t.Context(), Input{Filename: "large.txt"}, source)
	wantFailure(t, err, canon.CodeTooLarge)
	if source.left < 99<<20 {
		t.Errorf("read on after the limit: %d MB left", source.left>>20)
	}
	if grown := heap() - before; grown > 50<<20 {
		t.Errorf("the pool's process grew by %d MB", grown>>20)
	}
	if len(p.idle) != 1 || p.idle[0].ended() {
		t.Error("the worker was lost")
	}
	if _, err := p.Extract(t.Context(), Input{Filename: "large.txt", Size: 300 << 20}, iotest.ErrReader(errors.New("read"))); err == nil {
		t.Error("a size beyond the limit was accepted")
	} else {
		wantFailure(t, err, canon.CodeTooLarge)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}

func TestPoolTruncatesText(t *testing.T) {
	p := newTestPool(t, Limits{}, 1)
	text, err := p.Extract(t.Context(), Input{Filename: "large.txt"}, &endless{left: 60 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(text.Body); n > 20<<20 || n < 19<<20 || len(text.Notices) != 1 || text.Notices[0] != canon.NoticeTruncated {
		t.Errorf("%d bytes, notices %q", n, text.Notices)
	}
}

func TestPoolClosed(t *testing.T) {
	p := NewPool(PoolConfig{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Extract(t.Context(), Input{}, strings.NewReader("x")); err == nil {
		t.Error("a closed pool extracts")
	}
	if _, err := os.Stat(p.tempCache); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is left: %v", err)
	}
}
