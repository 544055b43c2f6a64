package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// listen serves on a real connection, until the test ends.
func (w *watched) listen() string {
	w.Helper()
	l, err := (&net.ListenConfig{}).Listen(w.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	go func() { _ = w.server.Serve(l) }()
	w.Cleanup(func() { _ = w.server.http.Close() })
	return l.Addr().String()
}

// request is the text of ann's request.
func (w *watched) request() string {
	return "POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAuthorization: Bearer " + w.token + "\r\n\r\n"
}

// ask sends ann's request by a reader whose machine keeps little, and returns when the
// response has begun.
func (w *watched) ask(addr string) net.Conn {
	w.Helper()
	conn := w.dial(addr, 32<<10)
	if _, err := io.WriteString(conn, w.request()); err != nil {
		w.Fatal(err)
	}
	w.begun(conn)
	return conn
}

// begun returns when a response has begun.
func (w *watched) begun(conn net.Conn) {
	w.Helper()
	head := make([]byte, 1024)
	if _, err := io.ReadFull(conn, head); err != nil || !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		w.Fatalf("%v: %s", err, head)
	}
}

// dial connects as a reader whose machine has room for so many bytes.
func (w *watched) dial(addr string, room int) net.Conn {
	w.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, room)
		}), err)
	}}
	conn, err := dialer.DialContext(w.Context(), "tcp", addr)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	return conn
}

const kept = 256 << 10 // more than what the machine of such a reader has taken

// Who may see no more gets nothing more five seconds later, also when she has not read
// what was sent before: it is not kept for her, here or in the kernel.
func TestBlockedReaderGetsNothingAfterALoss(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("secret ", 5<<20)
	replies := map[string]Handler{
		"a large document": func(c *gin.Context) error {
			_, _ = c.Writer.WriteString(text)
			return nil
		},
		"a document that the kernel takes": func(c *gin.Context) error {
			_, _ = c.Writer.WriteString(text[:600<<10])
			return nil
		},
		"an export": func(c *gin.Context) error {
			for {
				if _, err := c.Writer.WriteString(text[:100]); err != nil {
					return nil //nolint:nilerr // it ends, and that is all
				}
			}
		},
		"a stream": func(c *gin.Context) error {
			for {
				if changed, err := Reidentify(c, time.Second); err != nil || changed {
					_, _ = Unguarded(c).WriteString("event: error\n")
					return nil //nolint:nilerr // it ends, and that is all
				}
				if _, err := c.Writer.WriteString(text[:10_000]); err != nil {
					return nil //nolint:nilerr // it ends, and that is all
				}
				c.Writer.Flush()
			}
		},
	}
	lost := map[string]func(w *watched){
		"the token is revoked":     losses["the token is revoked"].lose,
		"nobody can say who it is": losses["nobody can say who it is"].lose,
		"a group was left":         func(w *watched) { _ = w.SetGroup(context.Background(), "finance", nil, nil) },
	}
	var all []func()
	for what, handle := range replies {
		for how, lose := range lost {
			w := newWatched(t, Route{Scope: cairn.ScopeRead, Handle: handle})
			conn := w.ask(w.listen())
			all = append(all, func() {
				time.Sleep(time.Second) // the reader does not go on
				lose(w)
				time.Sleep(promise + 100*time.Millisecond)
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				n, err := io.Copy(io.Discard, conn)
				if n > kept || !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("%s, %s: %d bytes after five seconds, then %v; want the connection reset, and at most %d", what, how, n, err, kept)
				}
			})
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	for _, one := range all {
		group.Go(one)
	}
}

// So does a reader of small replies, one or many of them, whose machine has next to no
// room: the rest of them is not left with the kernel.
func TestSmallRepliesAreNotLeftToTheKernel(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what a reader has no room for")
	}
	for name, c := range map[string]struct{ size, requests int }{
		"a small reply": {30_000, 1},
		"a smaller one": {5_000, 1},
		"many tiny":     {1_500, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t, Route{Scope: cairn.ScopeRead, Handle: text(strings.Repeat("secret ", c.size/7))})
			conn := w.dial(w.listen(), 2304)
			if _, err := io.WriteString(conn, strings.Repeat(w.request(), c.requests)); err != nil {
				t.Fatal(err)
			}
			w.begun(conn)
			time.Sleep(300 * time.Millisecond) // the server comes to where there is no room
			losses["the token is revoked"].lose(w)
			time.Sleep(promise + 100*time.Millisecond)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := io.Copy(io.Discard, conn)
			if n > 3000 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%d bytes after five seconds, then %v; want the connection reset, and no more than such a machine keeps", n, err)
			}
		})
	}
}

// Who reads at once does not wait for what the machines say to each other.
func TestSmallRepliesAreNotDelayed(t *testing.T) {
	t.Parallel()
	w := newWatched(t, Route{Scope: cairn.ScopeRead, Handle: text(strings.Repeat("text ", 3000))})
	conn := w.dial(w.listen(), 1<<20)
	reader := bufio.NewReader(conn)
	const requests = 200
	var slow int
	for range requests {
		start := time.Now()
		_, _ = io.WriteString(conn, w.request())
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if time.Since(start) > 30*time.Millisecond { // an acknowledgement may take 40
			slow++
		}
	}
	if slow > requests/4 {
		t.Errorf("%d of %d replies took more than 30 ms", slow, requests)
	}
}

// A loss hurts nobody who has read everything: the connection serves the next request.
func TestConnectionOutlivesWhatEndsInOrder(t *testing.T) {
	t.Parallel()
	w := newWatched(t, Route{Scope: cairn.ScopeRead, Long: true, Handle: func(c *gin.Context) error {
		for {
			if _, err := Reidentify(c, 100*time.Millisecond); err != nil {
				_, _ = Unguarded(c).WriteString("event: error\n")
				return nil //nolint:nilerr // it ends, and that is all
			}
			if _, err := c.Writer.WriteString("secret "); err != nil {
				return err
			}
			c.Writer.Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}})
	conn := w.ask(w.listen())
	losses["the token is revoked"].lose(w)
	if _, err := io.WriteString(conn, w.request()); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 0, 1<<20)
	for !strings.Contains(string(b), "HTTP/1.1 401") {
		n, err := conn.Read(b[len(b):cap(b)])
		if b = b[:len(b)+n]; err != nil {
			t.Fatalf("%v after %.300s", err, b)
		}
	}
	if before, _, _ := strings.Cut(string(b), "HTTP/1.1 401"); !strings.HasSuffix(before, "event: error\n\r\n0\r\n\r\n") {
		t.Errorf("the stream ends with %q", before[max(0, len(before)-100):])
	}
}

// pipes is a listener whose connections keep nothing on their way.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// A reader may be as slow as she likes, but not idle: then nothing is held for her.
func TestReadersMayBeSlowNotIdle(t *testing.T) {
	text := strings.Repeat("text ", 200<<10)
	for name, c := range map[string]struct {
		pause  time.Duration // after each 4 kB
		status string
	}{
		"slow": {time.Second, "200"},
		"idle": {time.Hour, "499"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var took time.Duration
				w := newWatched(t, Route{Scope: cairn.ScopeRead, Handle: func(c *gin.Context) error {
					start := time.Now()
					_, _ = c.Writer.WriteString(text)
					took = time.Since(start)
					return nil
				}})
				l := make(pipes, 1)
				served := make(chan struct{})
				go func() {
					defer close(served)
					_ = w.server.Serve(l)
				}()
				conn, other := net.Pipe()
				l <- other
				_, _ = io.WriteString(conn, w.request())
				body := slowBody(conn, c.pause)
				synctest.Wait()
				if c.status == "200" && (body != text || took < 2*requestTimeout) || c.status == "499" && took > patience {
					t.Errorf("%d bytes in %v", len(body), took)
				}
				families, err := w.server.cfg.Metrics.Gather()
				if err != nil || !strings.Contains(fmt.Sprint(families), `name:"status" value:"`+c.status+`"`) && !strings.Contains(fmt.Sprint(families), `name:"status"  value:"`+c.status+`"`) {
					t.Errorf("%v; the metrics are %v", err, families)
				}
				_ = conn.Close()
				close(l)
				<-served
			})
		})
	}
}

// slowBody reads a response with a pause after each 4 kB.
func slowBody(conn net.Conn, pause time.Duration) string {
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 4096), nil)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	var body strings.Builder
	for {
		_, err := io.CopyN(&body, res.Body, 4096)
		if err != nil {
			return body.String()
		}
		time.Sleep(pause)
	}
}
