package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Fault is how a request fails.
type Fault string

// The faults.
const (
	Limited     Fault = "429 with seconds"
	LimitedDate Fault = "429 with a date"
	Broken      Fault = "500"
	Away        Fault = "503"
	Hang        Fault = "no reply"
	Half        Fault = "half a reply"
	Refused     Fault = "401"
	Forbidden   Fault = "403"
)

// Repeatable are the faults after which a request must be sent again.
var Repeatable = []Fault{Limited, LimitedDate, Broken, Away, Hang, Half}

// Faults stands before a fake source and makes requests fail. The zero Faults lets all
// pass. It may be used by several goroutines at once.
type Faults struct {
	Fake  http.Handler
	Clock *Clock // of the dates in Retry-After

	mu    sync.Mutex
	fault Fault
	fails func(n int) bool
	n     int
	watch func(r *http.Request, body []byte)
}

// Every makes each request fail whose number, from 1 for the next one, every divides.
func (f *Faults) Every(every int, fault Fault) {
	f.set(fault, func(n int) bool { return n%every == 0 })
}

// From makes all requests fail from the one with number n on, from 1 for the next one.
func (f *Faults) From(n int, fault Fault) { f.set(fault, func(i int) bool { return i >= n }) }

// Heal ends the faults, and counts requests anew.
func (f *Faults) Heal() { f.set("", nil) }

// Watch shows each request to a function from now on; nil ends that.
func (f *Faults) Watch(show func(r *http.Request, body []byte)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = show
}

// Requests returns how many requests came since Every, From or Heal.
func (f *Faults) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *Faults) set(fault Fault, fails func(n int) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.fails, f.n = fault, fails, 0
}

// next returns the fault of a request; none is empty.
func (f *Faults) next(r *http.Request) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.watch != nil && watch(r, f.watch) != nil {
		return Broken
	}
	if f.fails == nil || !f.fails(f.n) {
		return ""
	}
	return f.fault
}

// asked is how long a source asks to wait: Retry-After counts in seconds.
const asked = 7 * time.Second

// ServeHTTP implements http.Handler.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fail := func(status int) { http.Error(w, http.StatusText(status), status) }
	switch f.next(r) {
	case Limited:
		w.Header().Set("Retry-After", strconv.Itoa(int(asked.Seconds())))
		fail(http.StatusTooManyRequests)
	case LimitedDate:
		w.Header().Set("Retry-After", f.Clock.Now().Add(asked).UTC().Format(http.TimeFormat))
		fail(http.StatusTooManyRequests)
	case Broken:
		fail(http.StatusInternalServerError)
	case Away:
		fail(http.StatusServiceUnavailable)
	case Refused:
		fail(http.StatusUnauthorized)
	case Forbidden:
		fail(http.StatusForbidden)
	case Hang:
		_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client is gone
		<-r.Context().Done()
	case Half:
		f.half(w, r)
	default:
		f.Fake.ServeHTTP(w, r)
	}
}

// half sends the first half of what the fake replies and breaks off.
func (f *Faults) half(w http.ResponseWriter, r *http.Request) {
	whole := httptest.NewRecorder()
	f.Fake.ServeHTTP(whole, r)
	body := bytes.Clone(whole.Body.Bytes())
	for name, values := range whole.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
