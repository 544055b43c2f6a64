package client

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"strings"
	"sync/atomic"
	"time"
)

// watched closes a body on which nothing has come for a while.
type watched struct {
	io.Reader
	timer   *time.Timer
	silence time.Duration
	silent  atomic.Bool
}

func watch(body io.ReadCloser, silence time.Duration) *watched {
	w := &watched{Reader: body, silence: silence}
	w.timer = time.AfterFunc(silence, func() {
		w.silent.Store(true)
		body.Close()
	})
	return w
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if err != nil && w.silent.Load() {
		err = errors.New("nothing came for a while")
	}
	if n > 0 {
		w.timer.Reset(w.silence)
	}
	return n, err
}

func (w *watched) stop() { w.timer.Stop() }

// maxLine bounds one line of a stream; an answer with all its passages fits.
const maxLine = 64 << 20

// events parses server-sent events (WHATWG HTML, 9.2) whose data is JSON. Events
// without data are skipped, and one that the end of the stream cuts off.
func events(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		var e Event
		for lines.Scan() {
			line := lines.Text() // without \r
			if line == "" {
				if len(e.Data) > 0 && !yield(e, nil) {
					return
				}
				e = Event{}
				continue
			}
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "id":
				e.ID = value
			case "event":
				e.Name = value
			case "data":
				if len(e.Data) > 0 {
					e.Data = append(e.Data, '\n')
				}
				e.Data = append(e.Data, value...)
			}
		}
		if err := lines.Err(); err != nil {
			yield(Event{}, err)
		}
	}
}
