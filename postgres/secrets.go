package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/keyring"
	"github.com/cairnhq/cairn/server/api"
)

// SetKeys says which keys seal the secrets of sources. Without, none can be stored or
// read. It is called before anything else.
func (db *DB) SetKeys(r *keyring.Ring) { db.keys = r }

// Secrets returns the secret settings of a source.
func (db *DB) Secrets(source cairn.SourceID) connectors.Secrets { return sourceSecrets{db, source} }

// sourceSecrets implements connectors.Secrets.
type sourceSecrets struct {
	db     *DB
	source cairn.SourceID
}

// Secret implements connectors.Secrets.
func (s sourceSecrets) Secret(ctx context.Context, name string) (cairn.Secret, error) {
	var sealed []byte
	err := s.db.worker.QueryRow(ctx, `SELECT sealed FROM source_secrets WHERE source_id = $1 AND name = $2`, s.source, name).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return cairn.Secret{}, nil
	}
	if err != nil {
		return cairn.Secret{}, fmt.Errorf("read a secret: %w", err)
	}
	return s.db.open(sealed, s.source, name)
}

// Replace implements connectors.Secrets.
func (s sourceSecrets) Replace(ctx context.Context, name string, old, issued cairn.Secret) error {
	err := pgx.BeginFunc(ctx, s.db.worker, func(tx pgx.Tx) error {
		var sealed []byte
		err := tx.QueryRow(ctx, `
			SELECT sealed FROM source_secrets WHERE source_id = $1 AND name = $2 FOR UPDATE`, s.source, name).Scan(&sealed)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		var stored cairn.Secret
		if err == nil {
			if stored, err = s.db.open(sealed, s.source, name); err != nil {
				return err
			}
		}
		if stored != old || !stored.Set() {
			return cairn.Errorf(cairn.ErrConflict, "the setting %s is another one by now", name)
		}
		return s.db.storeSecret(ctx, tx, s.source, name, issued)
	})
	if err != nil {
		return fmt.Errorf("replace a secret: %w", err)
	}
	return nil
}

// errNoKeys is the error of a process that was started without keys.
var errNoKeys = cairn.Errorf(cairn.ErrUnavailable, "this process has no keys for the secrets of sources")

func (db *DB) open(sealed []byte, source cairn.SourceID, name string) (cairn.Secret, error) {
	if db.keys == nil {
		return cairn.Secret{}, errNoKeys
	}
	return db.keys.Open(sealed, secretPlace(source, name)...)
}

// secretPlace is what a sealed secret is bound to.
func secretPlace(source cairn.SourceID, name string) []string {
	return []string{"source_secrets", "sealed", string(source), name}
}

// storeSecrets stores what secrets has of a source, and removes what it has not. The
// zero Secret leaves what is stored.
func (db *DB) storeSecrets(ctx context.Context, tx pgx.Tx, source cairn.SourceID, secrets map[string]cairn.Secret) error {
	names := []string{}
	for name, value := range secrets {
		names = append(names, name)
		if !value.Set() {
			continue
		}
		if err := db.storeSecret(ctx, tx, source, name, value); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM source_secrets WHERE source_id = $1 AND name <> ALL ($2)`, source, names)
	return err
}

// named returns the names of secrets, without their values.
func named(secrets map[string]cairn.Secret) map[string]cairn.Secret {
	out := make(map[string]cairn.Secret, len(secrets))
	for name := range secrets {
		out[name] = cairn.Secret{}
	}
	return out
}

func (db *DB) storeSecret(ctx context.Context, tx pgx.Tx, source cairn.SourceID, name string, value cairn.Secret) error {
	if db.keys == nil {
		return errNoKeys
	}
	sealed, err := db.keys.Seal(value, secretPlace(source, name)...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO source_secrets (source_id, name, sealed) VALUES ($1, $2, $3)
		ON CONFLICT (source_id, name) DO UPDATE SET sealed = excluded.sealed, set_at = now()`, source, name, sealed)
	return err
}

// KeysInUse returns how many secrets are sealed with each key, by the id of the key.
func (db *DB) KeysInUse(ctx context.Context) (map[string]int, error) {
	rows, err := db.worker.Query(ctx, `SELECT sealed FROM source_secrets`)
	if err != nil {
		return nil, fmt.Errorf("keys of secrets: %w", err)
	}
	used := make(map[string]int)
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&sealed}, func() error {
		used[keyring.KeyOf(sealed)]++
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keys of secrets: %w", err)
	}
	return used, nil
}

// RotateSecrets implements api.Secrets. It may be broken off and begun again.
func (db *DB) RotateSecrets(ctx context.Context) (api.Rotation, error) {
	if db.keys == nil {
		return api.Rotation{}, errNoKeys
	}
	if err := db.keys.Renew(); err != nil {
		return api.Rotation{}, err
	}
	ids, err := db.keys.IDs()
	if err != nil {
		return api.Rotation{}, err
	}
	out := api.Rotation{Key: ids[0]}
	rows, err := db.worker.Query(ctx, `SELECT source_id, name FROM source_secrets ORDER BY source_id, name`)
	if err != nil {
		return out, fmt.Errorf("seal secrets: %w", err)
	}
	type place struct {
		Source cairn.SourceID
		Name   string
	}
	places, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil {
		return out, fmt.Errorf("seal secrets: %w", err)
	}
	for _, p := range places {
		done, err := db.reseal(ctx, p.Source, p.Name, ids[0])
		switch {
		case errors.Is(err, cairn.ErrUnavailable):
			out.Lost++
		case err != nil:
			return out, fmt.Errorf("seal secrets: %w", err)
		case done:
			out.Sealed++
		}
	}
	return out, nil
}

// reseal seals a secret with the first key unless it is.
func (db *DB) reseal(ctx context.Context, source cairn.SourceID, name, key string) (done bool, err error) {
	err = pgx.BeginFunc(ctx, db.worker, func(tx pgx.Tx) error {
		var sealed []byte
		err := tx.QueryRow(ctx, `
			SELECT sealed FROM source_secrets WHERE source_id = $1 AND name = $2 FOR UPDATE`, source, name).Scan(&sealed)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && keyring.KeyOf(sealed) == key {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := db.open(sealed, source, name)
		if err != nil {
			return err
		}
		done = true
		return db.storeSecret(ctx, tx, source, name, value)
	})
	return done, err
}
