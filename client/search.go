package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// SearchRequest is what to look for. Only Query is required.
type SearchRequest struct {
	Query   string     `json:"query"`           // "a phrase" must occur, -word must not
	Limit   int        `json:"limit,omitempty"` // 1 to 100; 0: 10
	Cursor  string     `json:"cursor,omitempty"`
	Sources []string   `json:"sources,omitempty"` // names; none: all
	Mode    cairn.Mode `json:"mode,omitempty"`
	Explain bool       `json:"explain,omitempty"`
}

// SearchResponse is one page of passages, best first.
type SearchResponse struct {
	Results []Passage                 `json:"results"`
	Facets  map[string]map[string]int `json:"facets"`
	Mode    cairn.Mode                `json:"mode"`
	Next    string                    `json:"next_cursor"`
	Notices []Notice                  `json:"notices"`
	TookMS  int64                     `json:"took_ms"`
	Reply
}

// Passage is a passage of a document. Start and End are bytes of its text.
type Passage struct {
	DocumentID string       `json:"document_id"`
	Version    string       `json:"version"`
	Source     string       `json:"source"`
	Kind       string       `json:"kind"`
	Title      string       `json:"title"`
	URL        string       `json:"url"`
	Author     string       `json:"author"`
	Heading    []string     `json:"heading"` // outermost first
	Snippet    string       `json:"snippet"`
	Start      int          `json:"start"`
	End        int          `json:"end"`
	Score      float64      `json:"score"`
	UpdatedAt  *time.Time   `json:"updated_at"`
	AlsoIn     []Copy       `json:"also_in"`
	AlsoInMore int          `json:"also_in_more"` // such documents beside those
	Explain    *Explanation `json:"explain"`      // when it was asked for
}

// Copy is another document with the same passage, or with an older version of it.
type Copy struct {
	DocumentID string     `json:"document_id"`
	Title      string     `json:"title"`
	Source     string     `json:"source"`
	URL        string     `json:"url"`
	UpdatedAt  *time.Time `json:"updated_at"`
	Older      bool       `json:"older"`
}

// Explanation says why a passage has its rank. Ranks begin at 1; 0 means that
// it was not found that way.
type Explanation struct {
	LexicalRank  int      `json:"lexical_rank"`
	DenseRank    int      `json:"dense_rank"`
	LexicalScore float64  `json:"lexical_score"`
	DenseScore   float64  `json:"dense_score"`
	Lexical      float64  `json:"lexical"`
	Dense        float64  `json:"dense"`
	LexicalShare float64  `json:"lexical_share"`
	Reasons      []string `json:"reasons"`
	Proximity    float64  `json:"proximity"`
	Title        float64  `json:"title"`
	Freshness    float64  `json:"freshness"`
	Authority    float64  `json:"authority"`
	// Reranked is nil without a reranker.
	Reranked *float64 `json:"reranked,omitempty"`
}

// Search returns the passages that the caller may read.
func (c *Client) Search(ctx context.Context, req SearchRequest) (SearchResponse, error) {
	return fetch[SearchResponse](ctx, c, http.MethodPost, api("search"), req)
}

// Document is a document with its whole text.
type Document struct {
	ID         string            `json:"id"`
	Version    string            `json:"version"`
	State      string            `json:"state"` // "changed": there is a newer version
	Source     string            `json:"source"`
	ExternalID string            `json:"external_id"`
	Kind       string            `json:"kind"`
	Title      string            `json:"title"`
	URL        string            `json:"url"`
	Author     string            `json:"author"`
	Text       string            `json:"text"`
	UpdatedAt  *time.Time        `json:"updated_at"`
	Attributes map[string]string `json:"attributes"`
	Reply
}

// Document reads a document; an empty version is the newest.
func (c *Client) Document(ctx context.Context, id, version string) (Document, error) {
	if err := required("id of a document", id); err != nil {
		return Document{}, err
	}
	return fetch[Document](ctx, c, http.MethodGet, with(api("documents", id), "version", version), nil)
}

// Push is a document to store in a source of kind push: either Text, or Content
// with MediaType.
type Push struct {
	Title      string            `json:"title"`
	URL        string            `json:"url,omitempty"`
	Text       string            `json:"text,omitempty"`
	Content    []byte            `json:"content_base64,omitempty"`
	MediaType  string            `json:"media_type,omitempty"`
	Author     string            `json:"author,omitempty"`
	UpdatedAt  *time.Time        `json:"updated_at,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	ACL        *cairn.ACL        `json:"acl,omitempty"` // nil: the source's
}

// Pushed is a document that was stored.
type Pushed struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Reply
}

// PutDocument stores a document under the caller's own id, in place of an
// earlier one. The next search finds it.
func (c *Client) PutDocument(ctx context.Context, source, externalID string, doc Push) (Pushed, error) {
	if err := required("name of a source", source); err != nil {
		return Pushed{}, err
	}
	return fetch[Pushed](ctx, c, http.MethodPut, with(api("sources", source, "documents"), "id", externalID), doc)
}

// DeleteDocument erases a document by the caller's own id.
func (c *Client) DeleteDocument(ctx context.Context, source, externalID string) error {
	if err := required("name of a source", source); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, with(api("sources", source, "documents"), "id", externalID), nil, nil)
}

// PushedDocument is a document of a source of kind push by its names.
type PushedDocument struct {
	ExternalID string `json:"external_id"` // the caller's own
	DocumentID string `json:"document_id"`
}

// PushedDocuments lists what a source of kind push has, at most `most`; 0: all. Attachments
// of mails, which come and go with them, are left out.
func (c *Client) PushedDocuments(ctx context.Context, source string, most int) (List[PushedDocument], error) {
	if err := required("name of a source", source); err != nil {
		return List[PushedDocument]{}, err
	}
	return list[PushedDocument](ctx, c, api("sources", source, "documents"), "documents", most)
}
