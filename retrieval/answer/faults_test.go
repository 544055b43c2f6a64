package answer_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// providers has a fake of each provider's endpoint.
var providers = map[string]func(testing.TB, func(llmtest.Call) llmtest.Reply) *llmtest.Endpoint{
	langchain.OpenAI: llmtest.OpenAI, langchain.Anthropic: llmtest.Anthropic,
}

// impatient limits make a stalled model fail at once.
func impatient() reliable.Config {
	return reliable.Config{FirstToken: 400 * time.Millisecond, Idle: 400 * time.Millisecond, Total: 10 * time.Second, Backoff: time.Millisecond}
}

// remote returns the model of a fake endpoint through the chain that serves.
func remote(t testing.TB, provider string, e *llmtest.Endpoint) llm.LLM {
	t.Helper()
	model, err := langchain.NewLLM(langchain.Config{
		Provider: provider, URL: e.URL, Model: "small-1", Name: "Small", APIKey: llmtest.Key, HTTPClient: &http.Client{}, Limits: impatient(),
	})
	check(t, err)
	return model
}

// want is what must be stored; an empty text means the extractive answer.
type want struct {
	state   cairn.MessageState
	outcome cairn.Outcome
	text    string
	notices []string
	model   string
	calls   int // of the model
}

var (
	usage  = cairn.Usage{InputTokens: 1200, CachedTokens: 800, OutputTokens: 34}
	whole  = want{cairn.MessageComplete, cairn.OutcomeAnswered, oslo + " " + lisbon, nil, "Small", 1}
	broken = want{cairn.MessageFailed, cairn.OutcomePartial, oslo, []string{answer.NoticeInterrupted}, "Small", 1}
	short  = want{cairn.MessageComplete, cairn.OutcomePartial, oslo, []string{answer.NoticeTruncated}, "Small", 1}
	absent = want{cairn.MessageComplete, cairn.OutcomeAnswered, "", []string{answer.NoticeModelUnavailable}, cairn.ExtractiveModel, 1}
	untrue = want{cairn.MessageComplete, cairn.OutcomeAnswered, "", []string{answer.NoticeUnsupported}, cairn.ExtractiveModel, 1}
)

// calls returns w for a model that is called n times.
func (w want) after(n int) want { w.calls = n; return w }

// faults is what can go wrong with a model, with what becomes of the answer.
func faults() map[string]struct {
	replies []llmtest.Reply
	want    want
} {
	said := []string{sayOslo, "The hotel limit in Lisbon", " is 140"}
	begun := []string{"The hotel", " limit"}
	good := llmtest.Text(sayOslo + sayLisbon)
	good.Usage = &usage
	thinking, atOnce := good, good
	thinking.Thinking, atOnce.Whole = []string{"Let me ", "see."}, true
	fault := func(f llmtest.Fault, pieces ...string) []llmtest.Reply {
		return []llmtest.Reply{{Pieces: pieces, Fault: f}}
	}
	type row = struct {
		replies []llmtest.Reply
		want    want
	}
	rows := map[string]row{
		"none":               {[]llmtest.Reply{good}, whole},
		"thinks":             {[]llmtest.Reply{thinking}, whole},
		"one JSON object":    {[]llmtest.Reply{atOnce}, whole},
		"429 once":           {[]llmtest.Reply{{Fault: llmtest.RateLimited, RetryAfter: "0"}, good}, whole.after(2)},
		"500 once":           {[]llmtest.Reply{{Fault: llmtest.Failed}, good}, whole.after(2)},
		"refused":            {fault(llmtest.Refused), absent},
		"says nothing":       {fault(llmtest.None), absent},
		"lies":               {fault(llmtest.None, "The hotel limit in Oslo is 950 EUR a night [1]."), untrue},
		"finds nothing":      {fault(llmtest.None, "NOT_IN_", "PASSAGES"), want{cairn.MessageComplete, cairn.OutcomeNotFound, "I found nothing in the documents you can read that answers this.", nil, "Small", 1}},
		"length":             {[]llmtest.Reply{{Pieces: said, Stop: llm.StopLength}}, short},
		"filter":             {[]llmtest.Reply{{Pieces: said, Stop: llm.StopFilter}}, short},
		"asked to wait long": {[]llmtest.Reply{{Fault: llmtest.RateLimited, RetryAfter: "3600"}}, absent},
	}
	for _, f := range []llmtest.Fault{llmtest.Cut, llmtest.Truncated, llmtest.ErrorEvent, llmtest.Stall} {
		rows[f.String()+" after a sentence"] = row{fault(f, said...), broken}
		rows[f.String()+" in the first sentence"] = row{fault(f, begun...), absent}
		rows[f.String()+" before any text"] = row{fault(f), absent.after(3)}
	}
	rows["stall before any text"] = row{fault(llmtest.Stall), absent} // the person has waited enough
	for _, f := range []llmtest.Fault{llmtest.RateLimited, llmtest.Failed, llmtest.Overloaded} {
		rows[f.String()] = row{fault(f), absent.after(3)}
	}
	return rows
}

// TestEveryFaultOfEveryProvider asks through the whole chain and looks at what
// is stored: an answer or a clear notice, and nothing complete that is not.
func TestEveryFaultOfEveryProvider(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	extractive := o.ask(o.asker(nil), answer.Ask{Question: askOslo}).Answer
	if !strings.Contains(extractive.Text, oslo) || extractive.Model != cairn.ExtractiveModel {
		t.Fatalf("the extractive answer: %+v", extractive)
	}
	for provider, endpoint := range providers {
		for name, row := range faults() {
			t.Run(provider+"/"+name, func(t *testing.T) {
				t.Parallel()
				o := *o
				o.t, o.ann = t, o.person(cairn.NewID()) // nobody asks too much at once
				e := endpoint(t, llmtest.Replies(row.replies...))
				got := o.ask(o.asker(nil, remote(t, provider, e)), answer.Ask{Question: askOslo}).Answer
				w := row.want
				if w.text == "" {
					w.text = extractive.Text
				}
				calls := len(e.Calls())
				if diff := cmp.Diff(w, want{got.State, got.Outcome, got.Text, append([]string(nil), got.codes()...), got.Model, calls}, cmp.AllowUnexported(want{})); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
				if counted := got.Usage == usage; counted != (w.text == whole.text) {
					t.Errorf("usage: %+v", got.Usage)
				}
				for _, n := range got.Notices {
					if n.Message == "" || strings.Contains(n.Message, llmtest.Key) || strings.Contains(n.Message, e.URL) {
						t.Errorf("notice %+v", n)
					}
				}
				e.WaitIdle(t)
			})
		}
	}
}

// TestEverySplitGivesTheSameAnswer cuts one reply everywhere: in two, and at random.
func TestEverySplitGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.put("travel", travel)
	text := "**Limits** für Hotels:\n\n- Oslo: the hotel limit is 180 EUR a night [1].\n- " + lisbon + " [1][7]\n\n" +
		"See [the page](https://evil.test/x?y=1) <b>now</b>. It is 950 EUR in Rome【1】."
	random := rand.New(rand.NewPCG(1, 2))
	cuts := [][]int{nil}
	for at := 1; at < len(text); at++ {
		cuts = append(cuts, []int{at})
	}
	for range 60 {
		var at []int
		for range 1 + random.IntN(40) {
			at = append(at, random.IntN(len(text)))
		}
		slices.Sort(at)
		cuts = append(cuts, at)
	}
	ask := func(a *answer.Asker, who person, what string, first *answerReply) {
		started := o.start(a, answer.Ask{Question: askOslo, Viewer: who.Viewer})
		for _, err := range a.Events(t.Context(), who.Viewer, started.Message, 0) {
			check(t, err)
		}
		var m messageReply
		s := o.site(a)
		s.call(who, "GET", "/messages/"+started.Message, "", &m)
		m.Answer.Conversation, m.Answer.Message, m.Answer.Usage = "", "", cairn.Usage{}
		if first.Text == "" {
			s.checkCitations(who, m.Answer)
			*first = m.Answer
		}
		if diff := cmp.Diff(*first, m.Answer); diff != "" {
			t.Errorf("%s (-uncut +cut):\n%s", what, diff)
		}
	}
	var uncut answerReply
	a := o.asker(nil, llmtest.NewScript(llmtest.Reply{Pieces: []string{text}}))
	ask(a, o.ann, "uncut", &uncut)
	if uncut.Model != "script" || uncut.State != cairn.MessageComplete || len(uncut.Citations) < 2 {
		t.Fatalf("uncut: %+v", uncut)
	}
	passages, err := o.retriever.Passages(t.Context(), cairn.Query{Viewer: o.ann.Viewer, Text: askOslo, Limit: 20}, 24_000)
	check(t, err)
	for i, at := range cuts {
		what, model := fmt.Sprint("cut at ", at), llmtest.NewScript(llmtest.Reply{Pieces: llmtest.Cuts(text, at...)})
		if i%10 == 0 {
			ask(o.asker(nil, model), o.ann, what, &uncut)
			continue
		}
		for e, err := range answer.New(answer.Config{LLM: model, Embedder: o.embedder}).Answer(t.Context(), answer.Question{Text: askOslo}, passages) {
			check(t, err)
			if e.Type == answer.EventDone && (e.Answer.Text != uncut.Text || !slices.Equal(e.Answer.Sentences, uncut.Sentences) || len(e.Answer.Citations) != len(uncut.Citations)) {
				t.Errorf("%s: %+v, want %+v", what, e.Answer, uncut)
			}
		}
	}
	for provider, endpoint := range providers { // the wire may be cut anywhere, too
		for _, n := range []int{0, 1, 2, 7, 64} {
			e := endpoint(t, llmtest.Replies(llmtest.Reply{Pieces: strings.SplitAfter(text, " ")}))
			e.Slice(n)
			if n%2 == 1 {
				e.CRLF()
			}
			model := remote(t, provider, e)
			a := o.asker(func(c *answer.AskerConfig) { c.Answers["script"], c.Default = o.answerers(model)["Small"], "script" })
			got := uncut
			got.Model = "Small"
			ask(a, o.ann, fmt.Sprintf("%s in slices of %d", provider, n), &got)
		}
	}
}
