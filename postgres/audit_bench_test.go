package postgres

import (
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// BenchmarkAppendAudit stores batches of searches that have shown ten documents
// each, and checks them.
func BenchmarkAppendAudit(b *testing.B) {
	f := newFixture(b)
	batch := someEvents(256)
	for i := range batch {
		batch[i].Documents = nil
		for range 10 {
			batch[i].Documents = append(batch[i].Documents, cairn.DocumentID(cairn.NewID()))
		}
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			f.check(f.AppendAudit(b.Context(), batch[:1]))
		}
	})
	b.Run("256", func(b *testing.B) {
		for b.Loop() {
			f.check(f.AppendAudit(b.Context(), batch))
		}
		b.ReportMetric(float64(256*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("verify", func(b *testing.B) {
		var v audit.Verification
		for b.Loop() {
			v = f.verified()
		}
		if v.Broken != nil {
			b.Fatal(v.Broken)
		}
		b.ReportMetric(float64(v.Rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
