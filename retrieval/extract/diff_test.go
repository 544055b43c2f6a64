package extract

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func diff(want, got *Text) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}
