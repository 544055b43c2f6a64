package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Struck is what a recording has in the place of secrets, and what they are to be when it
// is replayed.
const Struck = "STRUCK"

// recording is what a place answered, in the order of the requests.
type recording struct {
	At        time.Time // that the connector took for now
	Exchanges []exchange
}

// exchange is a request with its reply.
type exchange struct {
	Request string      // method and address
	Body    string      `json:",omitempty"`
	Status  int         `json:",omitempty"`
	Header  http.Header `json:",omitempty"` // of the reply, as far as it is kept
	Text    string      `json:",omitempty"` // of the reply
	Bytes   []byte      `json:",omitempty"` // of one that is no text
}

// Recorder is the network of a connector that reads a real place, and writes down what
// that answers: for tests with NewReplay. Of a request it keeps no header, and so no
// credential. It may be used by several goroutines at once.
type Recorder struct {
	connectors.Network
	secrets []string
	mu      sync.Mutex
	told    recording
}

// NewRecorder returns a Recorder over a network. The secrets are struck from all that it
// writes down, as are tokens that the place issues.
func NewRecorder(over connectors.Network, secrets ...string) *Recorder {
	return &Recorder{Network: over, secrets: secrets, told: recording{At: time.Now().UTC().Truncate(time.Second)}}
}

// Now is the time that the connector is to be told: it stands still.
func (r *Recorder) Now() time.Time { return r.told.At }

// RoundTrip implements http.RoundTripper.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e, err := exchangeOf(req)
	if err != nil {
		return nil, err
	}
	res, err := r.Network.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("record a reply: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	e.Status, e.Header = res.StatusCode, http.Header{}
	if text := r.strike(string(body)); utf8.ValidString(text) {
		e.Text = text
	} else {
		e.Bytes = []byte(text)
	}
	for _, name := range []string{"Content-Type", "ETag", "Last-Modified", "Link", "Location", "Retry-After"} {
		for _, value := range res.Header.Values(name) {
			e.Header.Add(name, r.strike(value))
		}
	}
	e.Request, e.Body = r.strike(e.Request), r.strike(e.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.Exchanges = append(r.told.Exchanges, e)
	return res, nil
}

// issued are the fields in which places give out tokens.
var issued = regexp.MustCompile(`("(?:access_token|refresh_token|id_token|token)"\s*:\s*)"[^"]*"`)

func (r *Recorder) strike(text string) string {
	for _, secret := range r.secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if form != "" {
				text = strings.ReplaceAll(text, form, Struck)
			}
		}
	}
	return issued.ReplaceAllString(text, `${1}"`+Struck+`"`)
}

// Save writes the recording to a file. Whoever keeps it looks through it first: it has
// what the documents say, and the names of people.
func (r *Recorder) Save(file string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := json.MarshalIndent(r.told, "", "  ")
	if err != nil {
		return fmt.Errorf("write a recording: %w", err)
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}

// Replay is a network that answers as a place did when it was recorded, and reaches
// nothing. It may be used by several goroutines at once.
type Replay struct {
	t    testing.TB
	mu   sync.Mutex
	told recording
}

// NewReplay returns a Replay of a file. A request that was not made when it was recorded,
// or more often than then, fails the test.
func NewReplay(t testing.TB, file string) *Replay {
	t.Helper()
	r := &Replay{t: t}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r.told)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Now is the time at which it was recorded.
func (r *Replay) Now() time.Time { return r.told.At }

// RoundTrip implements http.RoundTripper.
func (r *Replay) RoundTrip(req *http.Request) (*http.Response, error) {
	e, err := exchangeOf(req)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, known := range r.told.Exchanges {
		if known.Request != e.Request || known.Body != e.Body {
			continue
		}
		r.told.Exchanges = append(r.told.Exchanges[:i:i], r.told.Exchanges[i+1:]...)
		body := append([]byte(known.Text), known.Bytes...)
		return &http.Response{
			Status: http.StatusText(known.Status), StatusCode: known.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: known.Header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
		}, nil
	}
	r.t.Errorf("a request was not recorded: %s %s", e.Request, e.Body)
	return nil, cairn.Errorf(cairn.ErrInvalid, "a request was not recorded")
}

// Lookup implements connectors.Network: there is no other machine.
func (r *Replay) Lookup(context.Context, string) ([]netip.Addr, error) {
	return nil, cairn.Errorf(cairn.ErrDenied, "a replay reaches no other machines")
}

// exchangeOf returns what a request asks for; its body can be read again then.
func exchangeOf(req *http.Request) (e exchange, err error) {
	e.Request = req.Method + " " + req.URL.String()
	if req.Body == nil {
		return e, nil
	}
	err = watch(req, func(_ *http.Request, body []byte) { e.Body = string(body) })
	return e, err
}
