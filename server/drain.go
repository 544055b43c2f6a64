package server

import "context"

type drainKey struct{}

// Draining returns a context that ends when the server begins to shut down.
// The context of a request does not end then, so that short requests finish;
// handlers of streams watch this one as well and end theirs.
func Draining(ctx context.Context) context.Context {
	if d, ok := ctx.Value(drainKey{}).(context.Context); ok {
		return d
	}
	return context.Background()
}
