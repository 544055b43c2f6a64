package cairn

import "crypto/rand"

// NewID returns a new random id of 26 URL-safe characters (130 bits), for
// documents, accounts, messages and everything else that is named by the server.
func NewID() string { return rand.Text() }
