package jobs

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn/retrieval/ingest"
)

func TestRateIsThatOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracker()
		rate := func(what string, want float64) {
			t.Helper()
			if got := p.now().Rate; math.Abs(got-want) > want/10 {
				t.Errorf("%s: %.2f documents a second, want about %.2f", what, got, want)
			}
		}
		rate("at the beginning", 0)
		scanned := 0
		batches := func(n, size int) {
			for range n {
				time.Sleep(time.Second)
				scanned += size
				p.reached(ingest.PhaseReading, scanned)
			}
		}
		batches(10, 64)
		rate("ten seconds later", 64)
		batches(600, 64)
		rate("ten minutes later", 64)
		batches(120, 8)
		rate("slower", 8)
		time.Sleep(30 * time.Second)
		rate("half a minute of nothing", 4)
		time.Sleep(time.Minute)
		rate("a minute of nothing", 0)
		if len(p.marks) > 62 {
			t.Errorf("%d marks are kept", len(p.marks))
		}
	})
}

func TestPhaseIsToldOnce(t *testing.T) {
	p := newTracker()
	told := func(what, phase string, want bool) {
		t.Helper()
		got := false
		select {
		case <-p.changed:
			got = true
		default:
		}
		if got != want || p.now().Phase != phase {
			t.Errorf("%s: told %t, in the phase %q", what, got, p.now().Phase)
		}
	}
	told("nothing", "", false)
	p.reached(ingest.PhaseListing, 0)
	told("listing", "listing", true)
	p.reached(ingest.PhaseListing, 5)
	told("still", "listing", false)
	p.wait(true)
	told("waiting", "waiting", true)
	p.wait(false)
	told("on", "listing", true)
}
