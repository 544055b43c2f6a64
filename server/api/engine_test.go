package api

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// finder is a Searcher that finds documents which hold the query word for word.
type finder struct{ m *memory }

func (f finder) Search(_ context.Context, q cairn.Query) (retrieval.Results, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	res := retrieval.Results{Mode: cairn.ModeLexical, Took: 3 * time.Millisecond, Facets: map[string]map[string]int{"source": {}}, Notices: f.m.notices}
	for _, d := range f.m.documents {
		at := bytes.Index(d.Body, []byte(q.Text))
		if at < 0 || !d.ACL.Admits(q.Viewer) || d.State != cairn.CitationCurrent || !f.passes(q.Filters, d) {
			continue
		}
		res.Facets["source"][d.SourceName]++
		res.Passages = append(res.Passages, passageOf(d, at, at+len(q.Text)))
		if q.Explain {
			res.Explain = append(res.Explain, retrieval.Explanation{LexicalRank: len(res.Passages), Lexical: 1})
		}
	}
	from := min(q.Offset, len(res.Passages))
	to := min(from+q.Limit, len(res.Passages))
	res.More = to < len(res.Passages)
	res.Passages = res.Passages[from:to]
	if q.Explain {
		res.Explain = res.Explain[from:to]
	}
	return res, nil
}

func (f finder) passes(filter cairn.Filters, d StoredDocument) bool {
	return (len(filter.Sources) == 0 || strings.Contains(strings.Join(filter.Sources, " "), d.SourceName)) &&
		(filter.Kind == "" || filter.Kind == d.Kind)
}

func passageOf(d StoredDocument, start, end int) cairn.Passage {
	return cairn.Passage{
		Document: d.ID, Version: d.Version, Source: d.SourceName, Kind: d.Kind, Title: d.Title, URL: d.URL,
		Start: start, End: end, Text: string(d.Body[start:end]), Score: .5, Modified: d.Modified,
	}
}

// asker is an Asker whose answers are written by the test, step by step: add
// appends an event, and readers see it at once.
type asker struct {
	m *memory

	mu      sync.Mutex
	events  map[string][]answer.Event
	changed chan struct{} // closed and replaced at each event
	started []answer.Ask
	stopped map[string]bool
	// script is played for every question at once; nil leaves it to add.
	script func(conversation, message string) []answer.Event
}

func newAsker(m *memory) *asker {
	return &asker{m: m, events: map[string][]answer.Event{}, changed: make(chan struct{}), stopped: map[string]bool{}}
}

func (a *asker) add(message string, events ...answer.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range events {
		e.Seq = len(a.events[message]) + 1
		a.events[message] = append(a.events[message], e)
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

// await returns when so many questions are stored.
func (a *asker) await(n int) {
	for {
		a.mu.Lock()
		changed, enough := a.changed, len(a.started) >= n
		a.mu.Unlock()
		if enough {
			return
		}
		<-changed
	}
}

func (a *asker) Start(ctx context.Context, q answer.Ask) (answer.Started, error) {
	if q.Conversation != "" {
		if _, _, err := a.m.Conversation(ctx, q.Viewer, q.Conversation); err != nil {
			return answer.Started{}, err
		}
	}
	if q.Parent != "" {
		if _, err := a.m.Message(ctx, q.Viewer, q.Parent); err != nil {
			return answer.Started{}, err
		}
	}
	if q.Model == "spent" {
		return answer.Started{}, cairn.Errorf(cairn.ErrBudget, "the budget of the model is spent until tomorrow")
	}
	s := answer.Started{Conversation: q.Conversation, Message: cairn.NewID()}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	a.m.mu.Lock()
	if s.Conversation == "" {
		s.Conversation = cairn.NewID()
		a.m.conversations = append(a.m.conversations, cairn.Conversation{
			ID: s.Conversation, Account: q.Viewer.Account, Title: q.Question, Created: now, Updated: now,
		})
	}
	a.m.messages = append(a.m.messages, cairn.Message{
		ID: s.Message, Conversation: s.Conversation, Parent: q.Parent, Question: q.Question, Created: now,
		Answer: cairn.Answer{Conversation: s.Conversation, Message: s.Message, State: cairn.MessageRunning},
	})
	a.m.mu.Unlock()
	a.mu.Lock()
	a.started = append(a.started, q)
	a.mu.Unlock()
	a.add(s.Message, answer.Event{Type: answer.EventStart})
	if a.script != nil {
		a.add(s.Message, a.script(s.Conversation, s.Message)...)
	}
	return s, nil
}

func (a *asker) Events(ctx context.Context, v cairn.Viewer, message string, after int) iter.Seq2[answer.Event, error] {
	return func(yield func(answer.Event, error) bool) {
		if _, err := a.m.Message(ctx, v, message); err != nil {
			yield(answer.Event{}, err)
			return
		}
		for {
			a.mu.Lock()
			events, changed := a.events[message], a.changed
			a.mu.Unlock()
			for _, e := range events {
				if e.Seq > after {
					if !yield(e, nil) {
						return
					}
					after = e.Seq
				}
			}
			if len(events) > 0 && final(events[len(events)-1]) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(answer.Event{}, ctx.Err())
				return
			}
		}
	}
}

func (a *asker) Stop(ctx context.Context, v cairn.Viewer, message string) error {
	if _, err := a.m.Message(ctx, v, message); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped[message] = true
	return nil
}

// pusher is a Pusher that stores what it is given under the ACL of the source.
type pusher struct{ m *memory }

func (p pusher) Put(_ context.Context, id cairn.SourceID, push ingest.Push) (ingest.Pushed, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	var s cairn.Source
	for _, o := range p.m.sources {
		if o.ID == id {
			s = o
		}
	}
	text := []byte(push.Text)
	if push.Content != nil {
		text = push.Content
	}
	if bytes.Contains(text, []byte("poison")) {
		return ingest.Pushed{}, cairn.Errorf(cairn.ErrInvalid, "the document cannot be read")
	}
	d := StoredDocument{SourceName: s.Name, State: cairn.CitationCurrent, Document: cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), Source: id, External: push.External, Version: cairn.VersionOf(text),
		Kind: cairn.KindText, Title: push.Title, URL: push.URL, Author: push.Author, Body: text, ACL: s.ACL,
		Modified: push.Modified, Attributes: push.Attributes,
	}}
	if push.ACL != nil {
		d.ACL = *push.ACL
	}
	for i, old := range p.m.documents {
		if old.Source == id && old.External == push.External {
			d.ID = old.ID
			p.m.documents[i] = d
			return ingest.Pushed{ID: d.ID, Version: d.Version}, nil
		}
	}
	p.m.documents = append(p.m.documents, d)
	return ingest.Pushed{ID: d.ID, Version: d.Version, Created: true}, nil
}

func (p pusher) Batch(ctx context.Context, id cairn.SourceID, edits []ingest.Edit) iter.Seq2[ingest.Outcome, error] {
	return func(yield func(ingest.Outcome, error) bool) {
		for _, e := range edits {
			var o ingest.Outcome
			switch {
			case strings.HasPrefix(e.Text, "the database is down"):
				yield(o, errors.New("connection lost"))
				return
			case e.Delete:
				o.Err = p.Delete(ctx, id, e.External)
			default:
				o.Pushed, o.Err = p.Put(ctx, id, e.Push)
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (p pusher) Delete(_ context.Context, id cairn.SourceID, external string) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	for i, d := range p.m.documents {
		if d.Source == id && d.External == external {
			p.m.documents = append(p.m.documents[:i:i], p.m.documents[i+1:]...)
			return nil
		}
	}
	return cairn.ErrNotFound
}

// runner is Jobs that queue and never run.
type runner struct {
	m        *memory
	testFail error
}

func (r *runner) Sync(_ context.Context, id cairn.SourceID, o cairn.SyncOptions) (cairn.Run, error) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if slices.ContainsFunc(r.m.sources, func(s cairn.Source) bool { return s.ID == id && s.Kind == "push" }) {
		return cairn.Run{}, cairn.Errorf(cairn.ErrInvalid, "programs bring its documents")
	}
	run := cairn.Run{
		ID: cairn.NewID(), Source: id, State: cairn.RunQueued, Full: o.Full, DryRun: o.DryRun, Confirm: o.Confirm,
		PermissionsOnly: o.PermissionsOnly,
		Created:         time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
	}
	r.m.runs[id] = append([]cairn.Run{run}, r.m.runs[id]...)
	return run, nil
}

func (r *runner) Cancel(context.Context, cairn.SourceID) error { return nil }

func (r *runner) Test(context.Context, cairn.SourceID) (string, error) { return "", r.testFail }

// indexer is an index with one problem until it is rebuilt.
type indexer struct{ quick, rebuilt bool }

func (x *indexer) Verify(_ context.Context, texts bool) (index.Verification, error) {
	x.quick = !texts
	found := index.Verification{Segments: 2, Packed: 5, Fresh: 1, Rows: 9, Problems: []index.Problem{}}
	if !x.rebuilt {
		found.Problems = append(found.Problems, index.Problem{Segment: 7, What: "its header is damaged"})
	}
	return found, nil
}

func (x *indexer) Rebuild(_ context.Context, told func(done, all int)) error {
	if x.rebuilt {
		return cairn.Errorf(cairn.ErrConflict, "the index is being maintained just now")
	}
	x.rebuilt = true
	told(6, 6)
	return nil
}
