package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/cairnhq/cairn"
)

// List is what the pages of a list hold together.
type List[T any] struct {
	Items []T
	// More says that there are further items, which were not asked for.
	More bool
	// Reply.JSON is one page in the form of the API that holds all items.
	Reply
}

// pageSize is the most that the API gives at once.
const pageSize = 200

// list fetches the items under key, at most `most` of them; 0: all.
func list[T any](ctx context.Context, c *Client, path, key string, most int, query ...string) (List[T], error) {
	var raw []json.RawMessage
	cursor := ""
	for {
		limit := pageSize
		if most > 0 {
			limit = min(limit, most-len(raw))
		}
		var page map[string]json.RawMessage
		params := append([]string{"limit", strconv.Itoa(limit), "cursor", cursor}, query...)
		if err := c.call(ctx, http.MethodGet, with(path, params...), nil, &page); err != nil {
			return List[T]{}, err
		}
		items, next, err := decodePage(page, key)
		if err != nil {
			return List[T]{}, fmt.Errorf("list of %s: %w", key, err)
		}
		raw = append(raw, items...)
		if next != "" && next == cursor {
			return List[T]{}, cairn.Errorf(cairn.ErrUnavailable, "%s repeats a page of the list of %s", c.base, key)
		}
		cursor = next
		if cursor == "" || most > 0 && len(raw) >= most {
			return join[T](key, raw, cursor)
		}
	}
}

func decodePage(page map[string]json.RawMessage, key string) (items []json.RawMessage, next string, err error) {
	if err := json.Unmarshal(page[key], &items); err != nil {
		return nil, "", fmt.Errorf("%w: %w", errNotCairn, err)
	}
	if cursor := page["next_cursor"]; len(cursor) > 0 {
		var s *string
		if err := json.Unmarshal(cursor, &s); err != nil {
			return nil, "", fmt.Errorf("%w: %w", errNotCairn, err)
		}
		if s != nil {
			next = *s
		}
	}
	return items, next, nil
}

// join makes one list of the items of all pages.
func join[T any](key string, raw []json.RawMessage, next string) (List[T], error) {
	out := List[T]{Items: make([]T, len(raw)), More: next != ""}
	for i, item := range raw {
		if err := json.Unmarshal(item, &out.Items[i]); err != nil {
			return List[T]{}, fmt.Errorf("list of %s: %w", key, err)
		}
	}
	var cursor *string
	if next != "" {
		cursor = &next
	}
	if raw == nil {
		raw = []json.RawMessage{}
	}
	b, err := json.Marshal(map[string]any{key: raw, "next_cursor": cursor})
	out.JSON = b
	return out, err
}
