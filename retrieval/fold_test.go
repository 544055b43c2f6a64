package retrieval

import (
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
