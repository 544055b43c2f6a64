package retrieval_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// shelf is an index and its chunks: number i, from 1, is of the document that
// documents[i-1] names and lies in the source of that name's first letter.
type shelf struct {
	documents []string
	bodies    []string        // of the chunks; may be shorter
	hidden    map[int64]bool  // from the viewer, since the index was read
	vectors   []retrieval.Hit // what the dense leg finds
	queries   []cairn.Query   // that the legs were asked
	hydrated  int             // chunks
	texts     [][]int64       // chunks whose text was read, call by call
}

func (s *shelf) Begin(context.Context) (retrieval.Legs, error) { return s, nil }

func (s *shelf) Lexical(_ context.Context, q cairn.Query, limit int) (retrieval.Words, error) {
	s.queries = append(s.queries, q)
	var hits []retrieval.Hit
	for i := range s.documents[:min(limit, len(s.documents))] {
		hits = append(hits, retrieval.Hit{Chunk: int64(i + 1), Score: float64(len(s.documents) - i)})
	}
	return retrieval.Words{Hits: hits}, nil
}

func (s *shelf) Nearest(_ context.Context, _ cairn.Query, _ []float32, limit int) ([]retrieval.Hit, error) {
	return s.vectors[:min(limit, len(s.vectors))], nil
}

func (s *shelf) Count(_ context.Context, chunks []int64) (sources, kinds map[string]int, err error) {
	sources = make(map[string]int)
	for _, id := range chunks {
		sources[s.documents[id-1][:1]]++
	}
	return sources, map[string]int{"page": len(chunks)}, nil
}

func (s *shelf) Documents(_ context.Context, ids []int64) (map[int64]cairn.DocumentID, error) {
	of := make(map[int64]cairn.DocumentID)
	for _, id := range ids {
		of[id] = cairn.DocumentID(s.documents[id-1])
	}
	return of, nil
}

func (s *shelf) Texts(_ context.Context, v cairn.Viewer, ids []int64) ([]retrieval.ChunkText, error) {
	if v.Account != "" && v.Account != "ann" {
		return nil, errors.New("not the viewer of the query")
	}
	s.texts = append(s.texts, ids)
	var texts []retrieval.ChunkText
	for _, id := range slices.Backward(ids) {
		if s.hidden[id] {
			continue
		}
		t := retrieval.ChunkText{ID: id, Title: "Title " + s.documents[id-1], Heading: []string{"Head", "Part"}}
		if int(id) <= len(s.bodies) {
			t.Body = s.bodies[id-1]
		}
		texts = append(texts, t)
	}
	return texts, nil
}

func (s *shelf) Hydrate(_ context.Context, _ cairn.Viewer, ids []int64) ([]retrieval.Chunk, error) {
	s.hydrated += len(ids)
	var chunks []retrieval.Chunk
	for _, id := range ids {
		name := s.documents[id-1]
		chunks = append(chunks, retrieval.Chunk{ID: id, Passage: cairn.Passage{
			Document: cairn.DocumentID(name), Source: name[:1], Kind: cairn.KindPage,
		}})
	}
	return chunks, nil
}

func (s *shelf) Bodies(context.Context, cairn.Viewer, []retrieval.Range) ([]retrieval.RangeText, error) {
	return nil, errors.New("not asked for in a search")
}

func newRetriever(s *shelf) *retrieval.Retriever {
	return retrieval.New(retrieval.Config{Index: s, Chunks: s, Log: slog.New(slog.DiscardHandler)})
}

// TestFacetsDoNotDependOnThePage asks for pages of every size and place.
func TestFacetsDoNotDependOnThePage(t *testing.T) {
	s := &shelf{documents: []string{"a0", "a0", "a0", "a0", "a0"}} // three of them are among the first ten
	for i := len(s.documents); i < 150; i++ {
		source := "a"
		if i >= 20 {
			source = "b"
		}
		s.documents = append(s.documents, source+strconv.Itoa(i))
	}
	want := map[string]map[string]int{"source": {"a": 20, "b": 130}, "kind": {"page": 150}}
	r := newRetriever(s)
	for _, limit := range []int{1, 10, 50, 100} {
		for _, offset := range []int{0, 1, 60, 120, 1000} {
			res, err := r.Search(t.Context(), cairn.Query{Text: "word", Limit: limit, Offset: offset})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, res.Facets); diff != "" {
				t.Errorf("limit %d, offset %d: %s", limit, offset, diff)
			}
			if n := max(min(limit, 150-offset), 0); len(res.Passages) != n || res.More != (offset+limit < 150) {
				t.Errorf("limit %d, offset %d: %d passages, more %t; want %d", limit, offset, len(res.Passages), res.More, n)
			}
		}
	}
}

func TestSearchReadsNoMoreThanItMust(t *testing.T) {
	s := &shelf{}
	for i := range 150 {
		s.documents = append(s.documents, "a"+strconv.Itoa(i))
	}
	if _, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "word", Limit: 10}); err != nil || s.hydrated != 30 {
		t.Errorf("%d chunks were read, %v; want 30", s.hydrated, err)
	}
}

// Of a document that has its share of the first results no more is read, as long as
// others are looked for, however long it is.
func TestLittleIsReadOfALongDocument(t *testing.T) {
	s := &shelf{}
	for i := range 3000 {
		name := "long"
		if i%700 == 699 {
			name = "a" + strconv.Itoa(i)
		}
		s.documents = append(s.documents, name)
	}
	res, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "word", Limit: 10})
	if err != nil || len(res.Passages) != 7 || s.hydrated > 40 {
		t.Errorf("%d results, %v, of %d chunks that were read; want 7 of 34", len(res.Passages), err, s.hydrated)
	}
}

// What was put aside of a long document comes after the first ten, on whichever page.
func TestTheRestOfALongDocumentComesLater(t *testing.T) {
	s := &shelf{}
	for i := range 112 {
		name := "long"
		if i >= 100 {
			name = "a" + strconv.Itoa(i)
		}
		s.documents = append(s.documents, name)
	}
	var got []string
	for offset := 0; offset < 120; offset += 20 {
		res, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "word", Limit: 20, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range res.Passages {
			got = append(got, string(p.Document))
		}
	}
	want := []string{"long", "long", "long", "a100", "a101", "a102", "a103", "a104", "a105", "a106"}
	if len(got) != 112 || !slices.Equal(got[:10], want) {
		t.Fatalf("%d results, the first of them %v; want 112 and %v", len(got), got[:min(10, len(got))], want)
	}
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 13 {
		t.Errorf("of %d documents, want 13", n)
	}
}

// Text that was copied from a page has characters that nobody sees.
func TestQueriesAreNormalisedAsDocumentsAre(t *testing.T) {
	s := &shelf{documents: []string{"a"}}
	if _, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "ho\u00adtel\u200b li\ufe0fmit\u2060 cafe\u0301"}); err != nil {
		t.Fatal(err)
	}
	if got := s.queries[0].Text; got != "hotel limit café" {
		t.Errorf("the index was asked for %q", got)
	}
	if _, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "\u200b\u00ad"}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("nothing that shows: %v; want ErrInvalid", err)
	}
}

func TestQueriesThatAreWrong(t *testing.T) {
	r := newRetriever(&shelf{documents: []string{"a"}})
	for _, q := range []cairn.Query{{}, {Text: " \t\n"}, {Text: "word", Mode: "magic"}} {
		if _, err := r.Search(t.Context(), q); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%+v: %v; want ErrInvalid", q, err)
		}
	}
}

// TestFacetsAreTheSameOnEachPage has so much of one document that most of it is put
// aside until there are ten results.
func TestFacetsAreTheSameOnEachPage(t *testing.T) {
	s := &shelf{}
	for i := range 112 {
		name := "long"
		if i >= 100 {
			name = "a" + strconv.Itoa(i)
		}
		s.documents = append(s.documents, name)
	}
	for offset := 0; offset < 112; offset += 10 {
		res, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: "word", Limit: 10, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		if n := res.Facets["kind"]["page"]; n != 112 {
			t.Errorf("offset %d: the facets count %d, want all 112", offset, n)
		}
	}
}
