package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// filters is what requests narrow results by.
type filters struct {
	Kind          cairn.Kind        `json:"kind"`
	Author        string            `json:"author"`
	UpdatedAfter  time.Time         `json:"updated_after"`
	UpdatedBefore time.Time         `json:"updated_before"`
	Attributes    map[string]string `json:"attributes"`
}

func (f filters) with(sources []string) (cairn.Filters, error) {
	if len(sources) > 100 || len(f.Attributes) > 100 {
		return cairn.Filters{}, cairn.Errorf(cairn.ErrInvalid, "at most 100 sources and 100 attributes can be named")
	}
	if !f.UpdatedAfter.IsZero() && !f.UpdatedBefore.IsZero() && !f.UpdatedAfter.Before(f.UpdatedBefore) {
		return cairn.Filters{}, cairn.Errorf(cairn.ErrInvalid, "\"updated_after\" is not before \"updated_before\"")
	}
	for _, name := range sources {
		if !validSourceName(name) {
			return cairn.Filters{}, cairn.Errorf(cairn.ErrInvalid, "%q is no name of a source", name)
		}
	}
	return cairn.Filters{
		Sources: sources, Kind: f.Kind, Author: f.Author, Attributes: f.Attributes,
		UpdatedAfter: f.UpdatedAfter.UTC(), UpdatedBefore: f.UpdatedBefore.UTC(),
	}, nil
}

type searchRequest struct {
	Query   string     `json:"query"`
	Limit   *int       `json:"limit"`
	Cursor  string     `json:"cursor"`
	Sources []string   `json:"sources"`
	Filters filters    `json:"filters"`
	Mode    cairn.Mode `json:"mode"`
	Explain bool       `json:"explain"`
}

type searchResponse struct {
	Results []passage                 `json:"results"`
	Facets  map[string]map[string]int `json:"facets"`
	Mode    cairn.Mode                `json:"mode"`
	Next    *string                   `json:"next_cursor"`
	Notices []notice                  `json:"notices"`
	Took    int64                     `json:"took_ms"`
}

const (
	maxQuery     = 4000 // characters
	defaultLimit = 10
	maxLimit     = 100
	maxOffset    = 1000 // results that can be turned over
)

// search answers POST /search.
func (a *API) search(c *gin.Context) error {
	var req searchRequest
	if err := decode(c, &req, false); err != nil {
		return err
	}
	q, err := req.toQuery()
	if err != nil {
		return err
	}
	q.Viewer = auth.FromContext(c.Request.Context()).Viewer
	res, err := a.Search.Search(c.Request.Context(), q)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	showPassages(c.Request.Context(), res.Passages)
	out := searchResponse{
		Results: passagesOf(res.Passages, res.Explain), Facets: table(res.Facets), Mode: res.Mode,
		Notices: noticesOf(res.Notices), Took: res.Took.Milliseconds(),
	}
	if next := q.Offset + len(res.Passages); res.More && len(res.Passages) > 0 && next <= maxOffset {
		cursor := encodeCursor(next, req.fingerprint())
		out.Next = &cursor
	}
	return reply(c, http.StatusOK, out)
}

// toQuery checks the request; the viewer is left to the caller.
func (r searchRequest) toQuery() (cairn.Query, error) {
	if err := checkLength("query", r.Query, 1, maxQuery); err != nil {
		return cairn.Query{}, err
	}
	limit := r.limit()
	if limit < 1 || limit > maxLimit {
		return cairn.Query{}, cairn.Errorf(cairn.ErrInvalid, "\"limit\" must be a whole number from 1 to %d", maxLimit)
	}
	if r.Mode != "" {
		if err := oneOf("mode", string(r.Mode), "lexical", "dense", "hybrid"); err != nil {
			return cairn.Query{}, err
		}
	}
	f, err := r.Filters.with(r.Sources)
	if err != nil {
		return cairn.Query{}, err
	}
	offset, err := decodeCursor(r.Cursor, r.fingerprint())
	return cairn.Query{Text: r.Query, Mode: r.Mode, Filters: f, Limit: limit, Offset: offset, Explain: r.Explain}, err
}

func (r searchRequest) limit() int {
	if r.Limit != nil {
		return *r.Limit
	}
	return defaultLimit
}

// fingerprint identifies the search that a cursor belongs to: all that decides
// the order of its results, with the limit: results are folded page by page.
func (r searchRequest) fingerprint() [8]byte {
	limit := r.limit()
	r.Limit, r.Cursor, r.Explain = &limit, "", false
	b, _ := json.Marshal(r) // cannot fail: strings, times and maps of strings
	sum := sha256.Sum256(b)
	return [8]byte(sum[:8])
}

// A cursor of a search is the offset of the page and the search's fingerprint.
func encodeCursor(offset int, search [8]byte) string {
	return base64.RawURLEncoding.EncodeToString(append(binary.AppendUvarint(nil, uint64(offset)), search[:]...))
}

func decodeCursor(cursor string, search [8]byte) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	offset, n := binary.Uvarint(b)
	if err != nil || n <= 0 || offset > maxOffset || string(b[n:]) != string(search[:]) {
		return 0, cairn.Errorf(cairn.ErrInvalid, "the cursor does not belong to this search; begin without one")
	}
	return int(offset), nil
}
