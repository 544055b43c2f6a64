package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Space is a vector space: that of one embedding model.
type Space struct {
	ID    int
	Model string
	Dim   int
}

// UseSpace makes the space of a model the active one, creating it when it is
// new, and returns it. Vectors of other spaces are kept.
func (db *DB) UseSpace(ctx context.Context, model string, dimensions int) (Space, error) {
	s := Space{Model: model, Dim: dimensions}
	var dim int
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE vector_spaces SET active = false WHERE active AND model <> $1`, s.Model)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			INSERT INTO vector_spaces (model, dim, active) VALUES ($1, $2, true)
			ON CONFLICT (model) DO UPDATE SET active = true
			RETURNING id, dim`, s.Model, s.Dim).Scan(&s.ID, &dim)
	})
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	if dim != s.Dim {
		return Space{}, fmt.Errorf("the embedding model %s gave vectors of %d dimensions before and gives %d now: give it another name", s.Model, dim, s.Dim)
	}
	return s, nil
}
