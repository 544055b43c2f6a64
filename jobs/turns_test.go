package jobs

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// load is a run of so many batches, of a second each.
type load struct {
	name, group string
	asked       bool
	after       time.Duration
	batches     int
	doze        time.Duration // the source asks to wait so long before the first batch
}

// worked lets runs share workers, and returns when each had its first and its last batch.
func worked(t *testing.T, workers int, loads ...load) (first, last map[string]time.Duration) {
	t.Helper()
	first, last = make(map[string]time.Duration), make(map[string]time.Duration)
	synctest.Test(t, func(t *testing.T) {
		all, begin := newTurns(workers, 15*time.Second), time.Now()
		type batch struct {
			name string
			at   time.Duration
		}
		done := make(chan batch, 10_000)
		for _, l := range loads {
			go func() {
				time.Sleep(l.after)
				p := all.turn(l.group, l.asked)
				if err := p.acquire(t.Context()); err != nil {
					t.Error(err)
				}
				defer p.release()
				if l.doze > 0 {
					if err := p.sleep(t.Context(), l.doze, sleep); err != nil {
						t.Error(err)
					}
				}
				for range l.batches {
					time.Sleep(time.Second)
					done <- batch{l.name, time.Since(begin)}
					if err := p.yield(t.Context(), func() {}); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		batches := 0
		for _, l := range loads {
			batches += l.batches
		}
		for range batches {
			b := <-done
			if _, ok := first[b.name]; !ok {
				first[b.name] = b.at
			}
			last[b.name] = b.at
		}
		synctest.Wait()
		if all.free != workers || len(all.queue) != 0 || slices.Max(append(values(all.groups), 0)) != 0 {
			t.Errorf("left are %d workers, %d in the queue, %v", all.free, len(all.queue), all.groups)
		}
	})
	return first, last
}

func values(m map[string]int) (out []int) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestHugeSourceDoesNotStarveASmallOne(t *testing.T) {
	first, last := worked(t, 1, load{name: "huge", group: "a", batches: 1000}, load{name: "small", group: "b", after: 3 * time.Second, batches: 10})
	if first["small"] > time.Minute || last["small"] > time.Minute || last["huge"] != 1010*time.Second {
		t.Errorf("the small one began at %v and ended at %v, the huge one at %v", first["small"], last["small"], last["huge"])
	}
}

func TestHugeSourcesShareInTurn(t *testing.T) {
	var loads []load
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		loads = append(loads, load{name: name, group: name, batches: 300})
	}
	first, _ := worked(t, 2, append(loads, load{name: "late", group: "late", after: 100 * time.Second, batches: 1})...)
	for name, at := range first {
		if name != "late" && at > time.Minute || at > 160*time.Second {
			t.Errorf("%s began at %v", name, at)
		}
	}
}

func TestOneHostLeavesAWorkerToOthers(t *testing.T) {
	var loads []load
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		loads = append(loads, load{name: name, group: "host", batches: 100})
	}
	first, _ := worked(t, 4, append(loads, load{name: "other", group: "own", after: 5500 * time.Millisecond, batches: 1})...)
	if first["other"] != 6500*time.Millisecond {
		t.Errorf("a source of another host began at %v, want it at once", first["other"])
	}
}

func TestAskedForIsFirst(t *testing.T) {
	first, last := worked(t, 1,
		load{name: "huge", group: "a", batches: 100}, load{name: "second", group: "b", after: 100 * time.Millisecond, batches: 20},
		load{name: "asked", group: "c", asked: true, after: 4500 * time.Millisecond, batches: 200})
	if first["asked"] != 6*time.Second { // the batch of the other ends at five
		t.Errorf("what was asked for began at %v", first["asked"])
	}
	if first["second"] > time.Minute || last["second"] > 2*time.Minute { // and starves nobody
		t.Errorf("the small one began at %v and ended at %v", first["second"], last["second"])
	}
}

func TestWaitingForASourceKeepsNoWorker(t *testing.T) {
	_, last := worked(t, 1, load{name: "held", group: "a", batches: 1, doze: time.Hour}, load{name: "other", group: "b", after: time.Second, batches: 100})
	if last["other"] != 101*time.Second || last["held"] != time.Hour+time.Second {
		t.Errorf("the other ended at %v, the one that was to wait at %v", last["other"], last["held"])
	}
}

func TestGivingUpLeavesTheQueue(t *testing.T) {
	all := newTurns(1, time.Minute)
	held := all.turn("a", false)
	if err := held.acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := all.turn("b", false).acquire(ctx); err == nil || len(all.queue) != 0 {
		t.Errorf("%v, and %d in the queue", err, len(all.queue))
	}
	held.release()
	held.release() // again is no error
	if all.free != 1 {
		t.Errorf("%d workers", all.free)
	}
}

func TestSourcesOfOnePlaceAreOneGroup(t *testing.T) {
	folder, hosted := connectors.Kind{Name: "files"}, connectors.Kind{Name: "chat", Settings: []connectors.Setting{{Name: "token", Secret: true}}}
	for want, got := range map[string]string{
		"host:wiki.example.com": groupOf(hosted, cairn.Source{ID: "1", Settings: map[string]string{"url": "https://wiki.example.com:8443/x"}}),
		"kind:chat":             groupOf(hosted, cairn.Source{ID: "2"}),
		"source:3":              groupOf(folder, cairn.Source{ID: "3", Settings: map[string]string{"path": "/srv"}}),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
