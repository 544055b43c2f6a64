package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn/server/auth"
)

// Attempt implements auth.Attempts, by the generic cell rate algorithm (ITU-T
// I.371): the time until which a limit is used up moves ahead with each attempt.
func (db *DB) Attempt(ctx context.Context, now time.Time, limits ...auth.Limit) (time.Duration, error) {
	var wait time.Duration
	exhausted := errors.New("exhausted") // and what was counted is rolled back
	err := pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) (err error) {
		for _, l := range limits {
			if wait, err = attempt(ctx, tx, now, l); err != nil {
				return err
			}
			if wait > 0 {
				return exhausted
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, exhausted) {
		return 0, fmt.Errorf("count an attempt to sign in: %w", err)
	}
	return wait, nil
}

// attempt counts an attempt, or returns how long the limit will still be exhausted.
func attempt(ctx context.Context, tx pgx.Tx, now time.Time, l auth.Limit) (time.Duration, error) {
	var until time.Time
	err := tx.QueryRow(ctx, `
		INSERT INTO sign_in_limits AS l (key, until) VALUES ($1, $2::timestamptz + $3::interval)
		ON CONFLICT (key) DO UPDATE SET until = greatest(l.until, $2) + $3
		WHERE greatest(l.until, $2) + $3 <= $2 + $3 * $4::float8
		RETURNING until`, l.Key[:], now, l.Every, l.Size).Scan(&until)
	if !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	// The row is locked, although it was not updated.
	if err := tx.QueryRow(ctx, `SELECT until FROM sign_in_limits WHERE key = $1`, l.Key[:]).Scan(&until); err != nil {
		return 0, err
	}
	return max(until.Sub(now)-time.Duration(l.Size-1)*l.Every, time.Millisecond), nil
}

// Remember implements auth.Attempts.
func (db *DB) Remember(ctx context.Context, key auth.Hash, until time.Time) error {
	_, err := db.worker.Exec(ctx, `
		INSERT INTO sign_in_limits AS l (key, until) VALUES ($1, $2)
		ON CONFLICT (key) DO UPDATE SET until = greatest(l.until, excluded.until)`, key[:], until)
	if err != nil {
		return fmt.Errorf("remember a browser: %w", err)
	}
	return nil
}

// Remembers implements auth.Attempts.
func (db *DB) Remembers(ctx context.Context, key auth.Hash, now time.Time) (bool, error) {
	var there bool
	err := db.worker.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sign_in_limits WHERE key = $1 AND until > $2)`, key[:], now).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("remembered browser: %w", err)
	}
	return there, nil
}
