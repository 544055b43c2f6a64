package gitrepo

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// blobs reads the contents of files by their ids, through one process of git that ends
// when nobody has asked it for a while. It may be used by several goroutines at once.
type blobs struct {
	clone *clone

	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	timer *time.Timer
	uses  int
}

const (
	idle       = 500 * time.Millisecond // until the process ends
	mostAtOnce = 8 << 20                // bytes of a content that the process is asked for
)

var errGone = &connectors.DocumentError{Code: "vanished", Reason: "The content of the file is no longer in the copy of the repository; the next sync fetches it."}

// open returns a content of a size.
func (b *blobs) open(ctx context.Context, oid string, size int64) (io.ReadCloser, error) {
	if size > mostAtOnce {
		return b.stream(ctx, oid)
	}
	content, err := b.read(ctx, oid)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// read returns a content.
func (b *blobs) read(ctx context.Context, oid string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.begin(); err != nil {
		return nil, err
	}
	content, err := b.ask(oid)
	if err != nil && err != error(errGone) { //nolint:errorlint // it is that very value
		b.end()
		return nil, fmt.Errorf("read the copy of the repository: %w", err)
	}
	b.uses++
	uses := b.uses
	b.timer = time.AfterFunc(idle, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.uses == uses {
			b.end()
		}
	})
	return content, err
}

// begin starts the process unless it runs.
func (b *blobs) begin() error {
	if b.timer != nil {
		b.timer.Stop()
	}
	if b.cmd != nil {
		return nil
	}
	// It outlives the call that needs it first.
	cmd, err := b.clone.git("cat-file", "--batch").Cmd(context.Background())
	if err != nil {
		return err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run git cat-file: %w", err)
	}
	b.cmd, b.in, b.out = cmd, in, bufio.NewReaderSize(out, 64<<10)
	return nil
}

// ask asks the process for a content.
func (b *blobs) ask(oid string) ([]byte, error) {
	if _, err := io.WriteString(b.in, oid+"\n"); err != nil {
		return nil, err
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 2 && fields[1] == "missing" {
		return nil, errGone
	}
	if len(fields) != 3 || fields[1] != "blob" {
		return nil, fmt.Errorf("git cat-file gave another thing than a content")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size > 2*mostAtOnce {
		return nil, fmt.Errorf("git cat-file gave a content of %s bytes", fields[2])
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(b.out, content); err != nil {
		return nil, err
	}
	return content[:size], nil
}

// end ends the process.
func (b *blobs) end() {
	if b.cmd == nil {
		return
	}
	_ = b.in.Close()
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
	b.cmd = nil
}

// stream returns a content by a process of its own.
func (b *blobs) stream(ctx context.Context, oid string) (io.ReadCloser, error) {
	cmd, err := b.clone.git("cat-file", "blob", oid).Cmd(ctx)
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("run git cat-file: %w", err)
	}
	return &streamed{ReadCloser: out, ctx: ctx, cmd: cmd}, nil
}

// streamed is the output of a process. One that fails is an error at its end.
type streamed struct {
	io.ReadCloser
	ctx   context.Context
	cmd   *exec.Cmd
	ended bool
}

// Read implements io.Reader.
func (s *streamed) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err == nil || n > 0 {
		return n, nil
	}
	if !s.ended {
		s.ended = true
		if failed := s.cmd.Wait(); failed != nil {
			if s.ctx.Err() != nil {
				return 0, context.Cause(s.ctx)
			}
			return 0, errGone
		}
	}
	return 0, err
}

// Close implements io.Closer.
func (s *streamed) Close() error {
	if !s.ended {
		s.ended = true
		_ = s.ReadCloser.Close()
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	return nil
}
