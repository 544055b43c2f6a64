package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// EraseAccount implements api.Accounts.
func (db *DB) EraseAccount(ctx context.Context, id, by cairn.AccountID) (cairn.Erasure, error) {
	receipt, err := db.eraseAccount(ctx, id, by, func(pgx.Tx) error { return nil })
	if err != nil {
		return cairn.Erasure{}, fmt.Errorf("erase account: %w", missing(err))
	}
	return receipt, nil
}

// eraseAccount erases a person, unless check refuses it or she is the last
// administrator.
func (db *DB) eraseAccount(ctx context.Context, id, by cairn.AccountID, check func(tx pgx.Tx) error) (cairn.Erasure, error) {
	return db.erase(ctx, cairn.ErasedAccount, string(id), by, func(e *eraser) error {
		admins, err := lockAdministrators(ctx, e.tx)
		if err != nil {
			return err
		}
		if err := check(e.tx); err != nil {
			return err
		}
		if err := admins.remainWith(ctx, e.tx, cairn.Account{ID: id, Role: cairn.RoleMember, Disabled: true}); err != nil {
			return err
		}
		return e.account(ctx, id)
	})
}

// account erases a person: what she asked and was answered, the documents that
// nobody but she could read, her sources of nothing else, tokens, sessions and
// memberships, and the account. Lists of permissions that nothing has any more go,
// too, when they name her. Of one whose account is gone it erases what is left.
func (e *eraser) account(ctx context.Context, id cairn.AccountID) error {
	email, gone, err := e.lockAccount(ctx, id)
	if err != nil {
		return err
	}
	keys := []cairn.PrincipalKey{cairn.AccountKey(id)}
	if email != "" {
		keys = append(keys, cairn.UserKey(email))
	}
	if err := e.ownDocuments(ctx, id, keys, gone); err != nil {
		return err
	}
	conversations, err := e.query(ctx, `SELECT id FROM conversations WHERE account_id = $1`, id)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(conversations, eraseBatch) {
		if err := e.conversations(ctx, part); err != nil {
			return err
		}
	}
	if err := e.leaveWriters(ctx, string(id), email); err != nil {
		return err
	}
	err = e.each(ctx, []statement{
		{"feedback", `DELETE FROM feedback WHERE account_id = $1`},
		{"grants", `DELETE FROM grants WHERE account_id = $1`},
		{"tokens", `DELETE FROM tokens WHERE account_id = $1`},
		{"sessions", `DELETE FROM sessions WHERE account_id = $1`},
		{"passwords", `DELETE FROM passwords WHERE account_id = $1`},
		{"sign_in_codes", `DELETE FROM sign_in_codes WHERE account_id = $1`},
		{"group_members", `DELETE FROM group_members WHERE account_id = $1 OR email = (SELECT email FROM accounts WHERE id = $1)`},
		{"accounts", `DELETE FROM accounts WHERE id = $1`},
	}, id)
	if err != nil {
		return err
	}
	// What dry runs would have done may name it.
	_, err = e.tx.Exec(ctx, `UPDATE runs SET preview = NULL WHERE preview IS NOT NULL AND strpos(preview::text, $1) > 0`, id)
	if err != nil {
		return err
	}
	if err := e.dropLists(ctx, keys); err != nil {
		return err
	}
	if gone {
		if err := e.wasThere(ctx, id); err != nil {
			return err
		}
	}
	return e.bury(ctx, buriedAccount, string(id))
}

// lockAccount keeps everybody from an account until the transaction ends, and returns
// its address, or that it is gone. Its groups come first, as with everybody who locks
// both; they change, because they lose a member.
func (e *eraser) lockAccount(ctx context.Context, id cairn.AccountID) (email string, gone bool, err error) {
	_, err = e.tx.Exec(ctx, `
		UPDATE groups SET revision = revision + 1, changed_at = now()
		WHERE id IN (SELECT g.id FROM groups g JOIN group_members m ON m.group_id = g.id WHERE m.account_id = $1
		             ORDER BY g.id FOR NO KEY UPDATE OF g)`, id)
	if err != nil {
		return "", false, err
	}
	err = e.tx.QueryRow(ctx, `SELECT coalesce(email, '') FROM accounts WHERE id = $1 FOR UPDATE`, id).Scan(&email)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", true, nil
	}
	return email, false, err
}

// wasThere makes sure that there once was the account of which only what was left has
// been erased: something was, or the audit log tells that it was deleted, and no
// tombstone that it was erased. Else it is ErrNotFound.
func (e *eraser) wasThere(ctx context.Context, id cairn.AccountID) error {
	if len(e.receipt.Counts) == 0 {
		var deleted bool
		err := e.tx.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM audit_log WHERE object_id = $1 AND kind = $2 AND action = $3 AND outcome = $4)
			       AND NOT EXISTS (SELECT FROM tombstones WHERE kind = $5 AND id = $1)`,
			id, audit.KindAccount, audit.AccountDelete, audit.OK, buriedAccount).Scan(&deleted)
		if err != nil {
			return err
		}
		if !deleted {
			return cairn.ErrNotFound
		}
	}
	e.receipt.Counts["accounts"] = 0
	return nil
}

// ownDocuments erases what nobody but the holder of the keys could read, what is
// withheld included, and those of her sources that have nothing else and are for her alone. A source whose owner's
// account is gone has none any more.
func (e *eraser) ownDocuments(ctx context.Context, id cairn.AccountID, keys []cairn.PrincipalKey, gone bool) error {
	rows, err := e.tx.Query(ctx, `
		SELECT DISTINCT k.acl_id FROM acl_keys k
		WHERE k.principal = ANY ($1) AND k.clause >= 0 AND NOT EXISTS (
			SELECT FROM acl_keys o WHERE o.acl_id = k.acl_id AND o.clause = k.clause AND o.principal <> ALL ($1))`, keys)
	if err != nil {
		return err
	}
	classes, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil || len(classes) == 0 {
		return err
	}
	sources, err := e.query(ctx, `
		SELECT id FROM sources WHERE id IN (SELECT source_id FROM documents WHERE acl_id = ANY ($1) OR withheld_acl = ANY ($1))
		      OR (owner_id = $2 OR $3 AND owner_id IS NULL) AND acl_id = ANY ($1)
		ORDER BY id FOR UPDATE`, classes, id, gone)
	if err != nil {
		return err
	}
	for {
		ids, err := e.query(ctx, `SELECT id FROM documents WHERE acl_id = ANY ($1) OR withheld_acl = ANY ($1) LIMIT $2`, classes, eraseBatch)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := e.documents(ctx, ids); err != nil {
			return err
		}
	}
	// Former versions that nobody else could read, of documents that others may read today.
	if err := e.exec(ctx, "bodies", `DELETE FROM bodies WHERE acl_id = ANY ($1)`, classes); err != nil {
		return err
	}
	empty, err := e.query(ctx, `
		SELECT id FROM sources s
		WHERE s.id = ANY ($1) AND (s.owner_id = $2 OR $4 AND s.owner_id IS NULL) AND s.acl_id = ANY ($3) AND s.acl_mode = 'declared'
		  AND NOT EXISTS (SELECT FROM documents d WHERE d.source_id = s.id)`, sources, id, classes, gone)
	if err != nil {
		return err
	}
	for _, s := range empty {
		if err := e.source(ctx, cairn.SourceID(s)); err != nil {
			return err
		}
	}
	return nil
}

// leaveWriters takes an account out of the writers of sources.
func (e *eraser) leaveWriters(ctx context.Context, id, email string) error {
	rows, err := e.tx.Query(ctx, `SELECT id, settings->>'writers' FROM sources WHERE settings ? 'writers'`)
	if err != nil {
		return err
	}
	left := make(map[string]string)
	var source, writers string
	_, err = pgx.ForEachRow(rows, []any{&source, &writers}, func() error {
		names := strings.FieldsFunc(writers, func(r rune) bool { return strings.ContainsRune(", \t\n;", r) })
		others := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
			folded, ok := cairn.FoldAddress(n)
			return strings.EqualFold(n, id) || ok && folded == email
		})
		if len(others) < len(names) {
			left[source] = strings.Join(others, ", ")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for source, writers := range left {
		err := e.exec(ctx, "sources", `
			UPDATE sources SET settings = jsonb_set(settings, '{writers}', to_jsonb($2::text)) WHERE id = $1`, source, writers)
		if err != nil {
			return err
		}
	}
	return nil
}

// dropLists deletes the ACL classes that name one of the keys and that nothing
// refers to. Chunks have the classes of their documents.
func (e *eraser) dropLists(ctx context.Context, keys []cairn.PrincipalKey) error {
	rows, err := e.tx.Query(ctx, `
		SELECT a.id FROM acls a
		WHERE a.id IN (SELECT acl_id FROM acl_keys WHERE principal = ANY ($1))
		  AND NOT EXISTS (SELECT FROM documents WHERE acl_id = a.id) AND NOT EXISTS (SELECT FROM documents WHERE withheld_acl = a.id)
		  AND NOT EXISTS (SELECT FROM sources WHERE acl_id = a.id) AND NOT EXISTS (SELECT FROM bodies WHERE acl_id = a.id)`, keys)
	if err != nil {
		return err
	}
	unused, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil || len(unused) == 0 {
		return err
	}
	return e.each(ctx, []statement{
		{"acl_keys", `DELETE FROM acl_keys WHERE acl_id = ANY ($1)`},
		{"acls", `DELETE FROM acls WHERE id = ANY ($1)`},
	}, unused)
}
