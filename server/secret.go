package server

import "github.com/cairnhq/cairn"

// Secret is a setting that is never shown.
type Secret = cairn.Secret

// NewSecret returns a Secret of a value.
func NewSecret(value string) Secret { return cairn.NewSecret(value) }
