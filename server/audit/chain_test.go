package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// chained returns n rows as a log has them.
func chained(n int) []audit.Row {
	rows := make([]audit.Row, n)
	for i := range rows {
		r := audit.Row{Event: audit.Event{
			At: time.UnixMicro(int64(1_000_000 * i)).UTC(), Action: audit.Search, Outcome: audit.OK, Account: cairn.AccountID(fmt.Sprint("a", i%3)),
			Documents: []cairn.DocumentID{"d1", cairn.DocumentID(fmt.Sprint("d", i))},
		}}
		r.Seq = int64(i + 1)
		if i > 0 {
			r.Previous = rows[i-1].Hash
		}
		r.Hash = audit.HashOf(r)
		rows[i] = r
	}
	return rows
}

func verify(rows []audit.Row, head *audit.Mark, known ...audit.Mark) audit.Verification {
	chain := audit.Chain{Known: known}
	for _, r := range rows {
		chain.Add(r)
	}
	return chain.End(head)
}

func TestChain(t *testing.T) {
	rows := chained(9)
	head := rows[8].Mark
	swapped := func() []audit.Row {
		out := slices.Clone(rows)
		out[3], out[4] = out[4], out[3]
		return out
	}
	renumbered := swapped()
	renumbered[3].Seq, renumbered[4].Seq = 4, 5
	forged := slices.Insert(slices.Clone(rows), 4, rows[4])
	forged[4].Account = "somebody"
	changed := slices.Clone(rows)
	changed[5].Documents = []cairn.DocumentID{"d1"}
	rehashed := slices.Clone(changed)
	rehashed[5].Hash = audit.HashOf(rehashed[5])
	for _, c := range []struct {
		name string
		rows []audit.Row
		seq  int64 // 0: whole
		what string
	}{
		{"as written", rows, 0, ""},
		{"the first removed", rows[1:], 1, "row 1 is missing"},
		{"one removed", slices.Concat(rows[:3], rows[4:]), 4, "row 4 is missing"},
		{"the last removed", rows[:8], 9, "row 9 is missing"},
		{"all removed", nil, 1, "row 1 is missing"},
		{"changed", changed, 6, "row 6 was changed"},
		{"changed with its hash", rehashed, 7, "does not follow"},
		{"moved", swapped(), 4, "row 4 is missing"},
		{"moved and numbered anew", renumbered, 4, "does not follow"},
		{"one put in", forged, 5, "row 5 was changed"},
		{"one twice", slices.Insert(slices.Clone(rows), 4, rows[3]), 4, "stands behind"},
		{"more than written", chained(10), 10, "was put behind"},
	} {
		v := verify(c.rows, &head)
		switch {
		case c.seq == 0 && (v.Broken != nil || v.Rows != 9 || v.First != 1 || v.Last != head):
			t.Errorf("%s: %+v", c.name, v)
		case c.seq != 0 && (v.Broken == nil || v.Broken.Seq != c.seq || !strings.Contains(v.Broken.What, c.what)):
			t.Errorf("%s: %+v", c.name, v.Broken)
		}
	}
}

// Whoever can write everything can write a whole new log: only a mark that was
// noted elsewhere tells.
func TestChainKnowsNotedMarks(t *testing.T) {
	rows := chained(9)
	rewritten := chained(9)
	rewritten[2].Account = "nobody"
	for i := 2; i < 9; i++ {
		rewritten[i].Previous = rewritten[i-1].Hash
		rewritten[i].Hash = audit.HashOf(rewritten[i])
	}
	head := rewritten[8].Mark
	if v := verify(rewritten, &head); v.Broken != nil {
		t.Errorf("without a mark: %+v", v.Broken)
	}
	if v := verify(rewritten, &head, rows[1].Mark); v.Broken != nil {
		t.Errorf("a mark before the change: %+v", v.Broken)
	}
	if v := verify(rewritten, &head, rows[6].Mark); v.Broken == nil || v.Broken.Seq != 7 {
		t.Errorf("a mark behind the change: %+v", v.Broken)
	}
	if v := verify(rows[:5], nil, rows[6].Mark); v.Broken == nil || v.Broken.Seq != 6 {
		t.Errorf("cut short: %+v", v.Broken)
	}
}

func TestChainAfterRetention(t *testing.T) {
	rows := chained(9)
	rest := func(checkpoints ...audit.Mark) *audit.Broken {
		chain := audit.Chain{Checkpoints: checkpoints}
		for _, r := range rows[4:] {
			chain.Add(r)
		}
		return chain.End(&rows[8].Mark).Broken
	}
	if b := rest(rows[1].Mark, rows[3].Mark); b != nil {
		t.Errorf("a checkpoint: %+v", b)
	}
	if b := rest(rows[2].Mark); b == nil || b.Seq != 4 {
		t.Errorf("a row beyond the checkpoint was removed: %+v", b)
	}
	if b := rest(audit.Mark{Seq: 4}); b == nil || b.Seq != 5 {
		t.Errorf("a checkpoint of another log: %+v", b)
	}
}

func TestMark(t *testing.T) {
	m := chained(1)[0].Mark
	if got, err := audit.ParseMark(m.String()); err != nil || got != m {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1:", "x:" + m.Hash.String(), "0:" + m.Hash.String(), "1:" + m.Hash.String()[2:], m.String() + "00"} {
		if got, err := audit.ParseMark(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// Two events that differ anywhere have different hashes: no field can borrow from
// its neighbour.
func TestHashTellsFieldsApart(t *testing.T) {
	text := rapid.StringMatching(`[a-c:,0-9]{0,4}`)
	row := rapid.Custom(func(t *rapid.T) audit.Row {
		var r audit.Row
		r.Seq = rapid.Int64Range(1, 12).Draw(t, "seq")
		r.At = time.UnixMicro(rapid.Int64Range(0, 12).Draw(t, "at"))
		r.Action, r.Outcome = audit.Action(text.Draw(t, "action")), audit.Outcome(text.Draw(t, "outcome"))
		r.Via, r.Token, r.Address, r.Detail = text.Draw(t, "via"), text.Draw(t, "token"), text.Draw(t, "address"), text.Draw(t, "detail")
		for _, d := range rapid.SliceOfN(text, 0, 3).Draw(t, "documents") {
			r.Documents = append(r.Documents, cairn.DocumentID(d))
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := row.Draw(t, "a"), row.Draw(t, "b")
		same := fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
		if (audit.HashOf(a) == audit.HashOf(b)) != same {
			t.Errorf("%#v and %#v", a, b)
		}
	})
}
