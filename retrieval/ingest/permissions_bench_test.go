package ingest_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"strconv"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// benchChunks is how many passages each document has.
const benchChunks = 3

// benchDocuments returns how many documents CAIRN_BENCH_PERMISSIONS asks for.
func benchDocuments(b *testing.B) int {
	b.Helper()
	n := 10_000
	if text := os.Getenv("CAIRN_BENCH_PERMISSIONS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		check(b, err)
	}
	return n
}

// register is a source that tells without delay who may read n documents: those of
// one of 100 groups each. Of so many in a thousand it tells another one each round.
type register struct{ n, changing, round int }

func (r register) Changes(context.Context, connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(func(connectors.Change, error) bool) {}
}

func (r register) group(i int) cairn.ACL {
	if i%1000 < r.changing {
		i += r.round
	}
	return cairn.Allow(cairn.GroupKey("cairn", fmt.Sprint(i%100)))
}

func (r register) Permissions(context.Context) iter.Seq2[connectors.Permission, error] {
	return func(yield func(connectors.Permission, error) bool) {
		for i := range r.n {
			acl := r.group(i)
			if !yield(connectors.Permission{External: fmt.Sprintf("documents/%07d", i), ACL: &acl}, nil) {
				return
			}
		}
	}
}

// store stores the documents with short texts and no vectors.
func (r register) store(b *bench) {
	b.t.Helper()
	const batch = 1000
	text := []byte("One sentence. And another one. And the last one.")
	for from := 0; from < r.n; from += batch {
		var puts []ingest.Put
		for i := from; i < min(from+batch, r.n); i++ {
			p := ingest.Put{OwnACL: true, Revision: "1", Fingerprint: "1", Document: cairn.Document{
				ID: cairn.DocumentID(cairn.NewID()), External: fmt.Sprintf("documents/%07d", i), Version: cairn.VersionOf(text), Kind: cairn.KindPage,
				Title: "A document", Body: text, ACL: r.group(i),
			}}
			for c := range benchChunks {
				p.Chunks = append(p.Chunks, ingest.Chunk{Start: 10 * c, End: 10*c + 10, Terms: []byte{}})
			}
			puts = append(puts, p)
		}
		_, err := b.store.Commit(b.t.Context(), ingest.Batch{Source: b.source.ID, Puts: puts})
		check(b.t, err)
	}
	_, err := b.db.Worker().Exec(b.t.Context(), `SELECT analyze_documents()`)
	check(b.t, err)
}

// BenchmarkPermissions measures runs that only bring permissions, without the time
// that the source takes to tell them.
func BenchmarkPermissions(b *testing.B) {
	r := register{n: benchDocuments(b)}
	s := newBench(b)
	r.store(s)
	for _, changing := range []int{0, 10, 100} {
		b.Run(fmt.Sprintf("%d-documents/%.1f%%-changed", r.n, float64(changing)/10), func(b *testing.B) {
			s.t = b
			for b.Loop() {
				r.changing = changing
				r.round++
				taken := s.take(cairn.SyncOptions{PermissionsOnly: true})
				result, err := s.permitted(r, taken)
				check(b, err)
				check(b, s.db.FinishRun(b.Context(), taken.Lease, jobs.Ending{State: cairn.RunSucceeded}))
				if want := (r.n + 999) / 1000 * changing; changing == 0 && result.Counts.Modified > 0 && r.round > 1 || changing > 0 && result.Counts.Modified > 2*want {
					b.Fatalf("%+v", result.Counts)
				}
				b.ReportMetric(float64(result.Counts.Modified), "changed")
			}
		})
	}
}
