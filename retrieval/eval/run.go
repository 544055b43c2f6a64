package eval

import (
	"context"
	"fmt"
	"time"

	"github.com/cairnhq/cairn"
)

// Report is what a run measured. Its JSON form is that of `cairn eval run --json`.
type Report struct {
	Documents int        `json:"documents"`
	Queries   int        `json:"queries"`
	Mode      cairn.Mode `json:"mode"`
	NDCG10    float64    `json:"ndcg@10"`
	Recall5   float64    `json:"recall@5"`
	Recall20  float64    `json:"recall@20"`
	MRR10     float64    `json:"mrr@10"`
	Took      Quantiles  `json:"took_ms"`
	Ingest    Ingest     `json:"ingest"`
}

// Ingest is how fast the corpus was brought in.
type Ingest struct {
	Seconds            float64 `json:"seconds"`
	DocumentsPerSecond float64 `json:"documents_per_second"`
}

// depth is how many ranked passages are asked for, so that twenty documents
// remain when each counts once.
const depth = 100

// Search returns the external ids of the documents of the best passages for a
// text, best first, at most limit; a document may occur several times.
type Search func(ctx context.Context, text string, limit int) ([]string, error)

// Run measures a search on the first limit queries of a set (0: all). A
// document scores as its best passage.
func Run(ctx context.Context, s *Set, search Search, limit int) (Report, error) {
	queries := s.Queries
	if limit > 0 && limit < len(queries) {
		queries = queries[:limit]
	}
	r := Report{Documents: len(s.Documents), Queries: len(queries)}
	var took []time.Duration
	for _, q := range queries {
		began := time.Now()
		found, err := search(ctx, q.Text, depth)
		if err != nil {
			return Report{}, fmt.Errorf("query %s: %w", q.ID, err)
		}
		took = append(took, time.Since(began))
		ranked := firstOfEach(found)
		r.NDCG10 += NDCG(ranked, q.Relevant, 10)
		r.Recall5 += Recall(ranked, q.Relevant, 5)
		r.Recall20 += Recall(ranked, q.Relevant, 20)
		r.MRR10 += ReciprocalRank(ranked, q.Relevant, 10)
	}
	n := float64(len(queries))
	r.NDCG10, r.Recall5, r.Recall20, r.MRR10 = r.NDCG10/n, r.Recall5/n, r.Recall20/n, r.MRR10/n
	r.Took = QuantilesOf(took)
	return r, nil
}

func firstOfEach(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
