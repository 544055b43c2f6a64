package postgres

import (
	"context"

	"github.com/cairnhq/cairn"
)

type tmpSet struct{ ids []int32 }

func (c *Classes) Visible(ctx context.Context, v cairn.Viewer) (*tmpSet, error) {
	ids, err := c.List(ctx, v)
	return &tmpSet{ids}, err
}

func (s *tmpSet) Table(b []uint8) []uint8 {
	b = b[:0]
	for _, id := range s.ids {
		for int(id) >= len(b) {
			b = append(b, 0)
		}
		b[id] = 1
	}
	return b
}
