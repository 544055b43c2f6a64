package extract

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cairnhq/cairn"
)

// Pool and worker speak in frames: a byte for the kind, four bytes for the
// length, and so many bytes. For each job the worker gets frameJob, any number
// of frameData, and frameEnd or frameAbort; it answers with frameText, followed
// by the body and the attachments bare, or with frameFailure. It may answer
// before it has got everything.
const (
	frameJob     = 'J'
	frameData    = 'D'
	frameEnd     = 'E'
	frameAbort   = 'A'
	frameText    = 'T'
	frameFailure = 'F'
)

const (
	maxJob    = 1 << 20
	maxData   = 256 << 10
	maxAnswer = 64 << 20 // of the description of a text: its sections are in it
)

// job is a document to extract.
type job struct {
	Input    Input
	Limits   Limits
	CacheDir string
}

// answer is what became of a job. Either Code or Text says it.
type answer struct {
	Code     string // of a Failure; "" for a text, codeInternal for another error
	Reason   string
	Text     *Text // without body and the data of attachments
	Body     int64 // bytes
	Data     []int64
	Resident int64 // bytes of memory that the worker has after the job
}

// codeInternal marks an error that is not the document's.
const codeInternal = "internal"

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	head := make([]byte, 5, 5+len(payload))
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if _, err := w.Write(append(head, payload...)); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// readFrame reads a frame of at most limit bytes. io.EOF means that there are
// no more frames.
func readFrame(r io.Reader, limit int) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, nil, io.EOF
		}
		return 0, nil, fmt.Errorf("read frame: %w", err)
	}
	size := int64(binary.BigEndian.Uint32(head[1:]))
	if size > int64(limit) {
		return 0, nil, fmt.Errorf("read frame: %d bytes where at most %d are allowed", size, limit)
	}
	payload, err = readExactly(r, size)
	if err != nil {
		return 0, nil, err
	}
	return head[0], payload, nil
}

// readExactly reads size bytes. It takes memory as they come and not as they
// are announced.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	out := make([]byte, 0, min(size, 64<<10))
	for int64(len(out)) < size {
		if len(out) == cap(out) {
			out = append(make([]byte, 0, min(size, 2*int64(cap(out)))), out...)
		}
		n, err := io.ReadFull(r, out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err != nil {
			return nil, fmt.Errorf("read %d bytes: %w", size, errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	return out, nil
}

// jobReader reads the data of a job.
type jobReader struct {
	r     io.Reader
	chunk []byte
	err   error // after the last chunk
}

var errAborted = errors.New("job aborted")

func (j *jobReader) Read(p []byte) (int, error) {
	for len(j.chunk) == 0 {
		if j.err != nil {
			return 0, j.err
		}
		kind, payload, err := readFrame(j.r, maxData)
		switch {
		case err != nil:
			j.err = errors.Join(err, io.ErrUnexpectedEOF)
		case kind == frameData:
			j.chunk = payload
		case kind == frameEnd:
			j.err = io.EOF
		case kind == frameAbort:
			j.err = errAborted
		default:
			j.err = fmt.Errorf("unexpected frame %q in a job", kind)
		}
	}
	n := copy(p, j.chunk)
	j.chunk = j.chunk[n:]
	return n, nil
}

// drain reads what is left of a job.
func (j *jobReader) drain() error {
	if _, err := io.Copy(io.Discard, j); err != nil && !errors.Is(err, errAborted) {
		return fmt.Errorf("read the rest of a job: %w", err)
	}
	return nil
}

// kinds are the kinds of documents that a worker may claim to have read.
var kinds = []cairn.Kind{cairn.KindPage, cairn.KindText, cairn.KindPDF, cairn.KindDocument, cairn.KindPresentation,
	cairn.KindSpreadsheet, cairn.KindMail, cairn.KindData, cairn.KindCode}
