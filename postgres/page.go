package postgres

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

// maxPage bounds Limit of a page.
const maxPage = 200

// cursor is a position in a list: the key of the last row that was given. The name of the
// list is in it, so that no list takes the cursor of another.
type cursor[K any] struct {
	List string `json:"l"`
	Key  K      `json:"k"`
}

// timeKey orders lists in which the newest comes first.
type timeKey struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

// emailKey orders accounts; the address of one account is empty.
type emailKey struct {
	Email string `json:"e"`
	ID    string `json:"i"`
}

// after returns the key after which the page p of a list begins, zero for the
// first page. A limit out of range and a cursor that nextPage did not make for
// this list are ErrInvalid.
func after[K any](list string, p api.Page) (K, error) {
	var c cursor[K]
	if p.Limit < 1 || p.Limit > maxPage {
		return c.Key, cairn.Errorf(cairn.ErrInvalid, "limit must be between 1 and %d", maxPage)
	}
	if p.Cursor == "" {
		return c.Key, nil
	}
	invalid := cairn.Errorf(cairn.ErrInvalid, "the cursor is not one of this list: begin again without it")
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c.Key, invalid
	}
	// Only what encodes to the same text again was made here. PostgreSQL has
	// no NUL in text, so that no key has one.
	if c.List != list || encode(c) != p.Cursor || strings.Contains(string(text), `\u0000`) {
		var zero K
		return zero, invalid
	}
	return c.Key, nil
}

// nextPage cuts rows, of which one more than the limit was asked for, to the
// limit and returns the cursor of the page after them.
func nextPage[T, K any](list string, rows []T, limit int, key func(T) K) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	rows = rows[:limit]
	return rows, encode(cursor[K]{list, key(rows[limit-1])})
}

// pageOf returns what convert makes of the rows of a list, of which one more than
// the limit was asked for, and the cursor of the next page.
func pageOf[R, T, K any](rows pgx.Rows, list string, limit int, key func(R) K, convert func(R) T) ([]T, string, error) {
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[R])
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", list, err)
	}
	found, next := nextPage(list, found, limit, key)
	out := make([]T, len(found))
	for i, r := range found {
		out[i] = convert(r)
	}
	return out, next, nil
}

func encode[K any](c cursor[K]) string {
	text, err := json.Marshal(c)
	if err != nil {
		return "" // a time outside the years 0 to 9999: the list ends here
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
