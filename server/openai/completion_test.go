package openai

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/auth"
)

const theWhole = "Zürich pays 40 EUR. ([Travel 1](https://wiki.acme.test/1)) Oslo pays 50 EUR. ([Travel 1](https://wiki.acme.test/1)) ([Travel 2](https://wiki.acme.test/2))"

func TestCompletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "Zürich pays 40 EUR.", "++ Oslo pays 50 EUR.")
	w.ask.events = done(w.ask.events, func(a *cairn.Answer) {
		a.Usage = cairn.Usage{InputTokens: 9, CachedTokens: 4, OutputTokens: 2, CostUSD: 1}
		a.Notices = []cairn.Notice{{Code: "superseded", Message: "older"}}
	})
	c, message := w.chat(`,"temperature":0.1,"seed":3,"user":"ann","n":1,"tools":[],"response_format":{"type": "text"},"stop":null,"store":true`).completed(t)
	if c.ID != "chatcmpl-m1" || c.Object != "chat.completion" || c.Created != 1764500000 || c.Model != "extractive" || *c.Choices[0].Finish != "stop" {
		t.Errorf("%+v", c)
	}
	if message.Role != "assistant" || message.Content != theWhole {
		t.Errorf("%+v", message)
	}
	var found []string
	for _, a := range message.Annotations {
		r := []rune(message.Content)
		found = append(found, string(r[a.Citation.Start:a.Citation.End])+" for "+string(r[a.Cairn.SentenceStart:a.Cairn.SentenceEnd])+" is "+a.Citation.Title+" "+a.Citation.URL+" "+a.Cairn.Quote)
	}
	want := []string{
		"([Travel 1](https://wiki.acme.test/1)) for Zürich pays 40 EUR. is Travel 1 https://wiki.acme.test/1 quote",
		"([Travel 1](https://wiki.acme.test/1)) for Oslo pays 50 EUR. is Travel 1 https://wiki.acme.test/1 quote",
		"([Travel 2](https://wiki.acme.test/2)) for Oslo pays 50 EUR. is Travel 2 https://wiki.acme.test/2 quote",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	u := map[string]any{"prompt_tokens": 9.0, "completion_tokens": 2.0, "total_tokens": 11.0, "prompt_tokens_details": map[string]any{"cached_tokens": 4.0}}
	if diff := cmp.Diff(u, c.Usage); diff != "" {
		t.Error(diff)
	}
	if c.Cairn.Outcome != "answered" || len(c.Cairn.Notices) != 1 {
		t.Errorf("%+v", c.Cairn)
	}
	if all, stopped := w.ask.all(); len(all) != 1 || all[0] != "m1" || stopped != 0 {
		t.Errorf("forgotten %v, stopped %d", all, stopped)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "Zürich pays 40 EUR.", "++ Oslo pays 50 EUR.")
	_, message := w.chat("").completed(t)
	all := w.chat(`,"stream":true,"stream_options":{"include_usage":true}`).chunks(t)
	text, annotations, finish := joined(all)
	for i, a := range annotations {
		if a.Index == nil || *a.Index != i {
			t.Errorf("annotation %d has the index %v", i, a.Index)
		}
		annotations[i].Index = nil
	}
	if diff := cmp.Diff(message.Annotations, annotations); text != theWhole || finish != "stop" || diff != "" {
		t.Errorf("%q %q %s", text, finish, diff)
	}
	first, last := all[0], all[len(all)-1]
	if d := first.Choices[0].Delta; d.Role != "assistant" || *d.Content != "" || first.Usage != nil {
		t.Errorf("%+v", first)
	}
	if u, ok := last.Usage.(map[string]any); len(last.Choices) != 0 || !ok || u["total_tokens"] == 0.0 {
		t.Errorf("%+v", last)
	}
	for _, c := range w.chat(`,"stream":true`).chunks(t) {
		if len(c.Choices) != 1 || c.ID != "chatcmpl-m1" || c.Object != "chat.completion.chunk" {
			t.Errorf("%+v", c)
		}
	}
	if all, _ := w.ask.all(); len(all) != 3 {
		t.Errorf("forgotten %v", all)
	}
}

// A sentence is with the reader before the next one is there.
func TestStreamComesAsItIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.", " Two.")
	w.ask.hold = make(chan struct{}, 4)
	for range 4 { // start, passages, delta, citation
		w.ask.hold <- struct{}{}
	}
	w.service.heartbeat = 300 * time.Millisecond
	res := w.open("POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"?"}],"stream":true}`)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	await := func(what string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), what) {
				return
			}
		}
		t.Fatalf("%q does not come: %v", what, lines.Err())
	}
	await(`One. ([Travel 1]`)
	await(`: still here`)
	close(w.ask.hold)
	await(` Two.`)
	await(`[DONE]`)
}

func TestMaxTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "Twelve chars.", " Twelve more.", " And twelve.")
	for more, want := range map[string]string{
		`,"max_tokens":3`:                               "",
		`,"max_tokens":4,"cairn":{}`:                    "Twelve chars.",
		`,"max_tokens":1,"max_completion_tokens":7`:     "Twelve chars. Twelve more.",
		`,"max_tokens":100`:                             "Twelve chars. Twelve more. And twelve.",
		`,"max_tokens":7,"stop":[" And"],"stream":true`: "Twelve chars. Twelve more.",
	} {
		w.ask.mu.Lock()
		w.ask.stopped = 0
		w.ask.mu.Unlock()
		var text, finish string
		if strings.Contains(more, "stream") {
			text, _, finish = joined(w.chat(more).chunks(t))
		} else {
			c, message := w.chat(more).completed(t)
			text, finish = message.Content, *c.Choices[0].Finish
		}
		wantFinish, wantStops := "length", 1
		switch {
		case strings.Contains(more, "100"):
			wantFinish, wantStops = "stop", 0
		case strings.Contains(more, "stop"):
			wantFinish, wantStops = "stop", 0 // it had ended by then
		case strings.Contains(more, "7"):
			wantStops = 0
		}
		text = ownLinks.ReplaceAllString(text, "")
		if _, stops := w.ask.all(); text != want || finish != wantFinish || stops != wantStops {
			t.Errorf("%s: %q %s, stopped %d times", more, text, finish, stops)
		}
	}
	if n := w.ask.last().MaxTokens; n == 0 {
		t.Error("the model is not told")
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(a *cairn.Answer)
		finish string
	}{
		"cut short":       {func(a *cairn.Answer) { a.Notices = []cairn.Notice{{Code: answer.NoticeTruncated}} }, "length"},
		"stopped":         {func(a *cairn.Answer) { a.State = cairn.MessageStopped }, "length"},
		"failed half-way": {func(a *cairn.Answer) { a.State = cairn.MessageFailed }, "length"},
		"blocked":         {func(a *cairn.Answer) { a.Outcome = cairn.OutcomeBlocked }, "content_filter"},
	} {
		w := newWorld(t, "One.")
		w.ask.events = done(w.ask.events, test.change)
		if c, _ := w.chat("").completed(t); *c.Choices[0].Finish != test.finish {
			t.Errorf("%s: %s", name, *c.Choices[0].Finish)
		}
		if _, _, finish := joined(w.chat(`,"stream":true`).chunks(t)); finish != test.finish {
			t.Errorf("%s, streamed: %s", name, finish)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(s *script)
		status int
		code   string
	}{
		"there is no answer":   {func(s *script) { s.events = done(events(), func(a *cairn.Answer) { a.State = cairn.MessageFailed }) }, 503, "unavailable"},
		"it was erased":        {func(s *script) { s.events, s.lost = s.events[:2], cairn.ErrNotFound }, 409, "conflict"},
		"nothing comes":        {func(s *script) { s.events = nil }, 503, "unavailable"},
		"no budget":            {func(s *script) { s.refuse = cairn.ErrBudget }, 429, "insufficient_quota"},
		"too many at once":     {func(s *script) { s.refuse = cairn.ErrRateLimited }, 429, "rate_limit_exceeded"},
		"something unforeseen": {func(s *script) { s.refuse = http.ErrBodyNotAllowed }, 500, ""},
	} {
		w := newWorld(t, "One.")
		test.change(w.ask)
		for _, more := range []string{"", `,"stream":true`} {
			got := w.chat(more)
			if f := got.failure(t); got.status != test.status || f.Code == nil && test.code != "" || f.Code != nil && *f.Code != test.code {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
			if again := got.header.Get("X-Should-Retry"); (again == "false") != (test.code == "insufficient_quota") {
				t.Errorf("%s: X-Should-Retry is %q", name, again)
			}
			if all, _ := w.ask.all(); test.status != 429 && test.status != 500 && len(all) == 0 {
				t.Errorf("%s: nothing is forgotten", name)
			}
		}
	}
}

// TestRevokedWhileItStreams takes the token away, and the whole right, while an answer comes.
func TestRevokedWhileItStreams(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *world){
		"the token is revoked": func(w *world) {
			for _, token := range w.store.AllTokens(w.ann.ID) {
				if err := w.store.RevokeToken(context.Background(), "", token.ID, time.Now()); err != nil {
					w.Error(err)
				}
			}
		},
		"her groups change": func(w *world) { w.store.Add(w.ann, "others") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "One.", " Secret.")
			w.service.recheck = 50 * time.Millisecond
			w.ask.hold = make(chan struct{}, 4)
			for range 4 {
				w.ask.hold <- struct{}{}
			}
			res := w.open("POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"?"}],"stream":true}`)
			defer res.Body.Close()
			lines := bufio.NewScanner(res.Body)
			var rest strings.Builder
			for lines.Scan() {
				rest.WriteString(lines.Text())
				if strings.Contains(lines.Text(), "One.") {
					lose(w)
					time.AfterFunc(300*time.Millisecond, func() { close(w.ask.hold) })
				}
			}
			if got := rest.String(); !strings.Contains(got, "One.") || strings.Contains(got, "Secret") || strings.Contains(got, "[DONE]") || !strings.Contains(got, `data: {"error":{"message":`) {
				t.Errorf("%s", got)
			}
			w.wait("the question is forgotten", func() bool { all, _ := w.ask.all(); return len(all) == 1 })
		})
	}
}

// A whole answer that is waited for goes to nobody whose token was revoked meanwhile.
func TestRevokedWhileItWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "Secret.")
	w.service.recheck = 50 * time.Millisecond
	w.ask.hold = make(chan struct{})
	time.AfterFunc(200*time.Millisecond, func() {
		for _, token := range w.store.AllTokens(w.ann.ID) {
			_ = w.store.RevokeToken(context.Background(), "", token.ID, time.Now())
		}
	})
	got := w.chat("")
	if f := got.failure(t); got.status != http.StatusUnauthorized || *f.Code != "invalid_api_key" || strings.Contains(got.body, "Secret") {
		t.Errorf("%d %s", got.status, got.body)
	}
	// Who may see something else by now is asked for again, and gets what she may see.
	w = newWorld(t, "Public.")
	w.service.recheck = 50 * time.Millisecond
	w.ask.hold = make(chan struct{})
	time.AfterFunc(100*time.Millisecond, func() { w.store.Add(w.ann, "others") })
	time.AfterFunc(400*time.Millisecond, func() { close(w.ask.hold) })
	if _, message := w.chat("").completed(t); !strings.HasPrefix(message.Content, "Public.") || strings.Count(message.Content, "Public.") != 1 {
		t.Errorf("%s", message.Content)
	}
}

func TestWhoGoesIsForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.", " Two.")
	w.ask.hold = make(chan struct{}, 4)
	for range 4 {
		w.ask.hold <- struct{}{}
	}
	res := w.open("POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"?"}],"stream":true}`)
	if _, err := res.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	w.wait("the question is forgotten", func() bool { all, _ := w.ask.all(); return len(all) == 1 })
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.", " Two.")
	w.ask.hold = make(chan struct{}, 4)
	for range 4 {
		w.ask.hold <- struct{}{}
	}
	res := w.open("POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"?"}],"stream":true}`)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	var last string
	for lines.Scan() {
		if strings.Contains(lines.Text(), "One.") {
			go func() { _ = w.server.Shutdown(context.Background()) }()
		}
		if lines.Text() != "" {
			last = lines.Text()
		}
	}
	if !strings.HasPrefix(last, `data: {"error":{"message":"The server is stopping.`) {
		t.Errorf("%s", last)
	}
	if got := w.chat(""); got.status != http.StatusServiceUnavailable || *got.failure(t).Code != "unavailable" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func (w *world) wait(what string, until func() bool) {
	w.Helper()
	for end := time.Now().Add(10 * time.Second); !until(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("it does not come to this: %s", what)
		}
	}
}

func TestA12_39_WhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.")
	secret := "the-secret-of-a-session-of-a-browser"
	if err := w.store.CreateSession(t.Context(), auth.HashOf(secret), auth.Session{Account: w.ann.ID, Created: time.Now(), Expires: time.Now().Add(time.Hour), Used: time.Now()}); err != nil {
		t.Fatal(err)
	}
	search := w.store.Token(w.ann.ID, time.Now(), cairn.ScopeSearch)
	for name, test := range map[string]struct {
		header []string
		status int
		code   string
	}{
		"nobody":                     {[]string{"Authorization", ""}, 401, "invalid_api_key"},
		"a made-up token":            {[]string{"Authorization", "Bearer cairn_x"}, 401, "invalid_api_key"},
		"another scope":              {[]string{"Authorization", "Bearer " + search}, 403, "insufficient_permissions"},
		"a session":                  {[]string{"Authorization", "", "Cookie", "cairn_session=" + secret}, 401, "invalid_api_key"},
		"a page of another site":     {[]string{"Authorization", "", "Cookie", "cairn_session=" + secret, "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, 403, "insufficient_permissions"},
		"its session with a token":   {[]string{"Cookie", "cairn_session=" + secret}, 200, ""},
		"a body that is no document": {[]string{"Content-Type", "text/plain"}, 400, ""},
	} {
		got := w.send("POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"?"}]}`, test.header...)
		if got.status != test.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if got.status != 200 {
			if f := got.failure(t); test.code != "" && *f.Code != test.code {
				t.Errorf("%s: %s", name, got.body)
			}
		}
	}
}
