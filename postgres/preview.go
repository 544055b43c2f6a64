package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

// PreviewAccess implements api.Sources. It says of every document what UpdateSource,
// or with own the next sync, would make of its ACL, and writes nothing.
func (db *DB) PreviewAccess(ctx context.Context, edited cairn.Source, own func(external string) *cairn.ACL) (api.AccessChange, error) {
	if err := settleACL(&edited); err != nil {
		return api.AccessChange{}, err
	}
	var out api.AccessChange
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		before, err := readSource(ctx, tx, selectSource+` WHERE s.id = $1`, string(edited.ID))
		if err != nil {
			return err
		}
		p := preview{before: before, after: edited, own: own, acls: make(map[[32]byte]cairn.ACL), moves: make(map[move]int)}
		if err := p.read(ctx, tx); err != nil {
			return err
		}
		t := tally{q: tx}
		if err := t.add(ctx, p.moves, p.acls); err != nil {
			return err
		}
		out = t.change()
		return nil
	})
	if err != nil {
		return api.AccessChange{}, fmt.Errorf("preview of permissions: %w", err)
	}
	return out, nil
}

// preview collects what becomes of the ACLs of a source's documents.
type preview struct {
	before, after cairn.Source
	own           func(external string) *cairn.ACL // nil: documents keep what they came with
	acls          map[[32]byte]cairn.ACL           // of moves, by their hashes
	moves         map[move]int                     // how many documents
}

// read looks at the documents but for those that are withheld, which nobody may read
// before and after. What is attached to a document goes with it.
func (p *preview) read(ctx context.Context, q querier) error {
	rules, err := rulesOfSource(ctx, q, p.after.ID)
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, `
		SELECT d.acl_id, d.acl_own, CASE WHEN $2 THEN coalesce(parent.external_id, d.external_id) ELSE '' END, count(*)
		FROM documents d LEFT JOIN documents parent ON parent.id = d.parent_id AND d.attached
		WHERE d.source_id = $1 AND d.hidden_at IS NULL AND d.withheld_acl IS NULL
		GROUP BY 1, 2, 3`, p.after.ID, p.own != nil)
	if err != nil {
		return err
	}
	var class int32
	var own bool
	var external string
	var documents int
	_, err = pgx.ForEachRow(rows, []any{&class, &own, &external, &documents}, func() error {
		from := rules[class]
		to := p.becomes(from, own, external)
		m := move{from.Hash(), to.Hash()}
		if m.from != m.to {
			p.acls[m.from], p.acls[m.to] = from, to
			p.moves[m] += documents
		}
		return nil
	})
	return err
}

// rulesOfSource returns the ACLs of the classes that documents of a source have.
func rulesOfSource(ctx context.Context, q querier, source cairn.SourceID) (map[int32]cairn.ACL, error) {
	rows, err := q.Query(ctx, `
		SELECT id, rule FROM acls WHERE id IN (SELECT acl_id FROM documents WHERE source_id = $1 AND hidden_at IS NULL)`, source)
	if err != nil {
		return nil, err
	}
	return collectRules(rows)
}

// collectRules returns the ACLs of rows with a class and its rule.
func collectRules(rows pgx.Rows) (map[int32]cairn.ACL, error) {
	rules := make(map[int32]cairn.ACL)
	var class int32
	var rule cairn.ACL
	_, err := pgx.ForEachRow(rows, []any{&class, &rule}, func() error {
		rules[class] = rule
		rule = cairn.ACL{} // its slices are the map's from now on
		return nil
	})
	return rules, err
}

// becomes returns the ACL that a document will have: see declare, and batch.setACL
// of package ingest.
func (p *preview) becomes(now cairn.ACL, own bool, external string) cairn.ACL {
	if p.own != nil {
		if acl := p.own(external); acl != nil {
			return *acl
		}
		return p.after.ACL
	}
	if own && !declaresAll(p.before, p.after) {
		return now
	}
	return p.after.ACL
}
