package hooks_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// However many bodies are sent by whom nobody knows, and never to their end, they take a
// bounded part of the memory; a delivery for which there is no room is told to come again.
func TestBodiesTakeBoundedMemory(t *testing.T) {
	w := newWorld(t)
	before := heap()
	payload := []byte(strings.Repeat("a", 1<<20-1))
	var sent sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	for i := range 200 {
		sent.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(w.servers[0].URL, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			_ = c.SetWriteDeadline(time.Now().Add(3 * time.Second))
			// Who has no room is answered before all is sent.
			_, _ = fmt.Fprintf(c, "POST /hooks/x%d HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.%d\r\nContent-Length: %d\r\n\r\n", i%5, i, 1<<20)
			_, _ = c.Write(payload)
		})
	}
	sent.Wait()
	time.Sleep(500 * time.Millisecond) // what was sent is read
	if after := heap(); after > before+100 {
		t.Errorf("200 bodies take %d MiB", after-before)
	}
	got := w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d-1", edited))
	if got.status != 503 || got.header.Get("Retry-After") == "" || w.deliveries("code") != 0 {
		t.Errorf("without room a delivery is answered with %d %v", got.status, got.header)
	}
	for _, c := range open {
		_ = c.Close()
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		got = w.send(0, "/hooks/code", strings.NewReader(edited), fromGitHub("d-1", edited))
		if got.status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("when there is room again, a delivery is answered with %d %s", got.status, got.body)
		}
	}
}

// heap returns how many MiB are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 20)
}
