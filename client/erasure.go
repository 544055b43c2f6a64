package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// Erasure is the receipt of an erasure: ids and counts, never anything of what was
// erased.
type Erasure struct {
	ID        string            `json:"id"`
	Kind      cairn.ErasureKind `json:"kind"`
	Subject   string            `json:"subject"` // id of the document, source or account; empty: several
	By        string            `json:"by"`      // id of an account; empty: the server itself, or a program
	At        time.Time         `json:"at"`
	Counts    map[string]int    `json:"counts"`     // rows by table
	CleanedAt *time.Time        `json:"cleaned_at"` // when the files of the database had no more of it
	KeptOut   bool              `json:"kept_out"`   // the document does not come back with the next sync
	Reply
}

// EraseDocument erases a document with everything that was made from it.
func (c *Client) EraseDocument(ctx context.Context, id string) (Erasure, error) {
	if err := required("id of a document", id); err != nil {
		return Erasure{}, err
	}
	return fetch[Erasure](ctx, c, http.MethodDelete, api("documents", id), nil)
}

// EraseUser erases a person: an id or an e-mail address.
func (c *Client) EraseUser(ctx context.Context, user string) (Erasure, error) {
	if err := required("account", user); err != nil {
		return Erasure{}, err
	}
	return fetch[Erasure](ctx, c, http.MethodDelete, api("users", user), nil)
}

// Erasures lists the receipts, newest first: at most `most` of them; 0: all.
func (c *Client) Erasures(ctx context.Context, most int) (List[Erasure], error) {
	return list[Erasure](ctx, c, api("erasures"), "erasures", most)
}

// LiftErasure lets the document of an erasure come back with the next sync.
func (c *Client) LiftErasure(ctx context.Context, id string) (Erasure, error) {
	if err := required("id of an erasure", id); err != nil {
		return Erasure{}, err
	}
	return fetch[Erasure](ctx, c, http.MethodPost, api("erasures", id, "lift"), nil)
}

// CleanErasures writes the tables anew that have held what was erased.
func (c *Client) CleanErasures(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, api("erasures", "clean"), nil, nil)
}
