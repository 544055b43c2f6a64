package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// CreateDevice implements auth.Devices.
func (db *DB) CreateDevice(ctx context.Context, h auth.DeviceHashes, d auth.DeviceLogin, pace time.Duration) error {
	_, err := db.worker.Exec(ctx, `
		INSERT INTO device_logins (device_hash, user_hash, token_hash, name, address, scopes, lifetime, asked_at, expires_at, pace)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		h.Device[:], h.User[:], h.Token[:], d.Name, d.Address, d.Scopes, d.TTL, d.Asked, d.Expires, pace)
	if err != nil {
		return fmt.Errorf("note a program: %w", refused(err, "this code was given to another program; try again"))
	}
	return nil
}

// deviceRow is a program as the database has it.
type deviceRow struct {
	Name      string
	Address   string
	Scopes    []cairn.Scope
	Lifetime  time.Duration
	AskedAt   time.Time
	ExpiresAt time.Time
}

func (r deviceRow) login() auth.DeviceLogin {
	return auth.DeviceLogin{Name: r.Name, Address: r.Address, Scopes: r.Scopes, TTL: r.Lifetime, Asked: r.AskedAt, Expires: r.ExpiresAt}
}

// openDevice says which programs somebody can decide upon: that of the code $1 at the time $2.
const openDevice = `user_hash = $1 AND expires_at > $2 AND NOT refused AND token_id IS NULL`

// OpenDevice implements auth.Devices.
func (db *DB) OpenDevice(ctx context.Context, user auth.Hash, now time.Time) (auth.DeviceLogin, error) {
	r, err := exactlyOne[deviceRow](db.worker.Query(ctx, `
		SELECT name, address, scopes, lifetime, asked_at, expires_at FROM device_logins WHERE `+openDevice, user[:], now))
	if err != nil {
		return auth.DeviceLogin{}, fmt.Errorf("program that asks to be let in: %w", err)
	}
	return r.login(), nil
}

// AdmitDevice implements auth.Devices. Of two that decide at once the second finds nothing.
func (db *DB) AdmitDevice(ctx context.Context, user auth.Hash, account cairn.AccountID, now time.Time) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		if err := holdEnabled(ctx, tx, account); err != nil {
			return changed{}, err
		}
		r, err := exactlyOne[struct {
			TokenHash []byte
			deviceRow
		}](tx.Query(ctx, `
			SELECT token_hash, name, address, scopes, lifetime, asked_at, expires_at FROM device_logins WHERE `+openDevice+` FOR UPDATE`, user[:], now))
		if err != nil {
			return changed{}, err
		}
		t := cairn.Token{ID: cairn.NewID(), Account: account, Name: r.Name, Scopes: r.Scopes, Expires: now.Add(r.Lifetime)}
		if err := insertToken(ctx, tx, auth.Hash(r.TokenHash), &t, nil); err != nil {
			return changed{}, err
		}
		_, err = tx.Exec(ctx, `
			UPDATE device_logins SET token_id = $2, expires_at = greatest(expires_at, $3::timestamptz + interval '1 minute')
			WHERE user_hash = $1`, user[:], t.ID, now)
		return changed{action: audit.TokenCreate, kind: audit.KindToken, id: t.ID, detail: tokenDetail(t) + " device:" + r.Address}, err
	})
	if err != nil {
		return fmt.Errorf("let a program in: %w", err)
	}
	return nil
}

// RefuseDevice implements auth.Devices.
func (db *DB) RefuseDevice(ctx context.Context, user auth.Hash, now time.Time) error {
	err := db.change(ctx, func(tx pgx.Tx) (changed, error) {
		var address string
		err := tx.QueryRow(ctx, `UPDATE device_logins SET refused = true WHERE `+openDevice+` RETURNING address`, user[:], now).Scan(&address)
		return changed{action: audit.TokenRefuse, detail: "device:" + address}, missing(err)
	})
	if err != nil {
		return fmt.Errorf("refuse a program: %w", err)
	}
	return nil
}

// polledRow is a program that asks how it stands.
type polledRow struct {
	ExpiresAt time.Time
	PolledAt  *time.Time
	Pace      time.Duration
	Refused   bool
	TokenID   *string
}

// state says what the program is told.
func (r polledRow) state(p auth.DevicePoll) auth.DeviceState {
	switch {
	case !p.At.Before(r.ExpiresAt):
		return auth.DeviceExpired
	case r.Refused:
		return auth.DeviceRefused
	case r.TokenID != nil:
		return auth.DeviceAdmitted
	case r.PolledAt != nil && p.At.Sub(*r.PolledAt) < r.Pace-p.Slack:
		return auth.DeviceTooSoon
	}
	return auth.DeviceWaiting
}

// PollDevice implements auth.Devices. The row is held, so that one of several servers hands
// the token over.
func (db *DB) PollDevice(ctx context.Context, device auth.Hash, p auth.DevicePoll) (state auth.DeviceState, t cairn.Token, err error) {
	err = db.change(ctx, func(tx pgx.Tx) (changed, error) {
		r, err := exactlyOne[polledRow](tx.Query(ctx, `
			SELECT expires_at, polled_at, pace, refused, token_id FROM device_logins WHERE device_hash = $1 FOR UPDATE`, device[:]))
		if err != nil {
			return changed{}, err
		}
		switch state = r.state(p); state {
		case auth.DeviceWaiting, auth.DeviceTooSoon:
			longer := time.Duration(0)
			if state == auth.DeviceTooSoon {
				longer = p.Pause
			}
			_, err := tx.Exec(ctx, `UPDATE device_logins SET polled_at = $2, pace = pace + $3 WHERE device_hash = $1`, device[:], p.At, longer)
			return changed{}, err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM device_logins WHERE device_hash = $1`, device[:]); err != nil || state != auth.DeviceAdmitted {
			return changed{}, err
		}
		if t, err = validToken(ctx, tx, *r.TokenID, p.At); err != nil || t.ID == "" {
			state = auth.DeviceRefused
			return changed{}, err
		}
		return changed{action: audit.SignIn, kind: audit.KindToken, id: t.ID, by: t.Account, detail: "device"}, nil
	})
	if err != nil {
		return "", cairn.Token{}, fmt.Errorf("program that asks to be let in: %w", err)
	}
	return state, t, nil
}

// validToken returns a token; the zero one when it was revoked or has expired meanwhile, or
// its account is disabled.
func validToken(ctx context.Context, tx pgx.Tx, id string, now time.Time) (cairn.Token, error) {
	rows, err := tx.Query(ctx, `
		SELECT t.id, t.account_id, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
		FROM tokens t JOIN accounts a ON a.id = t.account_id
		WHERE t.id = $1 AND t.revoked_at IS NULL AND t.expires_at > $2 AND a.disabled_at IS NULL`, id, now)
	if err != nil {
		return cairn.Token{}, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[tokenRow])
	if err != nil || len(found) == 0 {
		return cairn.Token{}, err
	}
	return found[0].token(), nil
}
