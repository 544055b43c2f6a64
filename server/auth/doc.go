// Package auth says who is calling and what the caller may do: one
// Authenticator for sessions of browsers, bearer tokens and local mode, and one
// place where a Viewer is made. Every surface uses it and none has its own.
package auth
