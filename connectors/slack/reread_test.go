package slack_test

import (
	"slices"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
)

// TestReread reads one channel anew of several that have changed, and asks for nothing of
// the others.
func TestReread(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	var general, random, secret *slacktest.Channel
	var said *slacktest.Message
	r.Change(func(w *slacktest.World) {
		general, random, secret = w.Channel("general"), w.Channel("random"), w.Channel("secret")
		secret.Left = true
		said = w.Post(general, &slacktest.Message{TS: w.Stamp(ago(2)), User: "U1", Text: "the old word"})
		w.Post(random, &slacktest.Message{TS: w.Stamp(ago(2)), User: "U1", Text: "something else"})
	})
	r.read(t)
	cursor := r.cursor
	var late *slacktest.Channel
	r.Change(func(w *slacktest.World) {
		w.Edit(said, "the new word")
		w.Post(random, &slacktest.Message{TS: w.Stamp(ago(1)), User: "U1", Text: "more of it"})
		late = w.Channel("late")
		w.Post(late, &slacktest.Message{TS: w.Stamp(ago(1)), User: "U1", Text: "a beginning"})
	})
	again := func(parts ...string) (came []connectors.Change) {
		t.Helper()
		for c, err := range r.connect(t).(connectors.Rereader).Reread(t.Context(), cursor, parts) {
			if err != nil {
				t.Fatal(err)
			}
			if c.Op == connectors.Upsert {
				came = append(came, c)
			}
		}
		return came
	}
	came := again(general.ID)
	if len(came) != 1 || came[0].ACL == nil || came[0].Metadata.Revision == r.docs[came[0].External].Metadata.Revision {
		t.Fatalf("of the channel there comes %+v", came)
	}
	if all := again(general.ID, random.ID); len(all) < 3 { // with the day before
		t.Errorf("of two channels there comes %+v", all)
	}
	// What was not read before, cannot be read or is not there is left to Changes.
	if came := again(late.ID, secret.ID, "C0NOWHERE", ""); len(came) != 0 {
		t.Errorf("of channels that were not read there comes %+v", came)
	}
	if came := r.read(t); !slices.ContainsFunc(came, func(id string) bool { return id != "" }) || len(came) < 4 {
		t.Errorf("the next reading yields %q, as if nothing had been read between", came)
	}
}
