package connectortest

import (
	"io"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

// BenchmarkSync reads a source from the beginning with connectors that connect returns,
// opens each document and reads it to its end, and keeps nothing: neither extraction nor
// storage is in the figures, and the work of the fake is, since it is in this process. It
// reports documents/s and the µs of processors a document, which say more of a machine with
// other work, and fails unless there are so many documents.
func BenchmarkSync(b *testing.B, documents int, connect func() connectors.Connector) {
	b.Helper()
	before := processorTime()
	for b.Loop() {
		n := 0
		for c, err := range connect().Changes(b.Context(), "") {
			if err != nil || c.Err != nil {
				b.Fatal(err, c.Err)
			}
			if c.Open == nil {
				continue
			}
			body, err := c.Open(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, body); err != nil {
				b.Fatal(err)
			}
			_ = body.Close()
			n++
		}
		if n != documents {
			b.Fatalf("%d documents, not %d", n, documents)
		}
	}
	took := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(documents)/took, "documents/s")
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(documents*b.N), "cpu-µs/document")
}
