package retrieval_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// library is a shelf whose chunks have bodies and sections: number i, from 1, is
// chunks[i-1], and they are found in that order.
type library struct {
	shelf
	chunks    []retrieval.Chunk
	texts     map[cairn.DocumentID]string
	withdrawn cairn.DocumentID  // since its chunks were read
	ranges    []retrieval.Range // that were asked for
	sections  []cairn.Section   // of the chunks of whichever range
}

// add puts a document of so many bytes on the shelf, of which no word is
// another's; its first section reaches to the first of ends, and so on.
func (l *library) add(name string, size int, ends ...int) []cairn.Section {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%s%d ", name, i)
	}
	if l.texts == nil {
		l.texts = map[cairn.DocumentID]string{}
	}
	l.texts[cairn.DocumentID(name)] = b.String()[:size]
	var sections []cairn.Section
	start := 0
	for _, end := range ends {
		sections = append(sections, cairn.Section{Heading: []string{"Contextual", "to " + fmt.Sprint(end)}, Start: start, End: end})
		start = end
	}
	return sections
}

// find adds a range of a document to what is found, behind what is there.
func (l *library) find(name string, start, end int, sections ...cairn.Section) {
	body := l.texts[cairn.DocumentID(name)]
	l.documents = append(l.documents, name)
	l.chunks = append(l.chunks, retrieval.Chunk{
		ID: int64(len(l.documents)), Sections: sections, BodySize: len(body),
		Passage: cairn.Passage{
			Document: cairn.DocumentID(name), Version: cairn.Version(name + "-v1"), Source: "s", Kind: cairn.KindPage,
			Title: "Contextual", Heading: []string{"Contextual", fmt.Sprint("at ", start)}, Start: start, End: end, Text: body[start:end],
		},
	})
}

func (l *library) Hydrate(_ context.Context, _ cairn.Viewer, ids []int64) ([]retrieval.Chunk, error) {
	var chunks []retrieval.Chunk
	for _, id := range ids {
		chunks = append(chunks, l.chunks[id-1])
	}
	return chunks, nil
}

func (l *library) Bodies(_ context.Context, _ cairn.Viewer, ranges []retrieval.Range) ([]retrieval.RangeText, error) {
	l.ranges = ranges
	bodies := make([]retrieval.RangeText, len(ranges))
	for i, r := range ranges {
		if r.Document != l.withdrawn && r.Version == cairn.Version(r.Document+"-v1") {
			bodies[i].Text = []byte(l.texts[r.Document][r.Start:r.End])
			bodies[i].Sections = l.sections
		}
	}
	return bodies, nil
}

// passages returns what a question is answered from as "1 a 0-40", and checks what
// holds of all passages.
func (l *library) passages(t *testing.T, budget int) []string {
	t.Helper()
	r := retrieval.New(retrieval.Config{Index: l, Chunks: l, Log: slog.New(slog.DiscardHandler)})
	found, err := r.Passages(t.Context(), cairn.Query{Text: "word"}, budget)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, p := range found {
		out = append(out, fmt.Sprintf("%d %s %d-%d", p.Number, p.Document, p.Start, p.End))
		if p.Text != l.texts[p.Document][p.Start:p.End] {
			t.Errorf("%s: the text is not that of its range: %.60q", out[i], p.Text)
		}
		if p.Title != "Contextual" || len(p.Heading) != 2 || strings.Contains(p.Text, "Contextual") {
			t.Errorf("%s: title %q and headings %q stand beside the text and not in it: %.60q", out[i], p.Title, p.Heading, p.Text)
		}
		if p.Score < 0 || i == 0 && p.Score != 1 || i > 0 && p.Score > found[i-1].Score {
			t.Errorf("%s: score %.2f; want 1 for the best, then less", out[i], p.Score)
		}
	}
	return out
}

func TestNeighboursBecomeOnePassage(t *testing.T) {
	l := &library{}
	l.add("long", 10_000)
	l.add("other", 10_000)
	l.find("long", 4000, 4400)
	l.find("long", 1600, 2000)
	l.find("other", 2000, 2400) // another document is no neighbour
	l.find("long", 1000, 1400)  // 200 bytes before one that is there
	l.find("long", 4601, 4700)  // 201 bytes behind one
	l.find("long", 1100, 1200)  // in one
	want := []string{"1 long 4000-4400", "2 long 1000-2000", "3 other 2000-2400", "4 long 4601-4700"}
	if diff := cmp.Diff(want, l.passages(t, 50_000)); diff != "" {
		t.Error(diff)
	}
}

// TestPlacesOfPassages asks for the sections of the chunks that a passage is of, and
// keeps those that it touches.
func TestPlacesOfPassages(t *testing.T) {
	l := &library{}
	l.add("long", 10_000)
	l.add("short", 400)
	for i, start := range []int{4000, 1600, 1000} {
		l.find("long", start, start+400)
		l.chunks[i].Ordinal = []int{9, 5, 3}[i]
	}
	l.find("short", 100, 200)
	l.chunks[3].Ordinal = 1
	for _, start := range []int{0, 1000, 1500, 2000, 4100} {
		l.sections = append(l.sections, cairn.Section{Heading: []string{fmt.Sprint(start)}, Start: start, End: start + 500})
	}
	found, err := retrieval.New(retrieval.Config{Index: l, Chunks: l, Log: slog.New(slog.DiscardHandler)}).Passages(t.Context(), cairn.Query{Text: "word"}, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, r := range l.ranges {
		line := fmt.Sprint(r.Document, " ", r.Start, "-", r.End, " of ", r.First, "-", r.Last, ":")
		for _, p := range found[i].Places {
			line += " " + p.Heading[0]
		}
		got = append(got, line)
	}
	want := []string{"long 4000-4400 of 9-9: 4100", "long 1000-2000 of 3-5: 1000 1500", fmt.Sprint("short 0-400 of 0-", math.MaxInt, ": 0")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheGapBetweenNeighboursCountsAgainstTheBudget(t *testing.T) {
	l := &library{}
	l.add("long", 10_000)
	l.find("long", 1000, 1400)
	l.find("long", 1600, 2000) // with the gap, 600 bytes more
	l.find("long", 3000, 3400)
	if diff := cmp.Diff([]string{"1 long 1000-1400", "2 long 3000-3400"}, l.passages(t, 999)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 long 1000-2000"}, l.passages(t, 1000)); diff != "" {
		t.Error(diff)
	}
}

func TestTheBetterNeighbourNamesThePassage(t *testing.T) {
	l := &library{}
	l.add("long", 10_000)
	l.find("long", 1600, 2000)
	l.find("long", 1200, 1500)
	r := retrieval.New(retrieval.Config{Index: l, Chunks: l, Log: slog.New(slog.DiscardHandler)})
	found, err := r.Passages(t.Context(), cairn.Query{Text: "word"}, 5000)
	if err != nil || len(found) != 1 || found[0].Heading[1] != "at 1600" || found[0].Score != 1 {
		t.Errorf("%+v, %v; want one, with heading and score of the chunk at 1600", found, err)
	}
}

func TestPassagesAreWidenedToTheirSections(t *testing.T) {
	l := &library{}
	sections := l.add("long", 12_000, 1000, 4000, 7001, 7900, 8500)
	l.find("long", 2000, 2100, sections...) // in a section of 3,000 bytes
	l.find("long", 5000, 5100, sections...) // in one of 3,001
	l.find("long", 7890, 7910, sections...) // in two
	l.find("long", 9000, 9100, sections...) // in none
	want := []string{"1 long 1000-4000", "2 long 5000-5100", "3 long 7001-8500", "4 long 9000-9100"}
	if diff := cmp.Diff(want, l.passages(t, 50_000)); diff != "" {
		t.Error(diff)
	}
}

func TestShortBodiesOfTheBestDocumentsAreTakenWhole(t *testing.T) {
	l := &library{}
	for _, d := range []struct {
		name string
		size int
	}{{"short", 5000}, {"long", 5001}, {"third", 800}, {"fourth", 800}} {
		l.add(d.name, d.size)
		l.find(d.name, 100, 200)
	}
	want := []string{"1 short 0-5000", "2 long 100-200", "3 third 0-800", "4 fourth 100-200"}
	if diff := cmp.Diff(want, l.passages(t, 50_000)); diff != "" {
		t.Error(diff)
	}
}

// TestPassagesAreWidenedWhileTheBudgetLasts also has a chunk that no longer fits
// before one that does.
func TestPassagesAreWidenedWhileTheBudgetLasts(t *testing.T) {
	l := &library{}
	l.add("a", 800)
	sections := l.add("b", 8000, 500)
	l.add("c", 8000)
	l.add("d", 8000)
	l.find("a", 100, 200)
	l.find("b", 100, 200, sections...)
	l.find("c", 100, 300)
	l.find("d", 100, 200)
	for _, tt := range []struct {
		budget int
		want   []string
	}{
		{50, nil},
		{100, []string{"1 a 100-200"}},
		{1000, []string{"1 a 0-800", "2 b 100-200", "3 d 100-200"}},
		{1300, []string{"1 a 0-800", "2 b 0-500"}},
		{1600, []string{"1 a 0-800", "2 b 0-500", "3 c 100-300", "4 d 100-200"}},
	} {
		if diff := cmp.Diff(tt.want, l.passages(t, tt.budget)); diff != "" {
			t.Errorf("budget %d: %s", tt.budget, diff)
		}
	}
}

// TestPassagesComeBestFirstAndAreNumbered mixes two documents, and a third that is
// withdrawn before its text is read.
func TestPassagesComeBestFirstAndAreNumbered(t *testing.T) {
	l := &library{withdrawn: "gone"}
	for _, name := range []string{"a", "b", "gone"} {
		l.add(name, 10_000)
	}
	l.find("a", 5000, 5100)
	l.find("b", 100, 200)
	l.find("gone", 100, 200)
	l.find("a", 1000, 1100)
	l.find("b", 9000, 9100)
	want := []string{"1 a 5000-5100", "2 b 100-200", "3 a 1000-1100", "4 b 9000-9100"}
	if diff := cmp.Diff(want, l.passages(t, 50_000)); diff != "" {
		t.Error(diff)
	}
}
