package lexical

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func benchmarkEntries(n int, first int64) []Entry {
	rng := rand.New(rand.NewPCG(1, uint64(first)))
	words := make([]uint64, 300_000) // by rank
	for i := range words {
		words[i] = Hash(fmt.Sprint(i))
	}
	entries := make([]Entry, n)
	for i := range entries {
		tf := map[uint64]uint8{}
		for range 140 {
			tf[words[int(math.Pow(float64(len(words)), rng.Float64()))-1]]++
		}
		entries[i] = Entry{Chunk: first + int64(i), Length: 60 + rng.IntN(200), Language: "en", Terms: encoded(tf)}
	}
	return entries
}

func benchmarkSegment(t fataler, n int) (*Segment, store) {
	b, err := Build(benchmarkEntries(n, 1))
	return finish(t, b, err)
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{5000, 50_000} {
		entries := benchmarkEntries(n, 1)
		b.Run(fmt.Sprintf("chunks=%d", n), func(b *testing.B) {
			size := 0
			for b.Loop() {
				builder, err := Build(entries)
				if err != nil {
					b.Fatal(err)
				}
				size = 0
				for row, err := range builder.Rows() {
					if err != nil {
						b.Fatal(err)
					}
					size += len(row.Data)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "chunks/s")
			b.ReportMetric(float64(size)/float64(n), "B/chunk")
		})
	}
}

// sortedStore answers ranges without sorting anew.
func sortedStore(rows store) Source {
	keys := slices.Sorted(maps.Keys(rows))
	return Source{Rows: func(from, to int64) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			i, _ := slices.BinarySearch(keys, from)
			for ; i < len(keys) && keys[i] <= to; i++ {
				if !yield(Row{keys[i], rows[keys[i]]}, nil) {
					return
				}
			}
		}
	}}
}

func BenchmarkMerge(b *testing.B) {
	sources := make([]Source, 10)
	for i := range sources {
		builder, err := Build(benchmarkEntries(5000, int64(1+5000*i)))
		s, rows := finish(b, builder, err)
		sources[i] = sortedStore(rows)
		sources[i].Segment = s
	}
	b.ReportAllocs()
	for b.Loop() {
		builder, err := Merge(sources)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range builder.Rows() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(50_000*b.N)/b.Elapsed().Seconds(), "chunks/s")
}

// Questions of eight words, half of them common, and of eight groups of three.
func BenchmarkSegmentSearch(b *testing.B) {
	s, rows := benchmarkSegment(b, 50_000)
	classes := make([]uint32, len(s.Chunks))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range classes {
		classes[i] = 1 + rng.Uint32N(100)
	}
	for _, alternatives := range []int{1, 3} {
		for _, percent := range []int{100, 40, 10, 2} {
			visible := make([]uint8, 101)
			for i := range percent {
				visible[i+1] = 1
			}
			b.Run(fmt.Sprintf("alternatives=%d/sees=%d%%", alternatives, percent), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(5, 6))
				stored, matched := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					var terms []QueryTerm
					for g := range 8 {
						low := []float64{3, 300}[g%2]
						for range alternatives {
							terms = append(terms, QueryTerm{Hash: Hash(fmt.Sprint(int(low * math.Pow(100, rng.Float64())))), Group: g, Weight: 1})
						}
					}
					m, err := s.Match(terms, func(key int64) []byte { stored += len(rows[key]); return rows[key] }, classes, visible)
					if err != nil {
						b.Fatal(err)
					}
					matched += len(m.postings)
					m.Top(Stats{Chunks: 500 * percent, Length: int64(80_000 * percent), Frequencies: m.Frequencies()}, nil, 200)
					m.Release()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(stored)*postingSize, "ns/stored-posting")
				b.ReportMetric(float64(matched)/float64(b.N), "matched/op")
			})
		}
	}
}
