package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// slowModel takes its time for each text, and refuses a request with a text that
// says so, or with too many.
type slowModel struct {
	*llmtest.Words
	each    time.Duration
	most    int   // texts of a request; 0: any number
	batches []int // sizes, as they came
}

func (m *slowModel) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	m.batches = append(m.batches, len(texts))
	took := time.Duration(0)
	for _, text := range texts {
		switch {
		case strings.Contains(text, "refused"):
			return nil, &llm.Error{Kind: llm.ErrRejected, Status: http.StatusBadRequest, Err: errors.New("no such text")}
		case strings.Contains(text, "endless"):
			took += time.Hour
		default:
			took += m.each
		}
	}
	if m.most > 0 && len(texts) > m.most {
		return nil, &llm.Error{Kind: llm.ErrRejected, Status: http.StatusRequestEntityTooLarge, Err: errors.New("too many texts")}
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
	}
	return m.Words.Embed(ctx, role, texts)
}

// pile is an ingest.Vectors in memory, of chunks from 1 on.
type pile struct {
	bodies  []string
	vectors map[int64][]float32
}

func newPile(n int) *pile {
	return &pile{bodies: slices.Repeat([]string{"a text"}, n), vectors: map[int64][]float32{}}
}

func (p *pile) Missing(_ context.Context, limit int, without []int64) (missing []ingest.Unembedded, _ error) {
	for i := len(p.bodies); i > 0 && len(missing) < limit; i-- {
		if chunk := int64(i); p.vectors[chunk] == nil && !slices.Contains(without, chunk) {
			missing = append(missing, ingest.Unembedded{Chunk: chunk, Body: p.bodies[i-1]})
		}
	}
	return missing, nil
}

func (p *pile) PutVectors(_ context.Context, vectors map[int64][]float32) error {
	for chunk, v := range vectors {
		if p.vectors[chunk] != nil {
			return fmt.Errorf("chunk %d is embedded twice", chunk)
		}
		p.vectors[chunk] = v
	}
	return nil
}

// without returns the chunks that have no vector.
func (p *pile) without() (chunks []int64) {
	for i := range p.bodies {
		if p.vectors[int64(i+1)] == nil {
			chunks = append(chunks, int64(i+1))
		}
	}
	return chunks
}

// newFiller returns a filler whose model is reached as over a network: with its
// time limit of 30 s and its breaker.
func newFiller(p *pile, m *slowModel) (*ingest.Filler, *bytes.Buffer) {
	m.Words = llmtest.NewWords(8)
	var log bytes.Buffer
	return &ingest.Filler{
		Vectors: p, Embedder: reliable.NewEmbedder(m, reliable.Config{}), Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, &log
}

func TestBatchesFitTheModel(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		each    time.Duration
		most    int
		largest int // batch that was answered
		limit   int // failures
	}{
		"a fast one":             {each: time.Millisecond, largest: 32},
		"half a second a text":   {each: 500 * time.Millisecond, largest: 16},
		"two seconds":            {each: 2 * time.Second, largest: 4},
		"eight seconds":          {each: 8 * time.Second, largest: 2, limit: 1},
		"twenty-five seconds":    {each: 25 * time.Second, largest: 1, limit: 2},
		"at most three a batch":  {each: time.Millisecond, most: 3, largest: 2, limit: 40},
		"at most sixteen a call": {each: time.Millisecond, most: 16, largest: 16, limit: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, m := newPile(250), &slowModel{each: tt.each, most: tt.most}
				f, log := newFiller(p, m)
				began := time.Now()
				check(t, f.All(t.Context()))
				if missing := p.without(); len(missing) > 0 {
					t.Errorf("%d chunks have no vector:\n%s", len(missing), log)
				}
				largest, failed := 0, 0
				for _, n := range m.batches {
					if time.Duration(n)*tt.each >= 30*time.Second || tt.most > 0 && n > tt.most {
						failed++
					} else {
						largest = max(largest, n)
					}
				}
				if largest != tt.largest || failed > tt.limit {
					t.Errorf("the largest batch has %d chunks, want %d; %d were too much, want at most %d", largest, tt.largest, failed, tt.limit)
				}
				if spent, want := time.Since(began), 250*tt.each+time.Duration(tt.limit)*30*time.Second; spent > want {
					t.Errorf("it took %v, want at most %v", spent, want)
				}
			})
		})
	}
}

func TestAChunkThatFailsAloneIsPutAside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := newPile(100), &slowModel{each: 10 * time.Millisecond}
		p.bodies[30], p.bodies[31], p.bodies[70] = "refused", "endless", "refused"
		f, log := newFiller(p, m)
		check(t, f.All(t.Context()))
		if missing := p.without(); !slices.Equal(missing, []int64{31, 32, 71}) {
			t.Errorf("the chunks %v have no vector:\n%s", missing, log)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 3 {
			t.Errorf("%d warnings:\n%s", n, log)
		}
		if n := slices.Max(m.batches[5:]); n < 8 {
			t.Errorf("after them the batches have at most %d chunks", n)
		}
		p.bodies[30], p.bodies[31], p.bodies[70] = "better", "better", "better"
		time.Sleep(61 * time.Minute)
		check(t, f.All(t.Context()))
		if missing := p.without(); len(missing) > 0 {
			t.Errorf("after an hour the chunks %v have no vector", missing)
		}
	})
}

func TestAModelThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text   string
		status error
		calls  int
	}{
		"every text is refused":  {text: "refused", calls: 5},
		"every text is too much": {text: "endless", calls: 5},
		"a wrong key":            {text: "a", status: &llm.Error{Kind: llm.ErrRejected, Status: http.StatusUnauthorized, Err: errors.New("no")}, calls: 1},
		"nobody is there":        {text: "a", status: &llm.Error{Kind: llm.ErrUnavailable, Err: errors.New("no route")}, calls: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, m := newPile(0), &slowModel{}
				p.bodies = slices.Repeat([]string{tt.text}, 50)
				f, _ := newFiller(p, m)
				m.Fail(tt.status)
				if err := f.All(t.Context()); err == nil {
					t.Error("no error")
				}
				if len(m.batches) != tt.calls {
					t.Errorf("batches of %v, want %d", m.batches, tt.calls)
				}
			})
		})
	}
}

// TestManyBadChunksDoNotStopTheOthers has a filler run on where the newest chunks
// are all refused.
func TestManyBadChunksDoNotStopTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := newPile(40), &slowModel{}
		for i := 20; i < 40; i++ {
			p.bodies[i] = "refused"
		}
		f, _ := newFiller(p, m)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		f.Run(ctx)
		if missing := p.without(); len(missing) != 20 {
			t.Errorf("the chunks %v have no vector", missing)
		}
	})
}
