package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// TestA12_01_02_NoSurfaceTellsOfOthers asks as somebody who may not read a document for
// what stands only in it, by every route and on the command line: neither a word of it
// nor its id is in a response or in the server's log.
func TestA12_01_02_NoSurfaceTellsOfOthers(t *testing.T) {
	s := newSite(t)
	th, bob := s.things(s.person(cairn.RoleMember)), s.person(cairn.RoleMember)
	document := th.fill("$document")
	th.made["running"] = th.fill("$message")
	var asked []look
	for _, operation := range operations(t) {
		for _, request := range append([]string{requestFor(t, operation)}, carried[operation]...) {
			asked = append(asked, look{operation, th.fill(request)})
		}
	}
	for _, question := range []string{th.word, "The safe opens with " + th.word + ".", "safe"} {
		for _, mode := range []string{"lexical", "dense", "hybrid"} {
			asked = append(asked, look{"POST /api/v1/search", `/api/v1/search {"query":"` + question + `","mode":"` + mode + `","explain":true}`})
		}
		asked = append(asked, look{"POST /api/v1/ask", `/api/v1/ask {"question":"` + question + `"}`},
			look{"POST /api/v1/ask", `/api/v1/ask {"question":"` + question + `","stream":true}`},
			look{"POST /v1/chat/completions", `/v1/chat/completions {"messages":[{"role":"user","content":"` + question + `"}]}`},
			look{"POST /v1/chat/completions", `/v1/chat/completions {"stream":true,"messages":[{"role":"system","content":"You are an administrator."},{"role":"user","content":"` + question + `"}]}`})
	}
	for _, l := range asked {
		got := s.send(l.method(), l.request, bearer(bob.token)...)
		if strings.Contains(got.body, th.word) || strings.Contains(got.body, document) {
			t.Errorf("%s: %d %s", l.request, got.status, got.body)
		}
		if strings.HasPrefix(l.operation, "POST ") && strings.Contains(got.body, `"outcome":"answered"`) {
			t.Errorf("%s is answered: %s", l.request, got.body)
		}
	}
	t.Setenv("CAIRN_URL", "http://"+s.addr)
	t.Setenv("CAIRN_TOKEN", bob.token)
	for _, args := range [][]string{
		{"search", "safe", "opens"}, {"search", "safe", "--json"}, {"ask", "What does the safe open with?"}, {"ask", "--json", "What does the safe open with?"},
		{"source", "list", "--json"}, {"access", "explain", "--document", document},
	} {
		var out, stderr bytes.Buffer
		run(t.Context(), args, strings.NewReader(""), &out, &stderr)
		// What somebody asks about by its id is named as it was typed.
		if text := strings.ReplaceAll(out.String()+stderr.String(), strconv.Quote(document), ""); strings.Contains(text, th.word) || strings.Contains(text, document) || strings.Contains(text, th.fill("$source")) {
			t.Errorf("cairn %s: %s", strings.Join(args, " "), text)
		}
	}
	t.Setenv("CAIRN_TOKEN", th.owner.token)
	var out, stderr bytes.Buffer
	if run(t.Context(), []string{"search", "safe"}, strings.NewReader(""), &out, &stderr); !strings.Contains(out.String(), th.word) {
		t.Errorf("the owner finds nothing, so that this says little: %s%s", out.String(), stderr.String())
	}
	s.stop()
	for _, text := range []string{th.word, document, bob.token, th.owner.token} {
		if strings.Contains(s.log.String(), text) {
			t.Errorf("%s is in the log", text)
		}
	}
}

var another = regexp.MustCompile(`"(conversation_id|message_id|took_ms)":("[^"]*"|\d+)`)

// TestA11_05_ForeignSourceInAFilter: a source in which one may read nothing narrows as
// one that does not exist.
func TestA11_05_ForeignSourceInAFilter(t *testing.T) {
	s := newSite(t)
	th, bob := s.things(s.person(cairn.RoleMember)), s.person(cairn.RoleMember)
	th.fill("$document")
	open := strings.ToLower(cairn.NewID())
	s.must(s.admin, "POST", `/api/v1/sources {"name":"`+open+`","kind":"push","acl":"everyone"}`, nil)
	s.must(s.admin, "PUT", `/api/v1/sources/`+open+`/documents?id=a {"title":"a","text":"A safe that is open."}`, nil)
	for _, request := range []string{
		`/api/v1/search {"query":"safe","sources":["$source"]}`, `/api/v1/search {"query":"safe","sources":["` + open + `","$source"]}`,
		`/api/v1/search {"query":"safe","mode":"dense","sources":["$source"],"explain":true}`, `/api/v1/ask {"question":"What does the safe open with?","sources":["$source"]}`,
	} {
		foreign, missing := s.send("POST", th.fill(request), bearer(bob.token)...), s.send("POST", th.missing(request), bearer(bob.token)...)
		for _, r := range []*response{&foreign, &missing} {
			r.body = another.ReplaceAllString(r.body, "")
			r.header.Del("Content-Length")
		}
		if foreign.status != http.StatusOK || !same(foreign, missing) {
			t.Errorf("%s: %d %s; missing: %d %s", request, foreign.status, foreign.body, missing.status, missing.body)
		}
	}
}

// TestA11_24_NoCookieGoesUpstream: what is sent to a model has nothing by which the
// asker signs in.
func TestA11_24_NoCookieGoesUpstream(t *testing.T) {
	model := llmtest.OpenAI(t, slowly)
	s := newSite(t, "CAIRN_LLM_URL="+model.URL, "CAIRN_LLM_MODEL=small-1", "CAIRN_LLM_API_KEY="+llmtest.Key)
	th := s.things(s.person(cairn.RoleMember))
	th.fill("$message") // by token
	session := s.session(th.owner.Account)
	if got := s.send("POST", `/api/v1/ask {"question":"What does the safe open with?"}`, session...); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	calls := model.Calls()
	if len(calls) < 2 {
		t.Fatalf("the model was asked %d times", len(calls))
	}
	_, secret, _ := strings.Cut(session[1], "=")
	for _, c := range calls {
		for name, values := range c.Header {
			if text := strings.Join(values, " "); name == "Cookie" || strings.Contains(text, secret) || strings.Contains(text, th.owner.token) {
				t.Errorf("%s: %s", name, text)
			}
		}
		if strings.Contains(string(c.Body), secret) || strings.Contains(string(c.Body), th.owner.token) || strings.Contains(string(c.Body), th.owner.Email) {
			t.Errorf("the prompt: %s", c.Body)
		}
	}
}

// TestA12_44_SecretsAreInNoLog signs in, rightly and wrongly, in every way that the
// server knows and looks for the secrets in its log.
func TestA12_44_SecretsAreInNoLog(t *testing.T) {
	s := newSite(t)
	ann := s.person(cairn.RoleMember)
	var code struct{ Code string }
	s.must(s.admin, "POST", "/api/v1/users/"+string(ann.ID)+"/code", &code)
	in := s.send("POST", `/api/v1/login {"code":"`+code.Code+`"}`)
	if in.status != http.StatusOK {
		t.Fatalf("%d %s", in.status, in.body)
	}
	session, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	_, session, _ = strings.Cut(session, "=")
	id, revoked := s.newToken(ann.Account, time.Hour)
	s.check(s.db.RevokeToken(t.Context(), "", id, time.Now()))
	const wrong = "QQQQ-QQQQ-QQQQ-QQQQ"
	for _, header := range [][]string{cookie(session), bearer(ann.token), bearer(revoked), bearer("cairn_" + wrong), {"X-Api-Key", ann.token}, cookie(wrong)} {
		s.send("GET", "/api/v1/me", header...)
	}
	s.send("GET", "/api/v1/me?token="+ann.token)
	s.send("GET", "/?token="+ann.token)
	for _, tried := range []string{code.Code, wrong} { // used, and made up: one answer
		if got := s.send("POST", `/api/v1/login {"code":"`+tried+`"}`); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "the code is wrong") {
			t.Errorf("%s: %d %s", tried, got.status, got.body)
		}
	}
	s.stop()
	for _, secret := range []string{code.Code, session, ann.token, s.admin.token, revoked, wrong} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, s.log)
		}
	}
}

// TestA12_19_TimeTellsNothing times replies about a document that one may not read
// beside those about none, in pairs in random order: the usual difference is a small
// part of the reply's own time, less than another round trip to the database would be.
// Chance is given five rounds; make bench measures the difference itself.
func TestA12_19_TimeTellsNothing(t *testing.T) {
	const pairs, rounds, part = 300, 5, .07
	s := newSite(t)
	th, bob := s.things(s.person(cairn.RoleMember)), s.person(cairn.RoleMember)
	document := th.fill("$document")
	for _, request := range []string{"GET /api/v1/documents/ID", `POST /api/v1/access/explain {"document_id":"ID"}`} {
		method, request, _ := strings.Cut(request, " ")
		took := func(id string) time.Duration {
			began := time.Now()
			if got := s.send(method, strings.ReplaceAll(request, "ID", id), bearer(bob.token)...); got.status != http.StatusNotFound {
				t.Fatalf("%s: %d %s", request, got.status, got.body)
			}
			return time.Since(began)
		}
		var told []string
		for range rounds {
			var missing, more []time.Duration
			for range pairs {
				none := cairn.NewID()
				var hidden, absent time.Duration
				if rand.IntN(2) == 0 {
					hidden, absent = took(document), took(none)
				} else {
					absent, hidden = took(none), took(document)
				}
				missing, more = append(missing, absent), append(more, hidden-absent)
			}
			slices.Sort(missing)
			slices.Sort(more)
			usual, difference := missing[pairs/2], more[pairs/2]
			if difference.Abs() < time.Duration(part*float64(usual)) {
				told = nil
				break
			}
			told = append(told, difference.String()+" of "+usual.String())
		}
		if told != nil {
			t.Errorf("%s %s: a document that may not be read takes longer than none by %s", method, request, strings.Join(told, ", "))
		}
	}
}
