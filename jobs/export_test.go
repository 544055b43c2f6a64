package jobs

import "context"

// Schedule queues what is due, as a runner does every few seconds.
func Schedule(ctx context.Context, r *Runner) { r.schedule(ctx) }

// Due reports whether a runner finds a source due.
func Due(r *Runner, s Idle) bool { return r.due(s) }

// Heed queues what webhooks have told of, as a runner does every second.
func Heed(ctx context.Context, r *Runner) { r.heed(ctx) }
