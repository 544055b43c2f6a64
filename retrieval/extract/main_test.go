package extract

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

// TestMain makes this test program its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "extract-worker" {
		e := &extractor{}
		c := &confined{extractor: e, extract: func(ctx context.Context, in Input, r io.Reader) (*Text, error) {
			if strings.HasPrefix(in.MediaType, "test/") {
				return misbehave(ctx, in, r)
			}
			return e.extract(ctx, in, r)
		}}
		if err := serve(os.Stdin, os.Stdout, c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// misbehave does in a worker what documents must not make it do.
func misbehave(ctx context.Context, in Input, r io.Reader) (*Text, error) {
	said := ""
	switch in.MediaType {
	case "test/spin":
		for {
			runtime.Gosched()
		}
	case "test/sleep":
		time.Sleep(time.Hour)
	case "test/allocate":
		var all [][]byte
		for {
			block := make([]byte, 8<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			all = append(all, block) //nolint:staticcheck // kept, so that it is not collected
		}
	case "test/allocate-at-once":
		block := make([]byte, 4<<30)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
	case "test/exit":
		os.Exit(1)
	case "test/panic":
		go panic("in another goroutine")
		time.Sleep(time.Hour)
	case "test/garbage":
		fmt.Fprint(os.Stdout, "T\xff\xff\xff\xffgarbage")
		time.Sleep(time.Hour)
	case "test/announce":
		fmt.Fprint(os.Stdout, "T\x00\x00\x00\x34"+`{"Text":{"Kind":"page"},"Body":4611686018427387904}   `)
		time.Sleep(time.Hour)
	case "test/environment":
		said = fmt.Sprintf("%d variables: %q", len(os.Environ()), os.Environ())
	case "test/dial":
		_, err := new(net.Dialer).DialContext(ctx, "tcp", in.URL)
		said = fmt.Sprint("dial: ", err)
	case "test/exec":
		said = fmt.Sprint("exec: ", exec.Command("/bin/true").Run())
	case "test/pid":
		said = fmt.Sprint(os.Getpid())
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	body := []byte(said + "\n")
	return &Text{Kind: cairn.KindText, Body: body, Sections: []cairn.Section{{End: len(body)}}}, nil
}
