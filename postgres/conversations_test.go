package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	leave := f.document(s, "leave.md", "Leave", "Twenty days.", anns)
	// Of another ACL class than the evidence, and of one that Ann is not in.
	near := f.document(s, "near.md", "Near", "Lyon is near.", cairn.Allow(cairn.AccountKey(ann.Account), cairn.Everyone))
	far := f.document(s, "far.md", "Far", "Paris is far.", cairn.ACL{})
	c := f.conversation(ann, "How many days?")
	first := f.message(asked{conversation: c, question: "How many days?", answer: "Twenty.", documents: []cairn.DocumentID{leave}})
	second := f.message(asked{conversation: c, parent: first, question: "And in Lyon?", answer: "Nothing found.", nearest: []cairn.DocumentID{far, near}})

	got, messages, err := f.Conversation(ctx, ann, c)
	f.check(err)
	if got.ID != c || got.Account != ann.Account || got.Title != "How many days?" {
		t.Errorf("conversation: %+v", got)
	}
	version := cairn.VersionOf([]byte("Twenty days."))
	answer := cairn.Answer{
		Conversation: c, State: cairn.MessageComplete, Outcome: cairn.OutcomeAnswered, Model: "extractive",
		Usage: cairn.Usage{InputTokens: 7}, Notices: []cairn.Notice{{Code: "model_unavailable", Message: "No model answered."}},
		Took: 2 * time.Second,
	}
	want := []cairn.Message{
		{ID: first, Conversation: c, Question: "How many days?", Answer: answer},
		{ID: second, Conversation: c, Parent: first, Question: "And in Lyon?", Answer: answer},
	}
	want[0].Answer.Evidence, want[1].Answer.Evidence = []cairn.DocumentID{leave}, []cairn.DocumentID{}
	a := &want[0].Answer
	a.Message, a.Text, a.Sentences = first, "Twenty.", []cairn.Sentence{{Start: 0, End: 7, Support: cairn.Supported}}
	a.Citations = []cairn.Citation{{
		Number: 1, AnswerEnd: 1, Document: leave, Version: version, End: 12, Quote: "Twenty days.", Support: cairn.Supported,
		Title: "Leave", URL: "https://acme.test/leave.md#part", Heading: []string{"Leave", "Part"}, Source: "handbook", State: cairn.CitationCurrent,
	}}
	a = &want[1].Answer
	a.Message, a.Text, a.Sentences = second, "Nothing found.", []cairn.Sentence{{Start: 0, End: 14, Support: cairn.Supported}}
	a.Nearest = []cairn.Passage{{
		Number: 1, Document: near, Version: cairn.VersionOf([]byte("Lyon is near.")), Source: "handbook", Kind: "page", Title: "Near",
		Author: "Ann", Language: "en", URL: "https://acme.test/near.md#part", Heading: []string{"Near", "Part"}, End: 13, Text: "Lyon is near.",
	}}
	times := []cmp.Option{
		cmpopts.IgnoreFields(cairn.Message{}, "Created"), cmpopts.IgnoreFields(cairn.Citation{}, "Modified"),
		cmpopts.IgnoreFields(cairn.Passage{}, "Modified"),
	}
	if d := cmp.Diff(want, messages, times...); d != "" {
		t.Errorf("messages (-want +got):\n%s", d)
	}
	one, err := f.Message(ctx, ann, first)
	f.check(err)
	if d := cmp.Diff(want[0], one, times...); d != "" {
		t.Errorf("one message (-want +got):\n%s", d)
	}
}

func TestCitationStates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	doc := f.document(s, "leave.md", "Leave", "Twenty days.", anns)
	c := f.conversation(ann, "title")
	m := f.message(asked{conversation: c, question: "How many?", answer: "Twenty.", documents: []cairn.DocumentID{doc}, nearest: []cairn.DocumentID{doc}})
	f.exec(`DELETE FROM message_evidence`) // so that the message shows whatever becomes of the citation

	state := func(want cairn.CitationState, quote string) {
		t.Helper()
		got, err := f.Message(ctx, ann, m)
		f.check(err)
		q := got.Answer.Citations[0]
		if q.State != want || q.Quote != quote {
			t.Errorf("citation is %s with %q, want %s with %q", q.State, q.Quote, want, quote)
		}
		shown := q.Title != "" || q.URL != "" || q.Heading != nil || q.Source != "" || !q.Modified.IsZero()
		if shown != (want != cairn.CitationGone) {
			t.Errorf("a citation that is %s is described as %+v", want, q)
		}
		if nearest := len(got.Answer.Nearest) == 1; nearest != (want != cairn.CitationGone) {
			t.Errorf("nearest is shown: %v, of a document that is %s", nearest, want)
		}
	}
	state(cairn.CitationCurrent, "Twenty days.")
	f.body(doc, "Thirty days.", []section{})
	state(cairn.CitationChanged, "Twenty days.")
	f.setACL(doc, cairn.ACL{})
	state(cairn.CitationGone, "")
	f.setACL(doc, anns)
	state(cairn.CitationChanged, "Twenty days.")
	f.hide(doc)
	state(cairn.CitationGone, "")
	f.exec(`UPDATE documents SET hidden_at = NULL`)
	f.exec(`DELETE FROM bodies WHERE version = $1`, cairn.VersionOf([]byte("Twenty days.")))
	state(cairn.CitationGone, "")
}

func TestA12_03_MessageIsWithheld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	open, closed := f.document(s, "a", "A", "open text", anns), f.document(s, "b", "B", "closed text", anns)
	c := f.conversation(ann, "What is secret?")
	m := f.message(asked{conversation: c, question: "What is secret?", answer: "closed text", documents: []cairn.DocumentID{open, closed},
		nearest: []cairn.DocumentID{open}})
	f.message(asked{conversation: c, parent: m, question: "And open?", answer: "open text", documents: []cairn.DocumentID{open}})

	check := func(what string, withheld bool) {
		t.Helper()
		conversation, messages, err := f.Conversation(ctx, ann, c)
		f.check(err)
		one, err := f.Message(ctx, ann, m)
		f.check(err)
		list, _, err := f.ListConversations(ctx, ann, api.Page{Limit: 1})
		f.check(err)
		if d := cmp.Diff(one, messages[0]); d != "" {
			t.Errorf("%s: alone and in the conversation differ:\n%s", what, d)
		}
		a := one.Answer
		empty := one.Question == "" && a.Text == "" && a.Sentences == nil && a.Citations == nil && a.Nearest == nil
		if one.Withheld != withheld || empty != withheld || (conversation.Title == "") != withheld || (list[0].Title == "") != withheld {
			t.Errorf("%s: withheld is wanted %v: %+v, titles %q and %q", what, withheld, one, conversation.Title, list[0].Title)
		}
		if messages[1].Withheld || messages[1].Answer.Text != "open text" {
			t.Errorf("%s: the second message: %+v", what, messages[1])
		}
	}
	check("readable", false)
	f.setACL(closed, cairn.ACL{})
	check("no longer permitted", true)
	f.setACL(closed, anns)
	check("permitted again", false)
	f.hide(closed)
	check("vanished at its source", true)
	f.exec(`DELETE FROM documents WHERE id = $1`, closed)
	check("deleted", true)
}

func TestConversationsOfStrangers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.member("ann"), f.member("bob")
	c := f.conversation(ann, "title")
	m := f.message(asked{conversation: c, question: "q", answer: "a"})
	for _, v := range []cairn.Viewer{bob, {}, {Keys: ann.Keys}} {
		for _, ids := range [][2]string{{c, m}, {"none", "none"}, {"n\x00l", "n\x00l"}} {
			_, _, err := f.Conversation(ctx, v, ids[0])
			wantError(t, "conversation", err, cairn.ErrNotFound)
			_, err = f.Message(ctx, v, ids[1])
			wantError(t, "message", err, cairn.ErrNotFound)
			wantError(t, "delete", f.DeleteConversation(ctx, v, ids[0]), cairn.ErrNotFound)
		}
		wantError(t, "rename", f.RenameConversation(ctx, v, c, "mine"), cairn.ErrNotFound)
		wantError(t, "feedback", f.SetFeedback(ctx, v, m, api.Feedback{Rating: "up"}), cairn.ErrNotFound)
		if list, _, err := f.ListConversations(ctx, v, api.Page{Limit: 9}); err != nil || len(list) > 0 {
			t.Errorf("list: %v, %v", list, err)
		}
	}
	if got, messages, err := f.Conversation(ctx, ann, c); err != nil || got.Title != "title" || len(messages) != 1 {
		t.Errorf("afterwards: %+v, %v, %v", got, messages, err)
	}
	if n := f.count(`SELECT count(*) FROM feedback`); n != 0 {
		t.Errorf("%d feedbacks of strangers", n)
	}
}

func TestChangeConversation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	c := f.conversation(ann, "title")
	m := f.message(asked{conversation: c, question: "q", answer: "a"})
	f.check(f.RenameConversation(ctx, ann, c, "Leave"))
	wantError(t, "bad title", f.RenameConversation(ctx, ann, c, "n\x00l"), cairn.ErrInvalid)
	if got, _, err := f.Conversation(ctx, ann, c); err != nil || got.Title != "Leave" {
		t.Errorf("renamed: %+v, %v", got, err)
	}
	f.check(f.SetFeedback(ctx, ann, m, api.Feedback{Rating: "up"}))
	f.check(f.SetFeedback(ctx, ann, m, api.Feedback{Rating: "down", Reason: "outdated", Comment: "It is thirty."}))
	wantError(t, "bad rating", f.SetFeedback(ctx, ann, m, api.Feedback{Rating: "meh"}), cairn.ErrInvalid)
	other := f.message(asked{conversation: c, question: "q", answer: "a"})
	want := map[string]api.Feedback{m: {Rating: "down", Reason: "outdated", Comment: "It is thirty."}}
	if got, err := f.Feedback(ctx, ann, []string{m, other, "none"}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("feedback: %+v, %v", got, err)
	}
	bob := f.member("bob")
	f.exec(`INSERT INTO feedback (message_id, account_id, rating) VALUES ($1, $2, 'up')`, other, bob.Account) // as no route does
	for _, v := range []cairn.Viewer{bob, {}, {Keys: ann.Keys}} {
		if got, err := f.Feedback(ctx, v, []string{m, other}); err != nil || len(got) != 0 {
			t.Errorf("feedback for %q: %+v, %v", v.Account, got, err)
		}
	}
	if got, err := f.Feedback(ctx, ann, []string{m, other}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("feedback beside another's: %+v, %v", got, err)
	}
	if n := f.count(`SELECT count(*) FROM feedback WHERE rating = 'down' AND reason = 'outdated' AND comment = 'It is thirty.'`); n != 1 {
		t.Errorf("%d feedbacks as given last, want 1", n)
	}
	f.check(f.DeleteConversation(ctx, ann, c))
	_, _, err := f.Conversation(ctx, ann, c)
	wantError(t, "deleted", err, cairn.ErrNotFound)
	for _, table := range []string{"messages", "message_events", "message_evidence", "citations", "feedback"} {
		if n := f.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

func TestListConversations(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.member("ann"), f.member("bob")
	var want []string
	for _, title := range numbered("c", 5) {
		f.conversation(ann, title)
		f.conversation(bob, "of Bob")
		want = append([]string{title}, want...)
	}
	var got []string
	for _, c := range allPages(t, 2, 3, func(p api.Page) ([]cairn.Conversation, string, error) {
		return f.ListConversations(t.Context(), ann, p)
	}) {
		got = append(got, c.Title)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("conversations (-want +got):\n%s", d)
	}
}
