package jobs

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// turns shares the workers of this process among runs, so that a huge source does not
// starve a small one. A run that has had a worker for a slice gives it up between two
// batches, if somebody waits, and goes to the end of the queue; its connector stays where
// it is, so that nothing is read twice. What somebody has asked for goes to the front, the
// first time. It may be used by several goroutines at once.
type turns struct {
	slice time.Duration
	most  int // workers that one group may have

	mu     sync.Mutex
	free   int
	groups map[string]int // workers that each group has
	queue  []*turn
}

// newTurns returns turns of so many workers.
func newTurns(workers int, slice time.Duration) *turns {
	return &turns{slice: slice, most: max(workers-1, 1), free: workers, groups: make(map[string]int)}
}

// turn is the place of one run.
type turn struct {
	all   *turns
	group string
	front bool          // it was asked for, and has not been at work
	until time.Time     // the end of its slice
	ready chan struct{} // closed when it is given a worker

	mu       sync.Mutex // held while a worker is waited for
	sleeping int        // goroutines of the run that wait for the source
	held     bool
}

// turn returns the place of a run of a group, which does not wait yet.
func (t *turns) turn(group string, asked bool) *turn {
	return &turn{all: t, group: group, front: asked}
}

// acquire waits for a worker; the error is that of ctx.
func (p *turn) acquire(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.await(ctx)
}

// await is acquire for who holds p.mu.
func (p *turn) await(ctx context.Context) error {
	p.all.enter(p)
	select {
	case <-p.ready:
		p.held = true
		return nil
	case <-ctx.Done():
		p.all.leave(p)
		return context.Cause(ctx)
	}
}

// release gives the worker back, if there is one.
func (p *turn) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBack()
}

// giveBack is release for who holds p.mu.
func (p *turn) giveBack() {
	if p.held {
		p.held = false
		p.all.giveBack(p.group)
	}
}

// yield gives the worker to who waits, when the slice is over or somebody has asked, and
// waits for another. It is called between two batches. waiting is called before it waits.
func (p *turn) yield(ctx context.Context, waiting func()) error {
	if !p.all.wanted(p) {
		return nil
	}
	waiting()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.giveBack()
	return p.await(ctx)
}

// idleFrom is how long a run sleeps at least that leaves its worker to others meanwhile.
const idleFrom = time.Second

// sleep waits as a source has asked for, by the given function, and leaves the worker to
// others: requests that may not be sent keep nobody from sending theirs elsewhere.
func (p *turn) sleep(ctx context.Context, d time.Duration, sleep func(context.Context, time.Duration) error) error {
	if d < idleFrom {
		return sleep(ctx, d)
	}
	p.mu.Lock()
	p.sleeping++
	p.giveBack()
	p.mu.Unlock()
	err := sleep(ctx, d)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sleeping--; p.sleeping > 0 || p.held || err != nil {
		return err
	}
	return p.await(ctx)
}

// enter puts a run into the queue.
func (t *turns) enter(p *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.ready = make(chan struct{})
	at := len(t.queue)
	if p.front {
		at = 0
		for at < len(t.queue) && t.queue[at].front {
			at++
		}
	}
	t.queue = slices.Insert(t.queue, at, p)
	t.serve()
}

// leave takes a run out of the queue, or gives back what it was given meanwhile.
func (t *turns) leave(p *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queue, p); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
		return
	}
	t.free++
	t.groups[p.group]--
	t.serve()
}

func (t *turns) giveBack(group string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if t.groups[group]--; t.groups[group] == 0 {
		delete(t.groups, group)
	}
	t.serve()
}

// serve gives free workers to those who wait, in order.
func (t *turns) serve() {
	for i := 0; i < len(t.queue) && t.free > 0; {
		p := t.queue[i]
		if t.groups[p.group] >= t.most {
			i++
			continue
		}
		t.queue = slices.Delete(t.queue, i, i+1)
		t.free--
		t.groups[p.group]++
		p.front, p.until = false, time.Now().Add(t.slice)
		close(p.ready)
	}
}

// wanted reports whether a run must give up its worker now.
func (t *turns) wanted(p *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := !time.Now().Before(p.until)
	return slices.ContainsFunc(t.queue, func(w *turn) bool {
		return (over || w.front) && (w.group == p.group || t.groups[w.group] < t.most)
	})
}

// groupOf names what sources share that are read at the same place: the host, or the kind
// where they have credentials of one provider. Others are by themselves.
func groupOf(kind connectors.Kind, s cairn.Source) string {
	if u, err := url.Parse(s.Settings["url"]); err == nil && u.Host != "" {
		return "host:" + u.Hostname()
	}
	if slices.ContainsFunc(kind.Settings, func(s connectors.Setting) bool { return s.Secret }) {
		return "kind:" + kind.Name
	}
	return "source:" + string(s.ID)
}

// sleep waits for a time, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
