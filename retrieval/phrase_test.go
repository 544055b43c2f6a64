package retrieval_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// embedder records what it is asked for.
type embedder struct {
	llm.Embedder
	texts []string
}

func (e *embedder) Embed(_ context.Context, _ llm.Role, texts []string) ([][]float32, error) {
	e.texts = append(e.texts, texts...)
	return [][]float32{{1}}, nil
}

// found returns the documents of the results in order.
func found(t *testing.T, s *shelf, e llm.Embedder, q cairn.Query) ([]string, retrieval.Results) {
	t.Helper()
	q.Viewer.Account = "ann"
	q.Limit = 100
	res, err := retrieval.New(retrieval.Config{Index: s, Chunks: s, Embedder: e, Log: slog.New(slog.DiscardHandler)}).Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range res.Passages {
		names = append(names, string(p.Document))
	}
	return names, res
}

func TestPhrases(t *testing.T) {
	s := &shelf{
		documents: []string{"a", "b", "c", "d", "e"},
		bodies:    []string{"The annual report.", "The report is annual.", "ANNUAL\nREPORT of a draft copy", "Annual report, withdrawn.", "None."},
		hidden:    map[int64]bool{4: true},
		vectors:   []retrieval.Hit{{Chunk: 5, Score: 3}, {Chunk: 1, Score: 2}, {Chunk: 2, Score: 1}, {Chunk: 4, Score: 1}},
	}
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{`"annual report"`, []string{"a", "c"}},
		{`"annual report" -"draft copy"`, []string{"a"}},
		{`report -"annual report"`, []string{"e", "b"}}, // d: withdrawn, so nothing is known of it
		{`"title b"`, []string{"b"}},
		{`"part"`, []string{"a", "e", "b", "c"}},
		{`"head part"`, nil}, // of two headings
	} {
		for _, mode := range []cairn.Mode{cairn.ModeLexical, cairn.ModeHybrid, cairn.ModeDense} {
			want := slices.Clone(tt.want)
			if mode == cairn.ModeDense {
				want = slices.DeleteFunc(want, func(name string) bool { return name == "c" })
			}
			got, res := found(t, s, &embedder{}, cairn.Query{Text: tt.query, Mode: mode})
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) || len(res.Notices) != 0 {
				t.Errorf("%s, %s: %v %v, want %v", tt.query, mode, got, res.Notices, want)
			}
		}
	}
}

// The index takes the query apart itself; what is embedded has no operators.
func TestOperatorsAreNotEmbedded(t *testing.T) {
	for query, literal := range map[string]bool{`the "annual report" -draft`: false, `"why" -really?`: true} {
		s, e := &shelf{documents: []string{"a"}, bodies: []string{"The annual report"}}, &embedder{}
		want := "the annual report"
		if literal {
			want = query
		}
		found(t, s, e, cairn.Query{Text: query, Literal: literal})
		if !slices.Equal(e.texts, []string{want}) || s.queries[0].Text != query || s.queries[0].Literal != literal {
			t.Errorf("%s: embedded %q, asked the index %+v", query, e.texts, s.queries)
		}
		if literal != (len(s.texts) == 0) {
			t.Errorf("%s: texts of %v were compared", query, s.texts)
		}
	}
}

func TestQueryThatOnlyExcludes(t *testing.T) {
	r := newRetriever(&shelf{documents: []string{"a"}})
	if _, err := r.Search(t.Context(), cairn.Query{Text: `-draft -"first copy"`}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("%v; want ErrInvalid", err)
	}
	if _, err := r.Search(t.Context(), cairn.Query{Text: "-draft", Literal: true}); err != nil {
		t.Errorf("taken literally: %v", err)
	}
}

// What was not checked may be missing, whether the phrase must be there or must not.
func TestTruncationSaysWhatMayBeMissing(t *testing.T) {
	s := &shelf{}
	for i := range 1001 {
		s.documents, s.bodies = append(s.documents, "a"+strconv.Itoa(i)), append(s.bodies, "report, first draft")
	}
	for query, want := range map[string]string{
		`"annual report"`:             "the phrase; others may hold it too",
		`report -"first draft"`:       "the excluded phrase; others may be without it too",
		`"my report" -"second draft"`: "the phrase; others may hold it too",
		`report -"second draft"`:      "", // 200 are found
	} {
		_, res := found(t, s, nil, cairn.Query{Text: query})
		got := ""
		for _, n := range res.Notices {
			got += n.Message
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", query, got, want)
		}
	}
}

// TestFewTextsAreRead counts for how many chunks the database is asked.
func TestFewTextsAreRead(t *testing.T) {
	for _, tt := range []struct {
		name         string
		chunks, hold int // the last of the chunks hold the phrase
		read         int
		results      int
		truncated    bool
	}{
		{"all hold it", 3000, 3000, 200, 100, false},
		{"few", 900, 7, 900, 7, false},
		{"as many as may be", 1000, 1, 1000, 1, false},
		{"too many", 1001, 2, 1000, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &shelf{}
			for i := range tt.chunks {
				s.documents, s.bodies = append(s.documents, "a"+strconv.Itoa(i)), append(s.bodies, "report, annual")
				if i >= tt.chunks-tt.hold {
					s.bodies[i] = "annual report"
				}
				s.vectors = append(s.vectors, retrieval.Hit{Chunk: int64(i + 1), Score: 1})
			}
			names, res := found(t, s, &embedder{}, cairn.Query{Text: `"annual report"`})
			read := slices.Concat(s.texts...)
			slices.Sort(read)
			if len(read) != tt.read || len(slices.Compact(read)) != tt.read || len(s.texts) > 5 {
				t.Errorf("%d texts were read in %d calls, want %d, each once", len(read), len(s.texts), tt.read)
			}
			if len(names) != tt.results || (len(res.Notices) == 1) != tt.truncated {
				t.Errorf("%d results, notices %v", len(names), res.Notices)
			}
		})
	}
}

// TestManyOperators also repeats one more often than there may be different ones.
func TestManyOperators(t *testing.T) {
	s := &shelf{documents: []string{"a"}, bodies: []string{strings.Repeat("x1 x2 x3 x4 ", 9)}}
	query := strings.Repeat(`"x1" `, 40)
	for i := range lexical.MaxOperators - 1 {
		query += "-w" + strconv.Itoa(i) + " "
	}
	if names, _ := found(t, s, nil, cairn.Query{Text: query}); len(names) != 1 {
		t.Errorf("%d operators find %v", lexical.MaxOperators, names)
	}
	for _, more := range []string{`"x2"`, "-w99"} {
		_, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: query + more})
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), "at most 32") {
			t.Errorf("one more, %s: %v; want ErrInvalid", more, err)
		}
		if _, err := newRetriever(s).Search(t.Context(), cairn.Query{Text: query + more, Literal: true}); err != nil {
			t.Errorf("taken literally: %v", err)
		}
	}
}

// TestTextsAreReadOnceInAllRounds has as many copies as make a search ask for more.
func TestTextsAreReadOnceInAllRounds(t *testing.T) {
	s := &shelf{}
	for range 900 {
		s.documents, s.bodies = append(s.documents, "long"), append(s.bodies, "annual report")
	}
	if names, _ := found(t, s, nil, cairn.Query{Text: `"annual report"`}); len(names) != 3 {
		t.Errorf("%v; want three of the document", names)
	}
	read := slices.Concat(s.texts...)
	slices.Sort(read)
	if n := len(slices.Compact(slices.Clone(read))); n != len(read) || n <= 200 {
		t.Errorf("%d texts were read %d times; want more than those of a first round, each once", n, len(read))
	}
}
