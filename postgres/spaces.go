package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/retrieval/dense"
)

// Space is a vector space: that of one embedding model.
type Space struct {
	ID    int
	Model string
	Dim   int

	coder *dense.Coder // nil for a space that has no codes yet
}

// words returns the words of a sign code; 0 when the space has none.
func (s Space) words() int {
	if s.coder == nil {
		return 0
	}
	return s.coder.Words()
}

// code returns the stored form of a vector's sign code.
func (s Space) code(v []float32) []byte { return encodeCode(s.coder.Append(nil, v)) }

// Centre returns the point to which the sign codes of a space are relative: see
// dense.Centre.
type Centre func(ctx context.Context) ([]float32, error)

// UseSpace makes the space of a model the active one, creating it when it is
// new, and returns it. Vectors of other spaces are kept. centre is asked for once
// in the life of a space; then its vectors get their sign codes. Without one (nil)
// they are relative to the origin, as where it gives none.
func (db *DB) UseSpace(ctx context.Context, model string, dimensions int, centre Centre) (Space, error) {
	s := Space{Model: model, Dim: dimensions}
	var dim int
	var stored []byte
	var seed *int64
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE vector_spaces SET active = false WHERE active AND model <> $1`, s.Model)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			INSERT INTO vector_spaces (model, dim, active) VALUES ($1, $2, true)
			ON CONFLICT (model) DO UPDATE SET active = true
			RETURNING id, dim, centre, seed`, s.Model, s.Dim).Scan(&s.ID, &dim, &stored, &seed)
	})
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	if dim != s.Dim {
		return Space{}, fmt.Errorf("the embedding model %s gave vectors of %d dimensions before and gives %d now: give it another name", s.Model, dim, s.Dim)
	}
	if seed == nil {
		return db.beginCodes(ctx, s, centre)
	}
	s.coder = dense.NewCoder(s.Dim, decodeFloats(stored), uint64(*seed))
	return s, nil
}

// beginCodes gives a space its centre and its rotation, and its vectors their codes.
func (db *DB) beginCodes(ctx context.Context, s Space, centre Centre) (Space, error) {
	var point []float32
	if centre != nil {
		var err error
		if point, err = centre(ctx); err != nil {
			return Space{}, fmt.Errorf("vector space: %w", err)
		}
	}
	if point != nil && len(point) != s.Dim {
		return Space{}, fmt.Errorf("vector space: the centre has %d dimensions, the space %s has %d", len(point), s.Model, s.Dim)
	}
	var stored []byte
	var seed int64
	err := db.worker.QueryRow(ctx, `
		UPDATE vector_spaces SET centre = CASE WHEN seed IS NULL THEN $2 ELSE centre END, seed = coalesce(seed, $3) WHERE id = $1 RETURNING centre, seed`,
		s.ID, encodeFloats(point), rand.Int64()).Scan(&stored, &seed) // another process may have been faster
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	s.coder = dense.NewCoder(s.Dim, decodeFloats(stored), uint64(seed))
	return s, db.encodeSpace(ctx, s)
}

func encodeFloats(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func decodeFloats(data []byte) []float32 {
	if len(data) == 0 {
		return nil
	}
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}
