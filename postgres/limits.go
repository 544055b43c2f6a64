package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

var _ connectors.Limiter = (*DB)(nil)

// Reserve implements connectors.Limiter, by the generic cell rate algorithm and the
// database's clock.
func (db *DB) Reserve(ctx context.Context, account string, r connectors.Rate) (time.Duration, error) {
	key := sha256.Sum256([]byte(account))
	var wait time.Duration
	err := db.worker.QueryRow(ctx, `
		INSERT INTO request_limits AS l (key, used) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (key) DO UPDATE SET used = greatest(l.used, clock_timestamp()) + $2
		RETURNING greatest(used - $2 * $3::float8, held, clock_timestamp()) - clock_timestamp()`,
		key[:], r.Every, max(r.Burst, 1)).Scan(&wait)
	if err != nil {
		return 0, fmt.Errorf("count a request to a source: %w", err)
	}
	return max(wait, 0), nil
}

// Hold implements connectors.Limiter.
func (db *DB) Hold(ctx context.Context, account string, d time.Duration) error {
	key := sha256.Sum256([]byte(account))
	_, err := db.worker.Exec(ctx, `
		INSERT INTO request_limits AS l (key, used, held) VALUES ($1, clock_timestamp(), clock_timestamp() + $2::interval)
		ON CONFLICT (key) DO UPDATE SET held = greatest(l.held, excluded.held)`, key[:], d)
	if err != nil {
		return fmt.Errorf("hold requests to a source: %w", err)
	}
	return nil
}

// ForgetLimits removes what no longer limits anybody.
func (db *DB) ForgetLimits(ctx context.Context) error {
	_, err := db.worker.Exec(ctx, `DELETE FROM request_limits WHERE used < now() - interval '1 hour' AND held < now()`)
	if err != nil {
		return fmt.Errorf("forget the pace of sources: %w", err)
	}
	return nil
}
