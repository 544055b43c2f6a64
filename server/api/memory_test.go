package api

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/jobs/schedule"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// memory is a Store in memory that checks permissions as the database does.
type memory struct {
	*authtest.Store

	mu            sync.Mutex
	sources       []cairn.Source
	documents     []StoredDocument
	runs          map[cairn.SourceID][]cairn.Run
	errors        map[cairn.SourceID][]cairn.DocumentError
	conversations []cairn.Conversation
	messages      []cairn.Message
	feedback      map[string]Feedback
	erasures      []cairn.Erasure
	grants        []GrantStatus
	slack         []SlackPerson
	fail          error          // when set, what Document returns
	notices       []cairn.Notice // of every search
	counted       int            // how often a source was looked up with its counts
	audited       []audit.Row
	unlogged      error     // when set, why no event can be added
	degraded      *Degraded // of every source
	last          schedule.Last
	atWork        bool
	hook          HookStatus
	withheld      cairn.DocumentID
	meanwhile     func()   // what somebody else does just before the next change of an account
	secrets       []string // that were stored
}

func newMemory() *memory {
	return &memory{
		Store: authtest.New(), runs: map[cairn.SourceID][]cairn.Run{},
		errors: map[cairn.SourceID][]cairn.DocumentError{}, feedback: map[string]Feedback{},
		slack: []SlackPerson{{Workspace: "T0ACME", Email: "gone@acme.com", Account: cairn.Account{ID: "gone", Email: "gone@acme.com", Role: cairn.RoleMember}}},
	}
}

// part cuts a page out of a list; cursors are positions.
func part[T any](all []T, p Page) ([]T, string, error) {
	from := 0
	if p.Cursor != "" {
		n, err := strconv.Atoi(p.Cursor)
		if err != nil || n < 0 || n > len(all) {
			return nil, "", cairn.Errorf(cairn.ErrInvalid, "the cursor is not one of this list")
		}
		from = n
	}
	to := min(from+p.Limit, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

func (m *memory) ListBindings(_ context.Context, p Page) ([]auth.PendingBinding, string, error) {
	return part(m.AllBindings(), p)
}

func (m *memory) ListSources(_ context.Context, p Page) ([]SourceStatus, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []SourceStatus
	for _, s := range m.sources {
		all = append(all, m.status(s))
	}
	return part(all, p)
}

func (m *memory) status(s cairn.Source) SourceStatus {
	out := SourceStatus{Source: s, Errors: len(m.errors[s.ID]), LastSync: m.last, AtWork: m.atWork, Hook: m.hook}
	for _, d := range m.documents {
		if d.Source == s.ID {
			out.Documents++
		}
	}
	if m.degraded != nil {
		out.PermissionsSynced, out.Degraded = m.degraded.Since.Add(-time.Minute), m.degraded
	}
	if runs := m.runs[s.ID]; len(runs) > 0 {
		out.LastRun = &runs[0]
	}
	return out
}

func (m *memory) ReadableSources(_ context.Context, v cairn.Viewer, p Page) ([]string, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, d := range m.documents {
		if d.ACL.Admits(v) {
			names = append(names, d.SourceName)
		}
	}
	slices.Sort(names)
	return part(slices.Compact(names), p)
}

func (m *memory) SourceByName(_ context.Context, name string) (SourceStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counted++
	for _, s := range m.sources {
		if s.Name == name {
			return m.status(s), nil
		}
	}
	return SourceStatus{}, cairn.ErrNotFound
}

func (m *memory) CreateSource(_ context.Context, s cairn.Source) (cairn.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.sources, func(o cairn.Source) bool { return o.Name == s.Name }) {
		return cairn.Source{}, cairn.Errorf(cairn.ErrConflict, "there is a source %s", s.Name)
	}
	s.ID, s.Secrets = cairn.SourceID(cairn.NewID()), m.keepSecrets(s.Secrets)
	m.sources = append(m.sources, s)
	return s, nil
}

func (m *memory) SourceNamed(_ context.Context, name string) (cairn.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sources {
		if s.Name == name {
			return s, nil
		}
	}
	return cairn.Source{}, cairn.ErrNotFound
}

func (m *memory) UpdateSource(_ context.Context, id cairn.SourceID, edit func(*cairn.Source) error) (cairn.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.sources, func(o cairn.Source) bool { return o.ID == id })
	if i < 0 {
		return cairn.Source{}, cairn.ErrNotFound
	}
	s := m.sources[i]
	s.Settings, s.Secrets = maps.Clone(s.Settings), maps.Clone(s.Secrets)
	if err := edit(&s); err != nil {
		return cairn.Source{}, err
	}
	s.Secrets = m.keepSecrets(s.Secrets)
	m.sources[i] = s
	return s, nil
}

// keepSecrets notes the values of secrets and returns their names.
func (m *memory) keepSecrets(secrets map[string]cairn.Secret) map[string]cairn.Secret {
	names := map[string]cairn.Secret{}
	for name, value := range secrets {
		names[name] = cairn.Secret{}
		if value.Set() {
			m.secrets = append(m.secrets, name+"="+value.Reveal())
		}
	}
	return names
}

func (m *memory) RotateSecrets(context.Context) (Rotation, error) {
	return Rotation{Key: "0123456789abcdef", Sealed: len(m.secrets)}, nil
}

func (m *memory) EraseSource(_ context.Context, id cairn.SourceID, by cairn.AccountID) (cairn.Erasure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = slices.DeleteFunc(m.sources, func(o cairn.Source) bool { return o.ID == id })
	m.documents = slices.DeleteFunc(m.documents, func(d StoredDocument) bool { return d.Source == id })
	return m.erased(cairn.Erasure{Kind: cairn.ErasedSource, Subject: string(id), By: by, Counts: map[string]int{"sources": 1}}), nil
}

// erased stores a receipt.
func (m *memory) erased(e cairn.Erasure) cairn.Erasure {
	e.ID, e.At = "e"+strconv.Itoa(len(m.erasures)+1), time.Now()
	m.erasures = append(m.erasures, e)
	return e
}

func (m *memory) SourceOfDocument(_ context.Context, id cairn.DocumentID) (cairn.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.documents {
		if d.ID == id {
			return m.sources[slices.IndexFunc(m.sources, func(s cairn.Source) bool { return s.ID == d.Source })], nil
		}
	}
	return cairn.Source{}, cairn.ErrNotFound
}

func (m *memory) EraseDocument(_ context.Context, id cairn.DocumentID, keepOut bool, by cairn.AccountID) (cairn.Erasure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.documents = slices.DeleteFunc(m.documents, func(d StoredDocument) bool { return d.ID == id })
	return m.erased(cairn.Erasure{Kind: cairn.ErasedDocument, Subject: string(id), By: by, KeptOut: keepOut}), nil
}

func (m *memory) UpdateAccount(ctx context.Context, id cairn.AccountID, edit func(*cairn.Account) error) (cairn.Account, error) {
	if other := m.meanwhile; other != nil {
		m.meanwhile = nil
		other()
	}
	return m.Store.UpdateAccount(ctx, id, edit)
}

func (m *memory) EraseAccount(ctx context.Context, id, by cairn.AccountID) (cairn.Erasure, error) {
	_, err := m.UpdateAccount(ctx, id, func(a *cairn.Account) error { a.Disabled = true; return nil })
	if err != nil {
		return cairn.Erasure{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.erased(cairn.Erasure{Kind: cairn.ErasedAccount, Subject: string(id), By: by}), nil
}

func (m *memory) ListErasures(_ context.Context, p Page) ([]cairn.Erasure, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return part(slices.Clone(m.erasures), p)
}

func (m *memory) LiftErasure(_ context.Context, id string) (cairn.Erasure, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range m.erasures {
		if e.ID == id {
			m.erasures[i].KeptOut = false
			return m.erasures[i], nil
		}
	}
	return cairn.Erasure{}, cairn.ErrNotFound
}

func (m *memory) Rewrite(context.Context) error { return nil }

func (m *memory) ListRuns(_ context.Context, id cairn.SourceID, p Page) ([]cairn.Run, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return part(slices.Clone(m.runs[id]), p)
}

func (m *memory) ListErrors(_ context.Context, id cairn.SourceID, p Page) ([]cairn.DocumentError, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return part(slices.Clone(m.errors[id]), p)
}

func (m *memory) ListPushed(_ context.Context, id cairn.SourceID, p Page) ([]PushedDocument, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []PushedDocument
	for _, d := range m.documents {
		if d.Source == id {
			all = append(all, PushedDocument{d.External, d.ID})
		}
	}
	return part(all, p)
}

func (m *memory) RetryErrors(_ context.Context, id cairn.SourceID, externals []string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.errors[id])
	m.errors[id] = slices.DeleteFunc(m.errors[id], func(e cairn.DocumentError) bool {
		return len(externals) == 0 || slices.Contains(externals, e.External)
	})
	return before - len(m.errors[id]), nil
}

func (m *memory) Document(_ context.Context, v cairn.Viewer, id cairn.DocumentID, version cairn.Version) (StoredDocument, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return StoredDocument{}, m.fail
	}
	for _, d := range m.documents {
		if d.ID == id && d.ACL.Admits(v) && (version == "" && d.State == cairn.CitationCurrent || d.Version == version) {
			return d, nil
		}
	}
	return StoredDocument{}, cairn.ErrNotFound
}

func (m *memory) SuggestTitles(_ context.Context, v cairn.Viewer, prefix string, limit int) ([]Suggestion, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Suggestion
	for _, d := range m.documents {
		if d.ACL.Admits(v) && strings.HasPrefix(strings.ToLower(d.Title), strings.ToLower(prefix)) && len(out) < limit {
			out = append(out, Suggestion{d.Title, d.ID})
		}
	}
	return out, nil
}

// Readable is what postgres.DB has for the server.
func (m *memory) Readable(_ context.Context, v cairn.Viewer, documents []cairn.DocumentID) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range documents {
		if !slices.ContainsFunc(m.documents, func(d StoredDocument) bool { return d.ID == id && d.ACL.Admits(v) }) {
			return false, nil
		}
	}
	return true, nil
}

func (m *memory) ListConversations(_ context.Context, v cairn.Viewer, p Page) ([]cairn.Conversation, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var mine []cairn.Conversation
	for _, c := range m.conversations {
		if c.Account == v.Account {
			mine = append(mine, c)
		}
	}
	return part(mine, p)
}

func (m *memory) Conversation(_ context.Context, v cairn.Viewer, id string) (cairn.Conversation, []cairn.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conversations {
		if c.ID == id && c.Account == v.Account {
			var messages []cairn.Message
			for _, msg := range m.messages {
				if msg.Conversation == id {
					messages = append(messages, msg)
				}
			}
			return c, messages, nil
		}
	}
	return cairn.Conversation{}, nil, cairn.ErrNotFound
}

func (m *memory) Message(ctx context.Context, v cairn.Viewer, id string) (cairn.Message, error) {
	m.mu.Lock()
	msgs := slices.Clone(m.messages)
	m.mu.Unlock()
	for _, msg := range msgs {
		if msg.ID == id {
			_, _, err := m.Conversation(ctx, v, msg.Conversation)
			return msg, err
		}
	}
	return cairn.Message{}, cairn.ErrNotFound
}

func (m *memory) RenameConversation(_ context.Context, v cairn.Viewer, id, title string) error {
	return m.editConversation(v, id, func(i int) { m.conversations[i].Title = title })
}

func (m *memory) DeleteConversation(_ context.Context, v cairn.Viewer, id string) error {
	return m.editConversation(v, id, func(i int) {
		m.conversations = slices.Delete(m.conversations, i, i+1)
		m.messages = slices.DeleteFunc(m.messages, func(msg cairn.Message) bool { return msg.Conversation == id })
	})
}

func (m *memory) editConversation(v cairn.Viewer, id string, edit func(i int)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range m.conversations {
		if c.ID == id && c.Account == v.Account {
			edit(i)
			return nil
		}
	}
	return cairn.ErrNotFound
}

func (m *memory) SetFeedback(ctx context.Context, v cairn.Viewer, message string, f Feedback) error {
	if _, err := m.Message(ctx, v, message); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feedback[message] = f
	return nil
}

func (m *memory) Feedback(ctx context.Context, v cairn.Viewer, messages []string) (map[string]Feedback, error) {
	given := map[string]Feedback{}
	for _, id := range messages {
		if _, err := m.Message(ctx, v, id); err != nil {
			continue
		}
		m.mu.Lock()
		if f, ok := m.feedback[id]; ok {
			given[id] = f
		}
		m.mu.Unlock()
	}
	return given, nil
}

func (m *memory) ListAccounts(_ context.Context, p Page) ([]cairn.Account, string, error) {
	return part(m.AllAccounts(), p)
}

func (m *memory) ListGroups(ctx context.Context, directory string, p Page) ([]Group, string, error) {
	var all []Group
	for name, in := range m.AllGroups() {
		if directory != cairn.OwnDirectory {
			break
		}
		g := Group{Directory: directory, Name: name, Groups: in.Groups}
		for _, id := range in.Accounts {
			a, err := m.AccountByID(ctx, id)
			if err != nil {
				return nil, "", err
			}
			g.Members = append(g.Members, a)
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return part(all, p)
}

func (m *memory) ListTokens(_ context.Context, account cairn.AccountID, p Page) ([]cairn.Token, string, error) {
	return part(m.AllTokens(account), p)
}
