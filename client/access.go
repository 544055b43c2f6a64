package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// AccessRequest asks whether somebody may read a document.
type AccessRequest struct {
	User       string `json:"user,omitempty"` // id or e-mail address; empty: the caller
	DocumentID string `json:"document_id"`
}

// Access says whether somebody may read a document, and why.
type Access struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
	User    struct {
		ID       string     `json:"id"`
		Email    string     `json:"email"`
		Role     cairn.Role `json:"role"`
		Disabled bool       `json:"disabled"`
	} `json:"user"`
	DocumentID string      `json:"document_id"`
	Source     string      `json:"source"`
	ViewerKeys []string    `json:"viewer_keys"`
	Keys       []KeyOrigin `json:"keys"`
	ACL        struct {
		Allow [][]string `json:"allow"`
		Deny  []string   `json:"deny"`
	} `json:"acl"`
	Deciding struct {
		Kind   string     `json:"kind"` // "clauses", "clause", "deny", "nobody", "grant", "hidden", "withheld", "disabled"
		Clause *int       `json:"clause"`
		Grant  string     `json:"grant"` // id of the grant that decides
		Until  *time.Time `json:"until"` // when that ends
		Keys   []string   `json:"keys"`
		Held   [][]string `json:"held"` // the user's keys, clause by clause
	} `json:"deciding"`
	Permissions struct {
		Mode     string     `json:"mode"` // "source": read there; "declared": here
		Own      bool       `json:"own"`  // came with the document, else the source's
		SyncedAt *time.Time `json:"synced_at"`
		Degraded bool       `json:"degraded"`
		Since    *time.Time `json:"degraded_since"`
		Problem  string     `json:"problem"`
	} `json:"permissions"`
	Reply
}

// KeyOrigin says why somebody holds a key.
type KeyOrigin struct {
	Key       string   `json:"key"`
	From      string   `json:"from"` // "account", "address", "directory", "everyone"
	Directory string   `json:"directory"`
	Path      []string `json:"path"` // of groups, from that which the account belongs to itself
}

// ExplainAccess says whether somebody may read a document, and why.
func (c *Client) ExplainAccess(ctx context.Context, req AccessRequest) (Access, error) {
	return fetch[Access](ctx, c, http.MethodPost, api("access", "explain"), req)
}
