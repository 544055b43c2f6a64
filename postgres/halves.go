package postgres

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// inHalves returns what read returns for the two halves of ids, the first before the
// second. Two connections look them up at once: the processor that would wait for the
// other meanwhile has nothing else to do for this search. Fewer than least are looked
// up in one piece.
func inHalves[T any](ctx context.Context, ids []int64, least int, read func(ctx context.Context, ids []int64) ([]T, error)) ([]T, error) {
	if len(ids) < least {
		return read(ctx, ids)
	}
	half := len(ids) / 2
	var first, second []T
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		second, err = read(gctx, ids[half:])
		return err
	})
	first, err := read(gctx, ids[:half])
	if other := g.Wait(); err == nil {
		err = other
	}
	if err != nil {
		return nil, err
	}
	return append(first, second...), nil
}
