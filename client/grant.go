package client

import (
	"context"
	"net/http"
	"time"
)

// Grant lets an account read a source or a document for a while, whatever the
// permissions say ("break-glass").
type Grant struct {
	ID         string     `json:"id"`
	User       User       `json:"user"`
	Source     string     `json:"source"`      // name; empty: a document is granted
	DocumentID string     `json:"document_id"` // empty: a source is granted
	Reason     string     `json:"reason"`
	By         string     `json:"by"` // id of the administrator who made it
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	Lives      bool       `json:"lives"` // neither expired nor revoked
	Reply
}

// GrantRequest is a grant to make: of a source or of a document.
type GrantRequest struct {
	User       string `json:"user,omitempty"` // e-mail address or id; empty: the caller
	Source     string `json:"source,omitempty"`
	DocumentID string `json:"document_id,omitempty"`
	Reason     string `json:"reason"`
	TTL        string `json:"ttl,omitempty"` // as in 90m; empty: an hour
}

// Grants lists the grants that live, newest first, with ended also the others.
func (c *Client) Grants(ctx context.Context, ended bool) (List[Grant], error) {
	if ended {
		return list[Grant](ctx, c, api("grants"), "grants", 0, "all", "true")
	}
	return list[Grant](ctx, c, api("grants"), "grants", 0)
}

// AddGrant makes a grant.
func (c *Client) AddGrant(ctx context.Context, req GrantRequest) (Grant, error) {
	return fetch[Grant](ctx, c, http.MethodPost, api("grants"), req)
}

// RevokeGrant ends a grant by its id.
func (c *Client) RevokeGrant(ctx context.Context, id string) error {
	if err := required("id of a grant", id); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("grants", id), nil, nil)
}
