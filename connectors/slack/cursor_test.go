package slack

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
)

// TestCursorSize bounds the cursor of a large workspace.
func TestCursorSize(t *testing.T) {
	p := position{Mode: "m", Channels: map[string]place{}, Partial: map[string]partial{}}
	now := hours(time.Now())
	seed := uint64(1)
	for n := range 5000 {
		id := "C0"
		for range 9 {
			seed = seed*6364136223846793005 + 1442695040888963407
			id += string("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[seed>>33%36])
		}
		p.Channels[id] = place{Through: now - int64(n/200), Whole: (now - int64(n%168)) / 24 * 24, Public: n%3 > 0}
	}
	p.Partial["C1"] = partial{Until: now, Before: "1700000000.000000", Whole: true}
	cursor, err := p.cursor()
	if err != nil || len(cursor) > 64<<10 {
		t.Errorf("the cursor has %d bytes, %v", len(cursor), err)
	}
	if diff := cmp.Diff(p, positionOf(cursor, "m")); diff != "" {
		t.Errorf("read again, it differs:\n%s", diff)
	}
	if got := positionOf(cursor, "other settings"); len(got.Channels)+len(got.Partial) > 0 {
		t.Errorf("with other settings, it goes on with %d channels", len(got.Channels))
	}
}

// FuzzCursor begins at the beginning with what is no cursor.
func FuzzCursor(f *testing.F) {
	good, err := position{Channels: map[string]place{"C1": {1, 2, true}}, Partial: map[string]partial{"C2": {Before: "1700000000.000000"}}}.cursor()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "x", string(good), fmt.Sprint(good, "x"), "q1YqU7IyNNBRSlayUoqO1VFKUrJSMjQwUKoFAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := positionOf(connectors.Cursor(text), "")
		if p.Channels == nil || p.Partial == nil {
			t.Fatal("it has no maps")
		}
		for id, one := range p.Partial {
			if at(one.Before).IsZero() {
				t.Errorf("%s goes on before %q", id, one.Before)
			}
		}
		if cursor, err := p.cursor(); err != nil || !cmp.Equal(positionOf(cursor, ""), p) {
			t.Errorf("written and read, it is another: %v", err)
		}
	})
}
