package postgres

import (
	"encoding/base64"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(-1e15, 1e16).Draw(t, "at")).UTC()
		key := timeKey{at, rapid.StringMatching(`[^\x00]*`).Draw(t, "id")}
		rows, next := nextPage("runs", []timeKey{key, {}}, 1, func(k timeKey) timeKey { return k })
		if len(rows) != 1 || next == "" {
			t.Fatalf("%d rows, cursor %q", len(rows), next)
		}
		got, err := after[timeKey]("runs", api.Page{Limit: 1, Cursor: next})
		if err != nil || !got.At.Equal(key.At) || got.ID != key.ID {
			t.Fatalf("%+v, %v; want %+v", got, err, key)
		}
	})
}

func TestNextPageEnds(t *testing.T) {
	rows, next := nextPage("groups", []string{"a", "b"}, 2, func(s string) string { return s })
	if len(rows) != 2 || next != "" {
		t.Errorf("%v, %q; want both and the end", rows, next)
	}
}

func TestCursorNotMadeHere(t *testing.T) {
	_, mine := nextPage("groups", []string{"a", "b"}, 1, func(s string) string { return s })
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, c := range []string{
		"x", "%%", mine + "A", mine[:len(mine)-1], encode(`{}`), encode(`null`), encode(`{"l":"groups"}`),
		encode(`{"l":"groups","k":7}`), encode(`{"l":"groups","k":"a","x":1}`), encode(`{"k":"a","l":"groups"}`),
		encode(`{"l":"tokens","k":"a"}`), encode(`{"l":"groups","k":"a` + `\u0000"}`), encode(`{"l":"groups","k":"a"} `),
	} {
		_, err := after[string]("groups", api.Page{Limit: 1, Cursor: c})
		wantError(t, c, err, cairn.ErrInvalid)
	}
	if _, err := after[string]("groups", api.Page{Limit: 1, Cursor: mine}); err != nil {
		t.Errorf("the cursor itself: %v", err)
	}
	for _, limit := range []int{-1, 0, maxPage + 1} {
		_, err := after[string]("groups", api.Page{Limit: limit})
		wantError(t, "limit", err, cairn.ErrInvalid)
	}
}

func FuzzCursor(f *testing.F) {
	_, c := nextPage("runs", []timeKey{{time.Unix(1, 0).UTC(), "a"}, {}}, 1, func(k timeKey) timeKey { return k })
	f.Add(c)
	f.Add("e30")
	f.Fuzz(func(t *testing.T, c string) {
		key, err := after[timeKey]("runs", api.Page{Limit: 1, Cursor: c})
		if err == nil && c != "" && encode(cursor[timeKey]{"runs", key}) != c {
			t.Errorf("%q is taken, but not what %+v encodes to", c, key)
		}
	})
}
