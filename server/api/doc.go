// Package api is the HTTP API under /api/v1: its routes, its wire types, and
// openapi.yaml, which describes both and is served with them.
package api
