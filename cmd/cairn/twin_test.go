package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/openai"
	"github.com/cairnhq/cairn/server/scim"
)

// twin is one of two servers whose databases differ in nothing but documents that
// Bob may not read. Ann, of the group finance, reads some of those.
type twin struct {
	*program
	model    *llmtest.Endpoint
	bob, ann string            // tokens
	names    map[string]string // what requests call ids → what they are here
	known    map[string]string // ids here → what stands for them where replies are compared
}

func newTwin(t *testing.T) *twin {
	t.Helper()
	model := llmtest.OpenAI(t, llmtest.Replies(llmtest.Text("Meals are paid up to 40 EUR a day [1]. The limit per night in Oslo is 180 EUR [1].")))
	w := &twin{model: model, names: map[string]string{}, known: map[string]string{}}
	w.program = &program{t: t, data: openTempDir(t), addr: freeAddr(t), env: []string{
		"CAIRN_DATABASE_URL=" + postgrestest.New(t).URL, "CAIRN_SAMPLE=", "CAIRN_LLM_URL=" + model.URL, "CAIRN_LLM_MODEL=small-1", "CAIRN_LLM_API_KEY=" + llmtest.Key,
	}}
	w.start()
	for group, email := range map[string]string{"finance": "ann@acme.test", "staff": "bob@acme.test"} {
		w.call("POST", "/users", map[string]string{"email": email}, nil)
		w.call("POST", "/groups", map[string]string{"name": group}, nil)
		w.call("PUT", "/groups/"+group, map[string]any{"members": []string{email}}, nil)
	}
	for _, s := range []map[string]any{
		{"name": "handbook", "acl": "everyone"}, {"name": "wiki", "acl": "group:cairn:staff"}, {"name": "vault", "acl": "group:cairn:finance"},
		{"name": "inbox", "acl": "everyone", "settings": map[string]string{"writers": "bob@acme.test"}},
	} {
		s["kind"] = "push"
		w.call("POST", "/sources", s, nil)
	}
	w.bob, w.ann = w.token("bob@acme.test"), w.token("ann@acme.test")
	return w
}

func (w *twin) token(email string) string {
	w.t.Helper()
	var made struct{ Secret string }
	w.call("POST", "/tokens", map[string]any{"user": email, "scopes": []string{"search", "ask", "read", "write", "admin"}}, &made)
	return made.Secret
}

var (
	anID     = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)
	aTime    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	aSecret  = regexp.MustCompile(`\bcairn_[0-9A-Za-z_-]{20,}`)
	aMark    = regexp.MustCompile(`\b[A-Z2-7]{12}\b`)
	tookMS   = regexp.MustCompile(`"took_ms":\d+`)
	created  = regexp.MustCompile(`"created":\d+`)
	aCursor  = regexp.MustCompile(`"next_cursor":"([^"]+)"`)
	nameable = regexp.MustCompile(`"(message_id|conversation_id|next_cursor|id|version)":"([^"]+)"`)
)

// send sends a request of Bob's, from another machine, and returns status, headers
// and body of the reply in a form in which those of twins are the same. What the last
// reply calls its ids is how later requests call them.
func (w *twin) send(method, path, body string) string {
	w.t.Helper()
	var names []string
	for name, id := range w.names {
		names = append(names, "{"+name+"}", id)
	}
	here := strings.NewReplacer(names...)
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr+here.Replace(path), strings.NewReader(here.Replace(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.bob)
	req.Header.Set("X-Forwarded-For", "203.0.113.9")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasSuffix(path, "/batch") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range nameable.FindAllSubmatch(b, -1) {
		if name := string(m[1]); !seen[name] {
			seen[name], w.names[name] = true, string(m[2])
		}
	}
	for _, h := range []string{"Date", "X-Request-Id", "Content-Length"} { // the length depends on times
		res.Header.Del(h)
	}
	var headers strings.Builder
	_ = res.Header.Write(&headers) // never fails
	return fmt.Sprintf("%d\n%s\n%s", res.StatusCode, headers.String(), w.common(string(b)))
}

// common returns a text without what differs between two servers that are asked one
// after the other: ids become numbers in the order in which they are met.
func (w *twin) common(text string) string {
	text = strings.ReplaceAll(text, w.addr, "<addr>")
	text = aCursor.ReplaceAllStringFunc(text, func(field string) string {
		cursor := aCursor.FindStringSubmatch(field)[1]
		if key, err := base64.RawURLEncoding.DecodeString(cursor); err == nil && json.Valid(key) {
			return `"next_cursor":` + string(key)
		}
		return field
	})
	text = anID.ReplaceAllStringFunc(text, func(id string) string {
		if w.known[id] == "" {
			w.known[id] = fmt.Sprintf("<%d>", len(w.known)+1)
		}
		return w.known[id]
	})
	text = aTime.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasSuffix(s, "T08:00:00Z") { // as all documents are dated
			return s
		}
		return "<now>"
	})
	text = strings.ReplaceAll(created.ReplaceAllString(text, `"created":0`), w.addr, "<address>")
	return tookMS.ReplaceAllString(aSecret.ReplaceAllString(text, "<secret>"), `"took_ms":0`)
}

// prompts returns what the model was asked, without the random words around passages.
func (w *twin) prompts() (all []string) {
	for _, c := range w.model.Calls() {
		all = append(all, aMark.ReplaceAllString(string(c.Body), "<mark>"))
	}
	return all
}

// found returns how many documents Ann finds, to see that there is something hidden.
func (w *twin) found(query string) int {
	w.t.Helper()
	bob := w.bob
	w.bob = w.ann
	defer func() { w.bob = bob }()
	return strings.Count(w.send("POST", "/api/v1/search", `{"query":"`+query+`","limit":100,"mode":"lexical"}`), `"snippet"`)
}

// TestA12_20_21_22_Twins sends Bob's requests to two servers, of which one has 1,000 documents
// more that he may not read, among and like those that he may, and packed into
// segments where the other has packed nothing. Every reply on every route, and every
// prompt of the model, is the same.
func TestA12_20_21_22_Twins(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts two servers")
	}
	plain, hiding := newTwin(t), newTwin(t)
	plain.fill(visibleDocuments(), nil)
	hiding.fill(visibleDocuments(), hiddenDocuments(1000))
	var index struct{ Packed int }
	hiding.call("POST", "/index/rebuild", nil, nil)
	if hiding.call("POST", "/index/verify", map[string]bool{"quick": true}, &index); index.Packed == 0 {
		t.Fatal("the hidden documents are too few for segments")
	}
	spec := specified(t)
	told := 0
	for _, r := range twinRequests() {
		a, b := plain.send(r.method, r.path, r.body), hiding.send(r.method, r.path, r.body)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s %s %s (-nothing is hidden +hidden):\n%s", r.method, r.path, r.body, diff)
		}
		if strings.HasPrefix(a, "20") {
			told++
		}
		spec.sent(r.method, r.path)
	}
	if diff := cmp.Diff(plain.prompts(), hiding.prompts()); diff != "" {
		t.Errorf("prompts (-nothing is hidden +hidden):\n%s", diff)
	}
	if told < 60 {
		t.Errorf("only %d requests tell something: this test says little", told)
	}
	if n, m := plain.found(hiddenWord), hiding.found(hiddenWord); n > 0 || m < 10 {
		t.Errorf("Ann finds %d hidden documents where there are none and %d where there are", n, m)
	}
	for _, route := range spec.missing() {
		t.Errorf("no request for %s: add one to twinRequests", route)
	}
}

// specification is which routes there are and which were used.
type specification struct {
	routers []routers.Router
	unused  map[string]bool
}

func specified(t *testing.T) *specification {
	t.Helper()
	s := &specification{unused: map[string]bool{}}
	for _, b := range [][]byte{api.Spec(), scim.Spec(), openai.Spec()} {
		doc, err := openapi3.NewLoader().LoadFromData(b)
		if err != nil {
			t.Fatal(err)
		}
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				s.unused[method+" "+path] = true
			}
		}
		r, err := gorillamux.NewRouter(doc)
		if err != nil {
			t.Fatal(err)
		}
		s.routers = append(s.routers, r)
	}
	return s
}

func (s *specification) sent(method, path string) {
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		return
	}
	for _, router := range s.routers {
		if route, _, err := router.FindRoute(r); err == nil {
			delete(s.unused, route.Method+" "+route.Path)
		}
	}
}

func (s *specification) missing() (all []string) {
	for route := range s.unused {
		all = append(all, route)
	}
	slices.Sort(all)
	return all
}
