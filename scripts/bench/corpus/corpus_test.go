package corpus

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestInventedIsTheSameAtEveryRun(t *testing.T) {
	a, b := NewInvented(40), NewInvented(40)
	for d := range a.Documents() {
		again := b.Document(d.Number)
		if !reflect.DeepEqual(d, again) {
			t.Fatalf("document %d differs", d.Number)
		}
		if n, err := Number(d.ID); err != nil || n != d.Number {
			t.Fatal(n, err)
		}
	}
	if !reflect.DeepEqual(a.Realistic(5), b.Realistic(5)) {
		t.Error("questions differ")
	}
}

func TestSectionsBecomeChunks(t *testing.T) {
	c := NewInvented(200)
	chunks := 0
	for d := range c.Documents() {
		pieces, texts := d.Pieces()
		if len(pieces) != len(d.Sections) || len(texts) != len(pieces) {
			t.Fatalf("document %d: %d sections, %d pieces", d.Number, len(d.Sections), len(pieces))
		}
		chunks += len(pieces)
	}
	if chunks < 540 || chunks > 660 {
		t.Errorf("%d chunks in 200 documents", chunks)
	}
}

func TestViewersSeeTheirShares(t *testing.T) {
	c := NewInvented(20_000)
	p := c.Permissions()
	for i, s := range Shares() {
		if part := p.Part(i); math.Abs(part-s.Part)/s.Part > .05 {
			t.Errorf("%s: sees %v", s.Name, part)
		}
		for class := range c.Classes {
			if p.ACL(class).Admits(s.Viewer()) != p.Sees(i, class) {
				t.Fatalf("%s, class %d: the ACL says something else", s.Name, class)
			}
			if p.Sees(i, class) != slices.Contains(p.Classes(i), int32(class)) {
				t.Fatalf("%s, class %d: Classes says something else", s.Name, class)
			}
		}
	}
}

func TestFiltersKeepWhatTheySay(t *testing.T) {
	c := NewInvented(2000)
	for _, f := range c.Filters() {
		kept := 0
		for d := range c.Documents() {
			passes := !f.Filters.UpdatedAfter.IsZero() && d.Modified.After(f.Filters.UpdatedAfter) ||
				slices.Contains(f.Filters.Sources, d.Source) || f.Filters.Kind == d.Kind ||
				f.Filters.Author == d.Author || f.Filters.Attributes["grade"] == d.Attributes["grade"]
			if passes != f.Keep(d.Number) {
				t.Fatalf("%s %s, document %d: filter %v, Keep %v", f.Field, f.Name, d.Number, passes, f.Keep(d.Number))
			}
			if passes {
				kept++
			}
		}
		if kept != f.Kept {
			t.Errorf("%s %s: %d kept, not %d", f.Field, f.Name, kept, f.Kept)
		}
	}
}

func TestHeavyQuestions(t *testing.T) {
	const chunks = 10_000
	of := map[string]int{}
	frequency := func(words []string) (map[string]int, error) {
		for _, w := range words {
			of[w] = chunks / (4 + len(of)%40)
		}
		return of, nil
	}
	questions, err := NewInvented(1000).Heavy(101, chunks, frequency)
	if err != nil {
		t.Fatal(err)
	}
	var sums []int
	for _, q := range questions {
		sum := 0
		for _, w := range strings.Fields(q.Text) {
			sum += of[w]
		}
		sums = append(sums, sum)
	}
	slices.Sort(sums)
	if median := float64(sums[50]) / chunks; math.Abs(median-heavyShare) > .1 {
		t.Errorf("document frequencies sum to %v of the chunks at the median", median)
	}
}

func TestArtificialVectorsLieByTopic(t *testing.T) {
	a, c := Artificial{Seed: 1}, NewInvented(100)
	d := c.Document(0)
	near, far := 0.0, 0.0
	for n := range 20 {
		q := a.Query(n, &d)
		for other := range c.Documents() {
			v, err := a.Vectors(context.Background(), &other, []string{""})
			if err != nil {
				t.Fatal(err)
			}
			dot := 0.0
			for i := range q {
				dot += float64(q[i] * v[0][i])
			}
			if other.Topic == d.Topic {
				near = max(near, dot)
			} else {
				far = max(far, dot)
			}
		}
	}
	if near <= far {
		t.Errorf("the nearest of the topic: %v, of the others: %v", near, far)
	}
}
