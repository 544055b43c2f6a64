package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/sandbox"
)

// worker is a process that extracts.
type worker struct {
	cmd      *exec.Cmd
	in       *os.File // its standard input
	out      *os.File // its standard output
	buffered *bufio.Reader
	stderr   *tail
	done     chan struct{} // closed when it has ended
	ownEnd   bool          // it has ended and nobody has killed it
	fit      bool          // it can do another job
	jobs     int
	resident int64
	idle     *time.Timer
}

// startWorker starts a process without environment.
func startWorker(command []string) (*worker, error) {
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		inRead.Close()
		inWrite.Close()
		return nil, fmt.Errorf("start worker: %w", err)
	}
	w := &worker{in: inWrite, out: outRead, stderr: &tail{}, done: make(chan struct{}), buffered: bufio.NewReaderSize(outRead, maxData)}
	w.cmd = exec.Command(command[0], command[1:]...) //nolint:noctx // it outlives the document that it was started for
	w.cmd.Env = []string{}                           // not nil, which would be all of ours
	w.cmd.Dir = "/"
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = inRead, outWrite, w.stderr
	w.cmd.SysProcAttr = sandbox.Attributes()
	w.cmd.WaitDelay = time.Second
	err = w.cmd.Start()
	inRead.Close()
	outWrite.Close()
	if err != nil {
		inWrite.Close()
		outRead.Close()
		return nil, fmt.Errorf("start worker: %w", err)
	}
	go func() {
		// How it ended is in ProcessState.
		_ = w.cmd.Wait()
		close(w.done)
	}()
	return w, nil
}

// stop ends the process and waits for it.
func (w *worker) stop() {
	w.kill()
	<-w.done
	w.in.Close()
	w.out.Close()
}

// end ends the process after an error of its own. What has closed its output
// is given a moment to end by itself and so to tell why.
func (w *worker) end(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		select {
		case <-w.done:
		case <-time.After(2 * time.Second):
		}
	}
	w.ownEnd = w.ended()
	w.kill()
}

func (w *worker) kill() { _ = w.cmd.Process.Kill() }

// ended reports whether the process has ended by itself.
func (w *worker) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// do has the worker do a job with the bytes of r. The error is a *Failure, an
// error of r, one of ctx, or one of the worker. Afterwards fit says whether the
// worker can do another job.
func (w *worker) do(ctx context.Context, j job, r io.Reader) (*Text, error) {
	w.jobs++
	w.fit = false
	cancelled := context.AfterFunc(ctx, w.kill)
	defer cancelled()
	var answered atomic.Bool
	sent := make(chan error, 1)
	go func() { sent <- w.send(j, r, &answered) }()
	text, err := w.receive(j.Limits)
	answered.Store(true)
	whole := err == nil || errors.As(err, new(*Failure)) || errors.As(err, new(*internalError))
	if !whole {
		w.end(err) // so that send does not wait for it
	}
	sendErr := <-sent
	_ = w.out.SetReadDeadline(time.Time{})
	if ctx.Err() != nil {
		return nil, fmt.Errorf("extract: %w", ctx.Err())
	}
	w.fit = whole && !errors.Is(sendErr, errWorkerGone)
	if sendErr != nil && !errors.Is(sendErr, errWorkerGone) {
		return nil, sendErr // of the source, or its size
	}
	return text, err
}

// internalError is an error that a worker reports and that is not the document's.
type internalError struct{ reason string }

func (e *internalError) Error() string { return "extraction worker: " + e.reason }

// errWorkerGone means that the worker does not read any more.
var errWorkerGone = errors.New("worker is gone")

// send sends a job and its data, until all is sent or the worker has answered.
func (w *worker) send(j job, r io.Reader, answered *atomic.Bool) error {
	defer func() { _ = w.out.SetReadDeadline(time.Now().Add(j.Limits.Wall)) }()
	head, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("send job: %w", err)
	}
	if err := w.frame(j, frameJob, head); err != nil {
		return err
	}
	total := int64(0)
	chunk := make([]byte, 128<<10)
	for !answered.Load() {
		n, err := io.ReadFull(r, chunk)
		if total += int64(n); total > j.Limits.InputBytes {
			return errors.Join(w.frame(j, frameAbort, nil), tooLarge(j.Limits))
		}
		if n > 0 {
			if err := w.frame(j, frameData, chunk[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return w.frame(j, frameEnd, nil)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read document: %w", err), w.frame(j, frameAbort, nil))
		}
	}
	return w.frame(j, frameAbort, nil)
}

// frame writes a frame. A worker that does not take it for as long as a
// document may take is as good as gone.
func (w *worker) frame(j job, kind byte, payload []byte) error {
	_ = w.in.SetWriteDeadline(time.Now().Add(j.Limits.Wall))
	if err := writeFrame(w.in, kind, payload); err != nil {
		return fmt.Errorf("%w: %w", errWorkerGone, err)
	}
	return nil
}

// receive reads the answer to a job and believes nothing of it: lengths are
// within the limits, the text is what a text must be.
func (w *worker) receive(limits Limits) (*Text, error) {
	kind, payload, err := readFrame(w.buffered, maxAnswer)
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(payload, &a); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	w.resident = a.Resident
	switch {
	case kind == frameFailure && a.Code == codeInternal:
		return nil, &internalError{a.Reason}
	case kind == frameFailure:
		return nil, &Failure{Code: a.Code, Reason: a.Reason}
	case kind != frameText || a.Text == nil || len(a.Text.Attachments) != len(a.Data):
		return nil, fmt.Errorf("read answer: unexpected frame %q", kind)
	}
	left := int64(limits.AttachmentBytes)
	for _, size := range a.Data {
		if left -= size; size < 0 || left < 0 {
			return nil, errors.New("read answer: attachments beyond the limit")
		}
	}
	if a.Body < 0 || a.Body > int64(limits.TextBytes) || !slices.Contains(kinds, a.Text.Kind) {
		return nil, errors.New("read answer: text beyond the limit or of no known kind")
	}
	if a.Text.Body, err = readExactly(w.buffered, a.Body); err != nil {
		return nil, err
	}
	for i, size := range a.Data {
		if a.Text.Attachments[i].Data, err = readExactly(w.buffered, size); err != nil {
			return nil, err
		}
	}
	if err := check(a.Text); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return a.Text, nil
}

// tail keeps the beginning and the end of what a worker writes to its standard
// error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 1 << 10

// Write keeps the end of p. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - 2*tailSize; extra > 0 {
		// The beginning tells why a program crashed, the end where.
		t.text = append(t.text[:tailSize], t.text[tailSize+extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
