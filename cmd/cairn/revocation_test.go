package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/server/api"
)

// promise is how long what was taken from a person may still be shown.
const promise = 5 * time.Second

// cause is a way in which a person loses a document. The session says that the browser's
// is used, else a token.
type cause struct {
	name    string
	session bool
	lose    func(th *things, token string, header []string)
}

// causes are the ways that leave the document where it is.
var causes = []cause{
	{"the provider removes the group", false, func(th *things, _ string, _ []string) {
		th.must(th.admin, "DELETE", "/scim/v2/Groups/"+th.group, nil)
	}},
	{"the provider takes the member out", true, func(th *things, _ string, _ []string) {
		th.must(th.admin, "PATCH", "/scim/v2/Groups/"+th.group+` {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members"}]}`, nil)
	}},
	{"the user is disabled, by token", false, disable},
	{"the user is disabled, by session", true, disable},
	{"the token is revoked", false, func(th *things, token string, _ []string) {
		th.must(th.admin, "DELETE", "/api/v1/tokens/"+token, nil)
	}},
	{"the session is ended", true, func(th *things, _ string, header []string) {
		if got := th.send("POST", "/api/v1/logout", header...); got.status != http.StatusNoContent {
			th.t.Fatalf("%d %s", got.status, got.body)
		}
	}},
	{"the ACL of the document", false, func(th *things, _ string, _ []string) {
		th.push(th.fill("$source"), `,"acl":{"allow":[["group:cairn:board"]]}`)
	}},
	{"the ACL of the source", true, func(th *things, _ string, _ []string) {
		th.must(th.admin, "PATCH", th.fill(`/api/v1/sources/$source {"acl":"group:cairn:board"}`), nil)
	}},
}

func disable(th *things, _ string, _ []string) {
	th.must(th.admin, "PATCH", "/scim/v2/Users/"+string(th.owner.ID)+
		` {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`, nil)
}

var opens = regexp.MustCompile(`opens with ([a-z]{16})`)

// slowly is a model that quotes the document and, when it is asked to, never comes to
// an end.
func slowly(c llmtest.Call) llmtest.Reply {
	prompt := c.Request.Messages[len(c.Request.Messages)-1].Text
	match := opens.FindStringSubmatch(prompt)
	if match == nil {
		return llmtest.Text("NOT_IN_PASSAGES")
	}
	text := "The safe " + match[0] + " [1]."
	if strings.Contains(prompt, "slowly") {
		return llmtest.Reply{Pieces: strings.SplitAfter(text+" And the safe", " "), Fault: llmtest.Stall}
	}
	return llmtest.Text(text)
}

// flow is a response that is read while it comes; a failure ends it.
type flow struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ended chan struct{} // closed when no more comes
}

// follow sends a request in the background, and reads what comes.
func follow(req *http.Request) *flow {
	f := &flow{ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		res, err := browser.Do(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		b := make([]byte, 4096)
		for {
			n, err := res.Body.Read(b)
			f.mu.Lock()
			f.text.Write(b[:n])
			f.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return f
}

func (f *flow) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// endsBy reports whether no more comes after a time, for which it waits.
func (f *flow) endsBy(deadline time.Time) bool {
	late := time.After(time.Until(deadline))
	select {
	case <-f.ended:
		return true
	case <-late:
	}
	select {
	case <-f.ended: // both were ready
		return true
	default:
		return false
	}
}

// until waits for something that must come to be, a minute at most.
func (s *site) until(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not come to be", what)
		}
	}
}

// shows reports whether a response holds the word of the document, as far as it
// comes within some seconds.
func (th *things) shows(method, request string, header []string) bool {
	th.t.Helper()
	ctx, cancel := context.WithTimeout(th.t.Context(), 10*time.Second)
	defer cancel()
	f := follow(th.request(ctx, method, request, header...))
	for {
		select {
		case <-f.ended:
			return strings.Contains(f.String(), th.word)
		case <-time.After(10 * time.Millisecond):
			if strings.Contains(f.String(), th.word) {
				return true
			}
		}
	}
}

// look is one request of a sweep.
type look struct{ operation, request string }

func (l look) method() string { method, _, _ := strings.Cut(l.operation, " "); return method }

// looks returns the requests of all routes, what changes something last.
func (th *things) looks() (all []look) {
	th.t.Helper()
	for _, operation := range operations(th.t) {
		for _, request := range append([]string{requestFor(th.t, operation)}, carried[operation]...) {
			all = append(all, look{operation, th.fill(request)})
		}
	}
	all = append(all, look{"GET /", "/"}, look{"GET /", "/d/" + th.made["document"]},
		look{"POST /api/v1/search", `/api/v1/search {"query":"safe","mode":"lexical"}`},
		look{"POST /api/v1/search", `/api/v1/search {"query":"safe","mode":"dense"}`},
		look{"POST /api/v1/ask", `/api/v1/ask {"question":"What does the safe open with?","stream":true}`})
	for _, request := range called {
		all = append(all, look{"POST /mcp", th.fill(request)})
	}
	slices.SortStableFunc(all, func(a, b look) int { return b.rank() - a.rank() })
	return all
}

// rank is 2 for what only reads, 0 for what leaves less to be read.
func (l look) rank() int {
	switch {
	case l.method() == http.MethodGet || slices.Contains([]string{"POST /api/v1/search", "POST /api/v1/code/search", "POST /api/v1/ask", "POST /api/v1/access/explain", "POST /v1/chat/completions", "POST /mcp"}, l.operation):
		return 2
	case l.method() == http.MethodDelete || strings.HasSuffix(l.operation, "/logout"):
		return 0
	}
	return 1
}

// showing are the routes that show a reader what the document says.
var showing = []string{
	"GET /api/v1/conversations", "GET /api/v1/conversations/{id}", "GET /api/v1/documents/{id}", "GET /api/v1/messages/{id}",
	"GET /api/v1/messages/{id}/stream", "GET /api/v1/suggest", "POST /api/v1/ask", "POST /api/v1/code/search", "POST /api/v1/search", "POST /mcp",
	"POST /v1/chat/completions",
}

// tokensAlone reports whether sessions of browsers count for nothing in an operation.
func tokensAlone(operation string) bool {
	return strings.Contains(operation, " /v1/") || strings.HasSuffix(operation, " /mcp")
}

// forSessions returns the operations that sessions of browsers can use.
func forSessions(operations []string) []string {
	return slices.DeleteFunc(slices.Clone(operations), tokensAlone)
}

// TestA11_13_RevocationHoldsOnEveryRoute lets a person read a document by every route
// that shows it, and takes it from her in each of the ways that there are. Seconds
// later no route, no open stream, no answer that is waited for, and no old conversation
// shows a word of it.
func TestA11_13_RevocationHoldsOnEveryRoute(t *testing.T) {
	t.Parallel()
	model := llmtest.OpenAI(t, slowly)
	all := openSite(t, true, "CAIRN_LLM_URL="+model.URL, "CAIRN_LLM_MODEL=small-1", "CAIRN_LLM_API_KEY="+llmtest.Key)
	for _, cause := range causes {
		t.Run(cause.name, func(t *testing.T) {
			t.Parallel()
			s := all.with(t)
			th := s.things(s.person(cairn.RoleMember))
			token, secret := s.newToken(th.owner.Account, time.Hour, everyScope...)
			header := bearer(secret)
			if cause.session {
				header = s.session(th.owner.Account)
			}
			th.fill("$message")

			stream := follow(s.request(t.Context(), "POST", `/api/v1/ask {"question":"What does the safe open with, slowly?","stream":true}`, header...))
			s.until("a citation in the stream", func() bool { return strings.Contains(stream.String(), "event: citation") })
			th.made["running"] = startOf(t, stream)
			waiting := th.await(model, header)
			flows := map[*flow]string{stream: "the stream", waiting: "the answer that is waited for"}
			if !cause.session {
				tool := follow(s.request(t.Context(), "POST", `/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"What does the safe open with, slowly by a tool?"},"_meta":{"progressToken":"t"}}}`, header...))
				s.until("progress of the tool", func() bool { return strings.Contains(tool.String(), "notifications/progress") })
				flows[tool] = "the call of a tool"
			}

			looks, shown := th.looks(), []string{}
			for _, l := range looks {
				switch {
				case l.operation == "POST /mcp" && !cause.session: // each tool, once it has its turn
					th.until(l.request, func() bool { return th.shows(l.method(), l.request, header) })
					shown = append(shown, l.operation)
				case l.rank() == 2 && th.shows(l.method(), l.request, header):
					shown = append(shown, l.operation)
				}
			}
			slices.Sort(shown)
			want := showing
			if cause.session {
				want = forSessions(showing)
			}
			if got := slices.Compact(shown); !slices.Equal(got, want) {
				t.Fatalf("the document is shown by %q; want %q", got, want)
			}

			before := map[*flow]int{}
			for f := range flows {
				before[f] = len(f.String())
			}
			cause.lose(th, token, header)
			deadline := time.Now().Add(promise)
			for f, name := range flows {
				if !f.endsBy(deadline) {
					t.Errorf("%s goes on", name)
				}
				if rest := f.String()[before[f]:]; strings.Contains(rest, th.word) {
					t.Errorf("%s went on with %s", name, rest)
				}
			}
			th.sweep(looks, header, deadline)
		})
	}
}

// A stream goes on while more pushes than there are connections wait for one source that somebody
// holds: who reads is found out apart from work.
func TestStreamsGoOnWhilePushesWait(t *testing.T) {
	t.Parallel()
	model := llmtest.OpenAI(t, slowly)
	s := openSite(t, false, "CAIRN_LLM_URL="+model.URL, "CAIRN_LLM_MODEL=small-1", "CAIRN_LLM_API_KEY="+llmtest.Key)
	th := s.things(s.person(cairn.RoleMember))
	th.fill("$message")
	stream := follow(s.request(t.Context(), "POST", `/api/v1/ask {"question":"What does the safe open with, slowly?","stream":true}`, bearer(th.owner.token)...))
	s.until("a citation in the stream", func() bool { return strings.Contains(stream.String(), "event: citation") })
	other, writer := strings.ToLower(cairn.NewID()), s.person(cairn.RoleMember)
	s.must(s.admin, "POST", `/api/v1/sources {"name":"`+other+`","kind":"push","settings":{"writers":"`+writer.Email+`"}}`, nil)
	conn, err := pgx.Connect(t.Context(), s.database)
	s.check(err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	s.check(err)
	_, err = tx.Exec(t.Context(), `SELECT FROM sources WHERE name = $1 FOR UPDATE`, other)
	s.check(err)
	var pushes []*flow
	for i := range 24 {
		pushes = append(pushes, follow(s.request(t.Context(), "PUT", fmt.Sprintf(`/api/v1/sources/%s/documents?id=%d {"title":"T","text":"number %d"}`, other, i, i), bearer(writer.token)...)))
	}
	if stream.endsBy(time.Now().Add(2 * promise)) {
		t.Errorf("the stream ends: %s", stream)
	}
	s.check(tx.Rollback(t.Context()))
	for _, f := range pushes {
		if !f.endsBy(time.Now().Add(time.Minute)) || !strings.Contains(f.String(), "document_id") && !strings.Contains(f.String(), `"id"`) {
			t.Errorf("a push ends with %s", f)
		}
	}
}

// startOf returns the message of a stream.
func startOf(t *testing.T, stream *flow) string {
	t.Helper()
	_, data, _ := strings.Cut(stream.String(), "event: start\ndata: ")
	data, _, _ = strings.Cut(data, "\n")
	var start struct {
		Message string `json:"message_id"`
	}
	if err := json.Unmarshal([]byte(data), &start); err != nil {
		t.Fatal(err)
	}
	return start.Message
}

// await asks for a whole answer, which the model does not end, and returns when the
// model has the document.
func (th *things) await(model *llmtest.Endpoint, header []string) *flow {
	th.t.Helper()
	f := follow(th.request(th.t.Context(), "POST", `/api/v1/ask {"question":"What does the safe open with, slowly and whole?"}`, header...))
	th.until("the prompt", func() bool {
		return slices.ContainsFunc(model.Calls(), func(c llmtest.Call) bool {
			return strings.Contains(string(c.Body), th.word) && strings.Contains(string(c.Body), "slowly and whole")
		})
	})
	return f
}

// sweep sends what only reads, then what changes something: each until it does not
// show the document. After the deadline nothing may.
func (th *things) sweep(looks []look, header []string, deadline time.Time) {
	th.t.Helper()
	for _, part := range []int{2, 1, 0} {
		left := slices.DeleteFunc(slices.Clone(looks), func(l look) bool { return l.rank() != part })
		for late := false; len(left) > 0 && !late; {
			late = time.Now().After(deadline)
			left = slices.DeleteFunc(left, func(l look) bool { return !th.shows(l.method(), l.request, header) })
		}
		for _, l := range left {
			th.t.Errorf("%s shows the document: %s", l.operation, l.request)
		}
	}
}

// heldBack is a request whose body has come but for its last byte.
type heldBack struct {
	reply chan response
	last  io.WriteCloser
}

// holdBack sends a request with a token of its own, and returns when its sender is
// known to the server.
func (th *things) holdBack(method, request string, who cairn.Account) heldBack {
	th.t.Helper()
	read, write := io.Pipe()
	id, secret := th.newToken(who, time.Hour, everyScope...)
	req := th.request(th.t.Context(), method, request, bearer(secret)...)
	_, body, _ := strings.Cut(request, " ")
	req.Body, req.ContentLength = read, int64(len(body))
	h := heldBack{make(chan response, 1), write}
	go func() {
		res, err := browser.Do(req)
		if err != nil {
			h.reply <- response{body: err.Error()}
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		h.reply <- response{res.StatusCode, res.Header, string(b)}
	}()
	_, err := io.WriteString(write, body[:len(body)-1])
	th.check(err)
	th.until("the sender", func() bool {
		all, _, err := th.db.ListTokens(th.t.Context(), who.ID, api.Page{Limit: 100})
		th.check(err)
		return slices.ContainsFunc(all, func(t cairn.Token) bool { return t.ID == id && !t.LastUsed.IsZero() })
	})
	return h
}

func (h heldBack) end() response {
	_, _ = io.WriteString(h.last, "}")
	_ = h.last.Close()
	return <-h.reply
}

// A request that was begun before a permission was taken away, and is ended after
// that, gets and does nothing.
func TestA11_13_HeldBackRequestsGetNothing(t *testing.T) {
	t.Parallel()
	s := openSite(t, true)
	th := s.things(s.person(cairn.RoleMember))
	th.push(th.fill("$source"), "")
	root := s.person(cairn.RoleAdmin)
	member := map[string]heldBack{}
	for _, operation := range []string{"POST /api/v1/search", "POST /api/v1/ask"} {
		member[operation] = th.holdBack("POST", th.fill(requests[operation]), th.owner.Account)
	}
	admin := map[string]heldBack{}
	for _, operation := range []string{"POST /api/v1/tokens", "POST /api/v1/users", "POST /api/v1/groups", "POST /scim/v2/Users"} {
		admin[operation] = th.holdBack("POST", th.fill(requests[operation]), root.Account)
	}
	known := time.Now()
	s.must(s.admin, "DELETE", "/scim/v2/Groups/"+th.group, nil)
	s.must(s.admin, "PATCH", "/api/v1/users/"+string(root.ID)+` {"disabled":true}`, nil)
	time.Sleep(time.Until(known.Add(1200 * time.Millisecond))) // what comes sooner is as if it had come before
	for operation, h := range member {
		if got := h.end(); got.status != http.StatusConflict || strings.Contains(got.body, th.word) {
			t.Errorf("%s: %d %s", operation, got.status, got.body)
		}
	}
	for operation, h := range admin {
		if got := h.end(); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", operation, got.status, got.body)
		}
	}
}

// A batch that is being stored when the token of its sender is revoked stores nothing
// five seconds later: here it waits for the source, which somebody else holds.
func TestA11_13_BatchesStoreNothingAfterALoss(t *testing.T) {
	t.Parallel()
	s := openSite(t, true)
	th := s.things(s.person(cairn.RoleMember))
	source := th.fill("$source")
	token, secret := s.newToken(th.owner.Account, time.Hour, cairn.ScopeWrite)
	conn, err := pgx.Connect(t.Context(), s.database)
	s.check(err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	tx, err := conn.Begin(t.Context())
	s.check(err)
	_, err = tx.Exec(t.Context(), `SELECT FROM sources WHERE name = $1 FOR UPDATE`, source)
	s.check(err)

	var lines []string
	for i := range 400 {
		lines = append(lines, fmt.Sprintf(`{"id":"%d","title":"T","text":"The safe opens with number %[1]d."}`, i))
	}
	batch := follow(s.request(t.Context(), "POST", "/api/v1/sources/"+source+"/documents/batch "+strings.Join(lines, "\n"), bearer(secret)...))
	count := func(query string) (n int) {
		s.check(tx.QueryRow(t.Context(), query).Scan(&n))
		return n
	}
	s.until("the batch at the lock", func() bool {
		return count(`SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`) > 0
	})
	s.must(s.admin, "DELETE", "/api/v1/tokens/"+token, nil)
	if !batch.endsBy(time.Now().Add(promise)) || !strings.Contains(batch.String(), "unauthenticated") {
		t.Errorf("the batch goes on, with %q", batch)
	}
	s.check(tx.Rollback(t.Context()))
	time.Sleep(500 * time.Millisecond)
	var stored int
	s.check(conn.QueryRow(t.Context(), `SELECT count(*) FROM documents`).Scan(&stored))
	if stored != 0 {
		t.Errorf("%d documents were stored", stored)
	}
}
