package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/x448/float16"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/dense"
)

// Space is a vector space: that of one embedding model.
type Space struct {
	ID    int
	Model string
	Dim   int

	coder *dense.Coder // nil for a space that has no codes yet
}

// words returns the words of the signs of a code; 0 when the space has none.
func (s Space) words() int {
	if s.coder == nil {
		return 0
	}
	return s.coder.Words()
}

// code returns the stored form of a vector's code: of the vector as it is stored, in
// half precision, so that it can be made again.
func (s Space) code(v []float32) []byte {
	stored := make([]float32, len(v))
	for i, x := range v {
		stored[i] = float16.Fromfloat32(x).Float32()
	}
	return encodeCode(s.coder.Append(nil, stored))
}

// Centre returns the point to which the codes of a space are relative: see
// dense.Centre.
type Centre func(ctx context.Context) ([]float32, error)

// UseSpace makes the space of a model the active one, creating it when it is
// new, and returns it. Vectors of other spaces are kept, and get their codes
// when the space becomes active again: segments that were written meanwhile have
// none of theirs. centre is asked for once in the life of a space. Without one
// (nil) codes are relative to the origin, as where it gives none. Dimensions
// outside 1 to dense.MaxDim are ErrInvalid.
func (db *DB) UseSpace(ctx context.Context, model string, dimensions int, centre Centre) (Space, error) {
	if dimensions < 1 || dimensions > dense.MaxDim {
		return Space{}, cairn.Errorf(cairn.ErrInvalid, "the embedding model %s gives vectors of %d dimensions; use a model of 1 to %d", model, dimensions, dense.MaxDim)
	}
	s := Space{Model: model, Dim: dimensions}
	var dim int
	var begun bool
	err := db.worker.QueryRow(ctx, `
		INSERT INTO vector_spaces (model, dim) VALUES ($1, $2)
		ON CONFLICT (model) DO UPDATE SET dim = vector_spaces.dim
		RETURNING id, dim, seed IS NOT NULL`, s.Model, s.Dim).Scan(&s.ID, &dim, &begun)
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	if dim != s.Dim {
		return Space{}, fmt.Errorf("the embedding model %s gave vectors of %d dimensions before and gives %d now: give it another name", s.Model, dim, s.Dim)
	}
	var point []float32
	if !begun {
		if point, err = s.centreOf(ctx, centre); err != nil {
			return Space{}, fmt.Errorf("vector space: %w", err)
		}
	}
	err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error { return db.activate(ctx, tx, &s, point) })
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	return s, nil
}

// ActiveSpace returns the space that servers search in, and changes nothing. It is
// the zero Space, of no vectors and no codes, when none is active yet.
func (db *DB) ActiveSpace(ctx context.Context) (Space, error) {
	var s Space
	var centre []byte
	var seed int64
	err := db.worker.QueryRow(ctx, `
		SELECT id, model, dim, centre, seed FROM vector_spaces WHERE active AND seed IS NOT NULL`).Scan(&s.ID, &s.Model, &s.Dim, &centre, &seed)
	if errors.Is(err, pgx.ErrNoRows) {
		return Space{}, nil
	}
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	s.coder = dense.NewCoder(s.Dim, decodeFloats(centre), uint64(seed))
	return s, nil
}

// centreOf returns the centre of a space that is new, nil for the origin.
func (s Space) centreOf(ctx context.Context, centre Centre) ([]float32, error) {
	if centre == nil {
		return nil, nil
	}
	point, err := centre(ctx)
	if err == nil && point != nil && len(point) != s.Dim {
		err = fmt.Errorf("the centre has %d dimensions, the space %s has %d", len(point), s.Model, s.Dim)
	}
	return point, err
}

// activate makes a space the active one, gives it centre and rotation if it has
// none, and gives its vectors codes unless it was active: all of it or nothing, so
// that no vector is left without one when the process is stopped.
func (db *DB) activate(ctx context.Context, tx pgx.Tx, s *Space, point []float32) error {
	if _, err := tx.Exec(ctx, `SELECT FROM vector_spaces ORDER BY id FOR NO KEY UPDATE`); err != nil {
		return err
	}
	var active bool
	if err := tx.QueryRow(ctx, `SELECT active AND seed IS NOT NULL FROM vector_spaces WHERE id = $1`, s.ID).Scan(&active); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE vector_spaces SET active = false WHERE active AND id <> $1`, s.ID); err != nil {
		return err
	}
	var stored []byte
	var seed int64
	err := tx.QueryRow(ctx, `
		UPDATE vector_spaces SET active = true, centre = CASE WHEN seed IS NULL THEN $2 ELSE centre END, seed = coalesce(seed, $3)
		WHERE id = $1
		RETURNING centre, seed`, s.ID, encodeFloats(point), rand.Int64()).Scan(&stored, &seed) // another process may have been faster
	if err != nil {
		return err
	}
	s.coder = dense.NewCoder(s.Dim, decodeFloats(stored), uint64(seed))
	if active {
		return nil
	}
	return encodeSpace(ctx, tx, *s)
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
