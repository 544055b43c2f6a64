package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// piece is how much is written at once. Between two it is asked whether there may
	// be more.
	piece = 32 << 10
	// patience is how long a reader may take to accept a piece. Then the connection is
	// closed, so that nobody holds memory here by not reading.
	patience = 30 * time.Second
)

// pacedWriter writes in pieces, each with its own deadline: a reader may be slow, not
// idle. It knows whether the response was broken off.
type pacedWriter struct {
	gin.ResponseWriter
	deadlines *http.ResponseController
	broken    bool
}

func newPaced(w gin.ResponseWriter) *pacedWriter {
	p := &pacedWriter{ResponseWriter: w, deadlines: http.NewResponseController(w)}
	p.deadline(time.Time{}) // that of the request before on the connection
	return p
}

// Unwrap lets http.ResponseController find the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) Write(b []byte) (int, error) {
	return inPieces(b, func(b []byte) (int, error) {
		w.extend()
		n, err := w.ResponseWriter.Write(b)
		if err != nil {
			w.broken = true
		}
		return n, err
	})
}

func (w *pacedWriter) WriteString(text string) (int, error) { return w.Write([]byte(text)) }

func (w *pacedWriter) WriteHeaderNow() {
	w.extend()
	w.ResponseWriter.WriteHeaderNow()
}

func (w *pacedWriter) Flush() {
	w.extend()
	w.ResponseWriter.Flush()
}

// extend gives the reader its time for what is written next, also by net/http when the
// request is over.
func (w *pacedWriter) extend() { w.deadline(time.Now().Add(patience)) }

// deadline fails for a writer without a connection, such as one of a test.
func (w *pacedWriter) deadline(t time.Time) { _ = w.deadlines.SetWriteDeadline(t) }

// status returns that of the response, or statusAborted.
func (w *pacedWriter) status() int {
	if w.broken {
		return statusAborted
	}
	return w.Status()
}

// statusAborted stands in metrics and logs for a response that was broken off, because
// its reader was gone or might see no more. Nobody is sent it.
const statusAborted = 499

// inPieces writes b piece by piece, at least once.
func inPieces(b []byte, write func([]byte) (int, error)) (written int, err error) {
	for {
		n, err := write(b[written:min(len(b), written+piece)])
		if written += n; err != nil || written >= len(b) {
			return written, err
		}
	}
}
