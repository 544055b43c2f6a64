package postgres

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

// A version that another has replaced is for who may read the document today and could read it
// then: what was taken out of a document before it was opened does not open with it.
func TestFormerVersionsKeepTheirPermissions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	hr := cairn.Allow("group:cairn:hr")
	s := f.source("staff", hr)
	ann, bob := f.member("ann", cairn.Everyone), f.member("bob", cairn.Everyone, "group:cairn:hr")
	id := f.document(s, "pay", "Pay", "Eve earns 1234.", hr)
	first := f.passage(id)
	a := NewAnswers(f.DB)
	started, _, err := a.Begin(ctx, answer.Ask{Viewer: bob, Question: "What does Eve earn?"})
	f.check(err)
	_, err = a.SetEvidence(ctx, bob, started.Message, []cairn.Passage{first})
	f.check(err)
	f.check(a.Append(ctx, started.Message, 1, []answer.Event{{Type: answer.EventDelta, Text: "1234"}}))

	f.body(id, "Pay is secret.", []section{})
	f.setACL(id, cairn.Allow(cairn.Everyone))
	reads := func(v cairn.Viewer, version cairn.Version) bool {
		t.Helper()
		d, err := f.Document(ctx, v, id, version)
		if err != nil && !errors.Is(err, cairn.ErrNotFound) {
			t.Fatal(err)
		}
		if (err == nil) != (len(d.Body) > 0) {
			t.Errorf("%s: %v, %q", version, err, d.Body)
		}
		return err == nil
	}
	shows := func(v cairn.Viewer) bool {
		t.Helper()
		m, err := f.Message(ctx, v, started.Message)
		f.check(err)
		_, _, eventsErr := a.Events(ctx, v, started.Message, 0)
		list, _, err := f.ListConversations(ctx, v, api.Page{Limit: 10})
		f.check(err)
		if m.Withheld != errors.Is(eventsErr, cairn.ErrNotFound) || m.Withheld != (list[0].Title == "") {
			t.Errorf("%+v, %v, %+v", m, eventsErr, list)
		}
		return !m.Withheld
	}
	second := f.passage(id).Version
	if !reads(ann, second) || reads(ann, first.Version) || !reads(bob, second) || !reads(bob, first.Version) || !shows(bob) {
		t.Errorf("ann reads the second %v and the first %v; bob %v and %v, and his answer %v",
			reads(ann, second), reads(ann, first.Version), reads(bob, second), reads(bob, first.Version), shows(bob))
	}
	left := bob
	left.Keys = slices.DeleteFunc(slices.Clone(bob.Keys), func(k cairn.PrincipalKey) bool { return k == "group:cairn:hr" })
	if reads(left, first.Version) || !reads(left, second) || shows(left) {
		t.Errorf("who has left reads the first %v, the second %v, the answer %v", reads(left, first.Version), reads(left, second), shows(left))
	}
	if got, err := f.readablePassages(ctx, ann, []cairn.Passage{first}, []cairn.DocumentID{id}); err != nil || len(got) > 0 {
		t.Errorf("a prompt of ann's gets %v, %v", got, err)
	}
	// A grant of the document covers all versions.
	eve := f.account("eve@acme.test", cairn.RoleMember)
	g, err := f.CreateGrant(ctx, cairn.Grant{Account: eve.ID, Document: id, Reason: "incident"}, time.Hour)
	f.check(err)
	if granted := (cairn.Viewer{Account: eve.ID, Grants: []cairn.GrantID{g.ID}}); !reads(granted, first.Version) || !reads(granted, second) {
		t.Error("a grant does not cover a former version")
	}
	// The first is back: its permissions are those of the document again.
	f.exec(`UPDATE documents SET version = $2 WHERE id = $1`, id, first.Version)
	if !reads(ann, first.Version) || !reads(ann, second) {
		t.Error("the version of today is not read by who may read the document")
	}
	if text := f.count(`SELECT count(*) FROM bodies WHERE acl_id IS NOT NULL`); text != 1 {
		t.Errorf("%d versions are kept under a class", text)
	}
}

// All of what an answer was made from goes with it, wherever it is read: the log names it,
// and the server ends replies by it.
func TestAnswersNameTheirEvidence(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	ids := []cairn.DocumentID{f.document(s, "a", "A", "text of a", anns), f.document(s, "b", "B", "text of b", anns)}
	slices.Sort(ids)
	a := NewAnswers(f.DB)
	started, _, err := a.Begin(ctx, answer.Ask{Viewer: ann, Question: "What?"})
	f.check(err)
	_, err = a.SetEvidence(ctx, ann, started.Message, []cairn.Passage{f.passage(ids[0]), f.passage(ids[1])})
	f.check(err)
	f.check(a.Append(ctx, started.Message, 1, []answer.Event{{Type: answer.EventDelta, Text: "a"}}))
	m, err := f.Message(ctx, ann, started.Message)
	f.check(err)
	events, _, err := a.Events(ctx, ann, started.Message, 0)
	f.check(err)
	list, _, err := f.ListConversations(ctx, ann, api.Page{Limit: 10})
	f.check(err)
	one, _, err := f.Conversation(ctx, ann, started.Conversation)
	f.check(err)
	for what, got := range map[string][]cairn.DocumentID{
		"message": m.Answer.Evidence, "event": events[0].Evidence, "conversations": list[0].Evidence, "conversation": one.Evidence,
	} {
		if !slices.Equal(slices.Sorted(slices.Values(got)), ids) {
			t.Errorf("%s: %v, want %v", what, got, ids)
		}
	}
	for what, c := range map[string]struct {
		v    cairn.Viewer
		ids  []cairn.DocumentID
		want bool
	}{
		"hers": {ann, ids, true}, "none": {ann, nil, true}, "one is not there": {ann, append([]cairn.DocumentID{"gone"}, ids...), false},
		"nobody's": {cairn.Viewer{}, ids, false},
	} {
		if got, err := f.Readable(ctx, c.v, c.ids); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	f.hide(ids[1])
	if got, err := f.Readable(ctx, ann, ids); err != nil || got {
		t.Errorf("hidden: %v, %v", got, err)
	}
}

// Who makes a token by a token makes none that outlives it.
func TestTokensEndWithWhatMadeThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	now := time.Now().UTC().Truncate(time.Microsecond)
	var ids []string
	parent := ""
	for i := range byte(3) {
		made, err := f.CreateToken(ctx, [32]byte{i}, cairn.Token{Account: ann.ID, Expires: now.Add(time.Duration(i+1) * time.Hour), Parent: parent})
		f.check(err)
		if !made.Expires.Equal(now.Add(time.Hour)) {
			t.Errorf("token %d ends at %v", i, made.Expires)
		}
		parent, ids = made.ID, append(ids, made.ID)
	}
	other, err := f.CreateToken(ctx, [32]byte{9}, cairn.Token{Account: ann.ID, Expires: now.Add(time.Hour)})
	f.check(err)
	f.check(f.RevokeToken(ctx, ann.ID, ids[1], now))
	list, _, err := f.ListTokens(ctx, ann.ID, api.Page{Limit: 10})
	f.check(err)
	for _, token := range list {
		if revoked := !token.Revoked.IsZero(); revoked != (token.ID == ids[1] || token.ID == ids[2]) {
			t.Errorf("%+v; the second of %v was revoked, and %s has nothing to do with them", token, ids, other.ID)
		}
	}
	_, err = f.CreateToken(ctx, [32]byte{4}, cairn.Token{Account: ann.ID, Expires: now.Add(time.Hour), Parent: ids[1]})
	wantError(t, "by one that is revoked", err, cairn.ErrConflict)
}

// The same of tokens that somebody makes for others: they end with hers, and with what she
// may do.
func TestTokensOfOthersEndWithWhoMadeThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	root, ann, bot := f.account("root@acme.test", cairn.RoleAdmin), f.account("ann@acme.test", cairn.RoleAdmin), f.account("bot@acme.test", cairn.RoleMember)
	n := byte(0)
	create := func(account cairn.AccountID, hours time.Duration, parent string) (cairn.Token, auth.Hash) {
		t.Helper()
		n++
		made, err := f.CreateToken(ctx, auth.Hash{n}, cairn.Token{Account: account, Expires: now.Add(hours * time.Hour), Parent: parent})
		f.check(err)
		return made, auth.Hash{n}
	}
	valid := func(what string, hash auth.Hash, want bool) {
		t.Helper()
		token, _, err := f.TokenByHash(ctx, hash)
		f.check(err)
		if got := token.Revoked.IsZero() && !token.Orphaned; got != want {
			t.Errorf("%s: %+v", what, token)
		}
	}
	edit := func(id cairn.AccountID, change func(*cairn.Account)) {
		t.Helper()
		_, err := f.UpdateAccount(ctx, id, func(a *cairn.Account) error { change(a); return nil })
		f.check(err)
	}
	anns, _ := create(ann.ID, 1, "")
	bots, botsHash := create(bot.ID, 2, anns.ID)
	if !bots.Expires.Equal(anns.Expires) {
		t.Errorf("it ends at %v, after that by which it was made", bots.Expires)
	}
	_, last := create(bot.ID, 1, bots.ID)
	_, rootsHash := create(root.ID, 1, "")
	valid("made by one that is valid", last, true)
	edit(ann.ID, func(a *cairn.Account) { a.Role = cairn.RoleMember })
	valid("who made it is no administrator", botsHash, false)
	valid("the same of one that was made by it", last, false)
	edit(ann.ID, func(a *cairn.Account) { a.Role = cairn.RoleAdmin })
	valid("she is one again", last, true)
	f.exec(`UPDATE accounts SET disabled_at = now() WHERE id = $1`, ann.ID) // as a provider deactivates
	valid("who made it is away", last, false)
	f.exec(`UPDATE accounts SET disabled_at = NULL WHERE id = $1`, ann.ID)
	valid("she is back", last, true)
	edit(ann.ID, func(a *cairn.Account) { a.Disabled = true })
	edit(ann.ID, func(a *cairn.Account) { a.Disabled = false })
	valid("who made it was disabled", botsHash, false)
	valid("the same of one that was made by it", last, false)
	valid("somebody else's", rootsHash, true)
}
