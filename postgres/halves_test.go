package postgres

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestInHalves(t *testing.T) {
	ids := make([]int64, 25)
	for i := range ids {
		ids[i] = int64(i * i)
	}
	same := func(_ context.Context, ids []int64) ([]int64, error) { return ids, nil }
	for n := range ids {
		for _, least := range []int{1, 2, 10, 100} {
			got, err := inHalves(t.Context(), ids[:n], least, func(ctx context.Context, part []int64) ([]int64, error) {
				if n < least && len(part) != n || n >= max(least, 2) && len(part) > n/2+1 {
					t.Errorf("%d of %d at once, in halves from %d", len(part), n, least)
				}
				return same(ctx, slices.Clone(part))
			})
			if err != nil || !slices.Equal(got, ids[:n]) {
				t.Errorf("of %d, in halves from %d: %v, %v", n, least, got, err)
			}
		}
	}
}

// The error is that of the half that failed, whichever it is; the other is ended.
func TestInHalvesFails(t *testing.T) {
	broken := errors.New("broken")
	for failing := range int64(2) {
		_, err := inHalves(t.Context(), []int64{0, 1}, 1, func(ctx context.Context, part []int64) ([]int64, error) {
			if part[0] == failing {
				return nil, broken
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, broken) {
			t.Errorf("half %d failed: %v", failing, err)
		}
	}
}
