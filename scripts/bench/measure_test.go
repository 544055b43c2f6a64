package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/retrieval"
)

func TestMeasureTellsCandidatesApart(t *testing.T) {
	calls := 0
	wait := func(d time.Duration) candidate {
		return func(context.Context, int) error { calls++; time.Sleep(d); return nil }
	}
	q, err := measure(t.Context(), 2, 5, wait(0), wait(5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if calls != 3*5*2 {
		t.Errorf("%d calls", calls)
	}
	if q[1].P50 < 5 || q[0].P50 >= q[1].P50 {
		t.Errorf("%+v", q)
	}
}

func TestEqualRanking(t *testing.T) {
	scores := map[int]float64{1: 3, 2: 2, 3: 2, 4: 1}
	numbers := map[int64]int{10: 1, 20: 2, 30: 3, 40: 4}
	for name, tt := range map[string]struct {
		hits []retrieval.Hit
		want bool
	}{
		"the same":       {[]retrieval.Hit{{Chunk: 10, Score: 3}, {Chunk: 20, Score: 2}, {Chunk: 30, Score: 2}, {Chunk: 40, Score: 1}}, true},
		"a tie swapped":  {[]retrieval.Hit{{Chunk: 10, Score: 3}, {Chunk: 30, Score: 2}, {Chunk: 20, Score: 2}, {Chunk: 40, Score: 1}}, true},
		"wrong order":    {[]retrieval.Hit{{Chunk: 20, Score: 2}, {Chunk: 10, Score: 3}, {Chunk: 30, Score: 2}, {Chunk: 40, Score: 1}}, false},
		"wrong score":    {[]retrieval.Hit{{Chunk: 10, Score: 3.1}, {Chunk: 20, Score: 2}, {Chunk: 30, Score: 2}, {Chunk: 40, Score: 1}}, false},
		"one is missing": {[]retrieval.Hit{{Chunk: 10, Score: 3}, {Chunk: 20, Score: 2}, {Chunk: 30, Score: 2}}, false},
		"unreadable":     {[]retrieval.Hit{{Chunk: 10, Score: 3}, {Chunk: 20, Score: 2}, {Chunk: 30, Score: 2}, {Chunk: 50, Score: 1}}, false},
	} {
		if same, _ := equalRanking(tt.hits, numbers, scores); same != tt.want {
			t.Errorf("%s: %v", name, same)
		}
	}
}

func TestRecall(t *testing.T) {
	scores := make([]float32, 30)
	visible := make([]bool, 30)
	for i := range scores {
		scores[i], visible[i] = float32(i), i < 25
	}
	j := &judge{scores: [][]float32{scores}}
	got, err := j.recall(visible, func(int) ([]int, error) { return []int{24, 24, 23, 22, 29, 3, 2, 5, 6, 7}, nil })
	if want := 6.0 / nearest; err != nil || got != want { // 24, 23, 22, 5, 6, 7
		t.Errorf("%v, want %v (%v)", got, want, err)
	}
}

func TestMedianInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	holds, width := 0, 0.0
	for range 40 {
		values := make([]float64, 300)
		for i := range values {
			values[i] = .1 + r.NormFloat64()
		}
		low, high := medianInterval(values)
		if m := median(values); m < low || m > high {
			t.Errorf("the median %v is not within %v and %v", m, low, high)
		}
		if low <= .1 && .1 <= high {
			holds++
		}
		width = max(width, high-low)
	}
	if holds < 34 || width > .5 { // 38 are expected, about .29 wide
		t.Errorf("%d of 40 intervals hold the true median, up to %v wide", holds, width)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("the median is %v", m)
	}
}

func TestReport(t *testing.T) {
	r := newReport()
	tab := r.table("Title", "viewer", "ms", "n")
	tab.row("10 %", 1500*time.Microsecond, 7)
	tab.note("A note of %d.", 1)
	var out strings.Builder
	tab.print(&out)
	if !strings.Contains(out.String(), "| viewer | ms | n |\n| --- | --- | --- |\n| 10 % | 1.5 | 7 |\n") {
		t.Error(out.String())
	}
	path := filepath.Join(t.TempDir(), "out.json")
	if err := r.writeJSON(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(b, &back); err != nil || back.Tables[0].Rows[0][1] != 1.5 {
		t.Error(string(b), err)
	}
}
