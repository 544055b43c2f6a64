package client

import (
	"context"
	"net/http"
)

// Rotation is what a new key for the secret settings of sources has done.
type Rotation struct {
	Key    string `json:"key"`    // its id, which tells nothing of it
	Sealed int    `json:"sealed"` // secrets
	Lost   int    `json:"lost"`   // secrets that no key opens
	Reply
}

// RotateSecrets seals all secret settings of sources with a new key.
func (c *Client) RotateSecrets(ctx context.Context) (Rotation, error) {
	return fetch[Rotation](ctx, c, http.MethodPost, api("secrets", "rotate"), nil)
}
