package postgres

import (
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/dense"
)

func TestSpacesHaveBounds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, dimensions := range []int{-1, 0, dense.MaxDim + 1, 20_000} {
		_, err := f.UseSpace(t.Context(), "odd", dimensions, nil)
		wantError(t, "dimensions", err, cairn.ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), "the embedding model odd") {
			t.Errorf("%d dimensions: %v; want an error that names the model", dimensions, err)
		}
	}
	if n := f.count(`SELECT count(*) FROM vector_spaces WHERE model = 'odd'`); n != 0 {
		t.Errorf("%d spaces of such models are kept", n)
	}
	_, err := f.UseSpace(t.Context(), "large", dense.MaxDim, nil)
	f.check(err)
}
