package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/sandbox"
)

// The exit statuses of a worker that a Pool understands.
const (
	exitMemory = 30
	exitCPU    = 31
	exitWall   = 32
)

// memorySlack is what the kernel grants beyond Limits.Memory, so that the
// worker notices first and can say so.
const memorySlack = 192 << 20

// Serve is the main loop of a worker: it reads jobs and answers them until
// stdin ends. With the first job it restricts the whole process for good, and
// it ends the process when a job goes beyond its limits, so it must be all that
// the process does. limits hold where a job brings none of its own; the jobs of
// a Pool bring all.
func Serve(stdin io.Reader, stdout io.Writer, limits Limits) error {
	e := &extractor{}
	defer e.close()
	return serve(stdin, stdout, &confined{extractor: e, limits: limits, extract: e.extract})
}

// confined does jobs within a process that it has restricted.
type confined struct {
	extractor *extractor
	limits    Limits // of jobs that bring none
	extract   func(context.Context, Input, io.Reader) (*Text, error)
	entered   bool
}

// do does a job.
func (c *confined) do(j job, r io.Reader) (*Text, error) {
	if j.Limits == (Limits{}) {
		j.Limits = c.limits
	}
	limits := j.Limits.orDefaults()
	if !c.entered {
		c.entered = true
		confine(limits.Memory)
	}
	c.extractor.limits = limits
	c.extractor.pdf.CacheDir, c.extractor.pdf.Memory = j.CacheDir, limits.Memory/2
	if err := sandbox.AllowCPU(limits.CPU); err != nil {
		return nil, err
	}
	// The pool ends a worker that takes too long; this is for a worker whose
	// pool is gone.
	clock := time.AfterFunc(2*limits.Wall+time.Hour, func() { os.Exit(exitWall) })
	defer clock.Stop()
	return c.extract(context.Background(), j.Input, r)
}

// confine restricts this process. What the platform does not hold, the process
// watches itself, as far as it can.
func confine(memory int64) {
	runtime.GOMAXPROCS(min(runtime.GOMAXPROCS(0), 2))
	debug.SetMemoryLimit(memory * 3 / 4)
	if held, err := sandbox.Enter(memory + memorySlack); err != nil {
		fmt.Fprintf(os.Stderr, "sandbox incomplete (memory %t, network %t): %v\n", held.Memory, held.Network, err)
	}
	exceeded := make(chan os.Signal, 1)
	signal.Notify(exceeded, sandbox.ExceededCPU)
	go func() {
		<-exceeded
		os.Exit(exitCPU)
	}()
	go watchMemory(memory)
}

// serve answers jobs until r ends.
func serve(r io.Reader, w io.Writer, c *confined) error {
	in, out := bufio.NewReaderSize(r, maxData), bufio.NewWriterSize(w, maxData)
	for {
		kind, payload, err := readFrame(in, maxJob)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var j job
		if err := json.Unmarshal(payload, &j); kind != frameJob || err != nil {
			return fmt.Errorf("read job: kind %q: %w", kind, err)
		}
		data := &jobReader{r: in}
		text, err := c.do(j, data)
		if err := writeAnswer(out, text, err); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		if err := data.drain(); err != nil {
			return err
		}
		if resident() > 128<<20 {
			debug.FreeOSMemory()
		}
	}
}

func writeAnswer(w io.Writer, text *Text, err error) error {
	a := answer{Resident: resident()}
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		a.Code, a.Reason = failure.Code, failure.Reason
		if err != error(failure) { //nolint:errorlint // is there more than the failure itself?
			fmt.Fprintln(os.Stderr, err)
		}
	case err != nil:
		a.Code, a.Reason = codeInternal, err.Error()
	default:
		head := *text
		head.Body = nil
		head.Attachments = make([]Attachment, len(text.Attachments))
		for i, at := range text.Attachments {
			head.Attachments[i] = Attachment{Filename: at.Filename, MediaType: at.MediaType}
			a.Data = append(a.Data, int64(len(at.Data)))
		}
		a.Text, a.Body = &head, int64(len(text.Body))
	}
	payload, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if a.Text == nil {
		return writeFrame(w, frameFailure, payload)
	}
	if err := writeFrame(w, frameText, payload); err != nil {
		return err
	}
	if _, err := w.Write(text.Body); err != nil {
		return fmt.Errorf("write body: %w", err)
	}
	for _, at := range text.Attachments {
		if _, err := w.Write(at.Data); err != nil {
			return fmt.Errorf("write attachment: %w", err)
		}
	}
	return nil
}

// watchMemory ends the process when it has more than limit bytes of memory.
func watchMemory(limit int64) {
	for range time.Tick(20 * time.Millisecond) {
		if resident() > limit {
			os.Exit(exitMemory)
		}
	}
}

// resident returns how many bytes of memory the Go runtime has from the system.
func resident() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
