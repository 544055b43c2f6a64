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

// Frame returns what the codes of a space are relative to: see dense.FrameOf.
type Frame func(ctx context.Context) (dense.Frame, error)

// UseSpace makes the space of a model the active one, creating it when it is
// new, and returns it. Vectors of other spaces are kept, and get their codes
// when the space becomes active again: segments that were written meanwhile have
// none of theirs. frame is asked for once in the life of a space. Without one
// (nil) codes are relative to the origin. Dimensions outside 1 to dense.MaxDim are
// ErrInvalid.
func (db *DB) UseSpace(ctx context.Context, model string, dimensions int, frame Frame) (Space, error) {
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
	var own dense.Frame
	if !begun {
		if own, err = s.frameOf(ctx, frame); err != nil {
			return Space{}, fmt.Errorf("vector space: %w", err)
		}
	}
	err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error { return db.activate(ctx, tx, &s, own) })
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	return s, nil
}

// ActiveSpace returns the space that servers search in, and changes nothing. It is
// the zero Space, of no vectors and no codes, when none is active yet.
func (db *DB) ActiveSpace(ctx context.Context) (Space, error) {
	var s Space
	var centre, axis []byte
	var seed int64
	err := db.worker.QueryRow(ctx, `
		SELECT id, model, dim, centre, axis, seed FROM vector_spaces WHERE active AND seed IS NOT NULL`).
		Scan(&s.ID, &s.Model, &s.Dim, &centre, &axis, &seed)
	if errors.Is(err, pgx.ErrNoRows) {
		return Space{}, nil
	}
	if err != nil {
		return Space{}, fmt.Errorf("vector space: %w", err)
	}
	s.coder = dense.NewCoder(s.Dim, dense.Frame{Centre: decodeFloats(centre), Axis: decodeFloats(axis)}, uint64(seed))
	return s, nil
}

// frameOf returns the frame of a space that is new.
func (s Space) frameOf(ctx context.Context, frame Frame) (dense.Frame, error) {
	if frame == nil {
		return dense.Frame{}, nil
	}
	own, err := frame(ctx)
	if err == nil && !own.Fits(s.Dim) {
		err = fmt.Errorf("the frame has %d and %d dimensions, the space %s has %d", len(own.Centre), len(own.Axis), s.Model, s.Dim)
	}
	return own, err
}

// activate makes a space the active one, gives it frame and rotation if it has
// none, and gives its vectors codes unless it was active: all of it or nothing, so
// that no vector is left without one when the process is stopped.
func (db *DB) activate(ctx context.Context, tx pgx.Tx, s *Space, frame dense.Frame) error {
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
	var centre, axis []byte
	var seed int64
	err := tx.QueryRow(ctx, `
		UPDATE vector_spaces SET active = true, seed = coalesce(seed, $4),
			centre = CASE WHEN seed IS NULL THEN $2 ELSE centre END, axis = CASE WHEN seed IS NULL THEN $3 ELSE axis END
		WHERE id = $1
		RETURNING centre, axis, seed`, s.ID, encodeFloats(frame.Centre), encodeFloats(frame.Axis), rand.Int64()).
		Scan(&centre, &axis, &seed) // another process may have been faster
	if err != nil {
		return err
	}
	s.coder = dense.NewCoder(s.Dim, dense.Frame{Centre: decodeFloats(centre), Axis: decodeFloats(axis)}, uint64(seed))
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
