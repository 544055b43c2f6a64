package connectortest

import (
	"fmt"
	"mime"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

// Route is one thing that a fake source can be asked.
type Route struct {
	Pattern string   // as of http.ServeMux: "GET /pages/{id}"
	Query   []string // names of the parameters that it knows; "name!" is one that it needs
	Accept  string   // that the request must name, if any
	Body    string   // media type that the request's body must have; empty: there is none
	Handle  http.HandlerFunc
	// Open says that it is asked without a credential, and fails the test when there is one.
	Open bool
}

// Fake is a source that fails the test on each request that a real one would refuse, or
// silently understand in another way: a path or parameter that it does not know, a
// missing parameter, a wrong or missing credential, Accept or Content-Type. Such a
// request is answered with 400 and what is wrong.
type Fake struct {
	t     testing.TB
	mux   *http.ServeMux
	known func(r *http.Request) bool
}

// NewFake returns a fake. known reports whether a request has a credential of the right
// form; that it has expired is for the routes to find. nil: none may come with one.
func NewFake(t testing.TB, known func(r *http.Request) bool, routes ...Route) *Fake {
	t.Helper()
	f := &Fake{t: t, mux: http.NewServeMux(), known: known}
	for _, route := range routes {
		f.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if wrong := f.check(route, r); wrong != "" {
				f.refuse(w, r, wrong)
				return
			}
			route.Handle(w, r)
		})
	}
	return f
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := f.mux.Handler(r); pattern == "" {
		f.refuse(w, r, "nothing answers at this address")
		return
	}
	f.mux.ServeHTTP(w, r)
}

// check says what is wrong with a request.
func (f *Fake) check(route Route, r *http.Request) string {
	if wrong := f.checkCredential(route, r); wrong != "" {
		return wrong
	}
	if !strings.HasPrefix(r.UserAgent(), "Cairn/") {
		return fmt.Sprintf("the User-Agent is %q", r.UserAgent())
	}
	for _, name := range route.Query {
		if name, needed := strings.CutSuffix(name, "!"); needed && !r.URL.Query().Has(name) {
			return "the parameter " + name + " is missing"
		}
	}
	for name, values := range r.URL.Query() {
		if !slices.Contains(route.Query, name) && !slices.Contains(route.Query, name+"!") {
			return fmt.Sprintf("there is no parameter %q", name)
		}
		if len(values) > 1 {
			return fmt.Sprintf("the parameter %q comes %d times", name, len(values))
		}
	}
	if route.Accept != "" && !strings.Contains(r.Header.Get("Accept"), route.Accept) {
		return fmt.Sprintf("Accept is %q, not %s", r.Header.Get("Accept"), route.Accept)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != route.Body || route.Body == "" && r.ContentLength > 0 {
		return fmt.Sprintf("the body has %d bytes of type %q, which should be %q", r.ContentLength, kind, route.Body)
	}
	return ""
}

func (f *Fake) checkCredential(route Route, r *http.Request) string {
	if route.Open || f.known == nil {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			return "a credential comes where none belongs"
		}
		return ""
	}
	if !f.known(r) {
		return "the credential is missing or wrong"
	}
	return ""
}

func (f *Fake) refuse(w http.ResponseWriter, r *http.Request, wrong string) {
	dump, _ := httputil.DumpRequest(r, false)
	f.t.Errorf("the fake source refuses a request: %s\n%s", wrong, dump)
	http.Error(w, wrong, http.StatusBadRequest)
}
