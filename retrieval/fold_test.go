package retrieval

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
)

const rule = `Employees who travel for more than three days ask for approval in writing. The form names the purpose of the
journey, the hotel and the expected costs. Receipts are handed in within 30 days after the return; what is later is not refunded
unless the head of the department agrees. Tickets are booked by the office, never by the traveller. A rented car needs a reason.`

var october = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func doc(id, title, text string, modified time.Time) hydrated {
	return hydrated{chunk: Chunk{Passage: cairn.Passage{Document: cairn.DocumentID(id), Title: title, Text: text, Modified: modified}}}
}

// folded returns the documents that are shown, each with what is folded under it.
func folded(f *folder, in ...hydrated) []string {
	var out []string
	f.add(in)
	for _, h := range f.close() {
		line := string(h.chunk.Passage.Document)
		for _, c := range h.copies {
			line += " " + string(c.Document)
			if c.Older {
				line += "-"
			}
		}
		out = append(out, line)
	}
	return out
}

func TestFold(t *testing.T) {
	later := october.Add(24 * time.Hour)
	sixty := strings.Replace(rule, "30 days", "60 days", 1)
	edited := strings.Replace(rule, "A rented car needs a reason.", "A car may be rented.", 1)
	for _, tt := range []struct {
		name string
		in   []hydrated
		want []string
	}{
		{"a copy under another title", []hydrated{doc("a", "Travel", rule, october), doc("b", "Trips", strings.ReplaceAll(rule, "\n", "  "), later)}, []string{"a b"}},
		{"another number, no dates", []hydrated{doc("a", "Travel", rule, time.Time{}), doc("b", "Travel", sixty, time.Time{})}, []string{"a", "b"}},
		{"another number, another title", []hydrated{doc("a", "Travel 2025", rule, october), doc("b", "Travel 2026", sixty, later)}, []string{"a", "b"}},
		{"an older version", []hydrated{doc("a", "Travel", rule, later), doc("b", "Travel (1) final", sixty, october)}, []string{"a b-"}},
		{"a newer version", []hydrated{doc("a", "Travel", rule, october), doc("b", "Copy of Travel", sixty, later)}, []string{"b a-"}},
		{"an edited version", []hydrated{doc("a", "Travel", edited, later), doc("b", "Travel v2", rule, october)}, []string{"a b-"}},
		{"two of one document", []hydrated{doc("a", "Travel", rule, october), doc("a", "Travel", rule, october)}, []string{"a", "a"}},
		{"another text", []hydrated{doc("a", "Travel", rule, october), doc("b", "Travel", strings.Repeat("The kitchen closes at six. ", 9), later)}, []string{"a", "b"}},
		{"short by chance", []hydrated{doc("a", "Travel", "See also: contacts.", october), doc("b", "Parking", "See also: contacts.", later)}, []string{"a", "b"}},
		{"no words", []hydrated{doc("a", "", "…", october), doc("b", "", "…", october)}, []string{"a", "b"}},
		{"a copy that says it twice", []hydrated{doc("a", "Travel", rule, october), doc("b", "Trips", rule, later), doc("b", "Trips", rule, later)}, []string{"a b"}},
		{"a copy with a newer version", []hydrated{doc("a", "Travel", rule, october), doc("b", "Travel", rule, later), doc("b", "Travel", sixty, later)}, []string{"b a-", "b"}},
		{"three", []hydrated{doc("a", "Travel", rule, october), doc("b", "Travel", rule, october), doc("c", "Travel", sixty, later)}, []string{"c a- b-"}},
		{"a copy of the older under another title", []hydrated{doc("a", "Travel", rule, october), doc("b", "Trips", rule, october), doc("c", "Travel", sixty, later)}, []string{"c a-", "b"}},
		{"three versions", []hydrated{doc("a", "Travel", rule, october), doc("b", "Travel", sixty, later), doc("c", "Travel", strings.Replace(rule, "30 days", "90 days", 1), later.Add(time.Hour))}, []string{"c b- a-"}},
	} {
		if diff := cmp.Diff(tt.want, folded(new(folder), tt.in...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := folded(&folder{copiesOnly: true}, doc("a", "Travel", rule, later), doc("b", "Travel", sixty, october), doc("c", "x", rule, october)); !cmp.Equal(got, []string{"a c", "b"}) {
		t.Errorf("for an answer: %v", got)
	}
	f := new(folder)
	folded(f, doc("a", "Travel", rule, october))
	if got := folded(f, doc("b", "Travel", rule, later), doc("c", "Travel", sixty, october.Add(-time.Hour))); got != nil {
		t.Errorf("of the next block: %v", got)
	}
	if got := folded(f, doc("d", "Travel", sixty, later)); !cmp.Equal(got, []string{"d a-"}) {
		t.Errorf("a newer version in a later block: %v", got)
	}
}

// TestFoldManyVersions has each version newer than those before, which must not take
// longer than the same the other way round, where none takes a place.
func TestFoldManyVersions(t *testing.T) {
	const n = 2_000
	fold := func(newest int) time.Duration {
		var in []hydrated
		for i := range n {
			h := doc("d"+strconv.Itoa(i), "Travel", strings.Replace(rule, "30 days", strconv.Itoa(i)+" days", 1), october.Add(-time.Duration(max(i-newest, newest-i))*time.Hour))
			h.Score = 1 - float64(i)/n
			in = append(in, h)
		}
		began, f := time.Now(), new(folder)
		for window := range slices.Chunk(in, 50) {
			f.add(window)
		}
		got := f.close()
		took := time.Since(began)
		if len(got) != 1 || got[0].chunk.Passage.Document != in[newest].chunk.Passage.Document || got[0].Score != 1 || len(got[0].copies)+got[0].more != n-1 {
			t.Errorf("%d results, the first %s with %d copies; want the newest with all others", len(got), got[0].chunk.Passage.Document, got[0].more)
		}
		return took
	}
	up, down := fold(n-1), fold(0)
	for range 2 {
		up, down = min(up, fold(n-1)), min(down, fold(0))
	}
	if up > 10*down {
		t.Errorf("%v where each is newer than those before, %v where each is older", up, down)
	}
}

// TestFoldDrift has versions each of which says what the one before says, and the last
// not what the first says.
func TestFoldDrift(t *testing.T) {
	words := strings.Fields(rule)
	var in []hydrated
	for i := range 9 {
		for j := range 2 * i {
			words[j] = "other" + strings.Repeat("x", j)
		}
		in = append(in, doc(string(rune('a'+i)), "Travel", strings.Join(words, " "), october.AddDate(0, 0, i)))
		in[i].Score = 1 - float64(i)/10
	}
	want := []string{"i h-", "d c- b- a-", "g f- e-"}
	if diff := cmp.Diff(want, folded(new(folder), in...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkFold(b *testing.B) {
	var in []hydrated
	for i := range 50 {
		in = append(in, doc(string(rune('a'+i)), "Travel", strings.Repeat(rule[i:], 3), october))
	}
	for b.Loop() {
		f := new(folder)
		f.add(in)
		f.close()
	}
}
