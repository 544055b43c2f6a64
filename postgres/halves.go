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
	var halves [2][]T
	g, ctx := errgroup.WithContext(ctx)
	for i, part := range [2][]int64{ids[:len(ids)/2], ids[len(ids)/2:]} {
		g.Go(func() (err error) {
			halves[i], err = read(ctx, part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err // the first that there was, not what the other made of it
	}
	return append(halves[0], halves[1]...), nil
}
