package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server/api"
)

// PreviewRun implements ingest.Store, in one state of the database.
func (s *Ingest) PreviewRun(ctx context.Context, source cairn.Source, plan ingest.Plan) (cairn.RunAccess, error) {
	var out cairn.RunAccess
	err := s.db.snapshot(ctx, func(tx pgx.Tx) error {
		p := runPreview{q: tx, source: source, plan: plan, acls: plan.ACLs, moves: make(map[move]int), left: make(map[int32]int)}
		if err := p.read(ctx); err != nil {
			return err
		}
		var err error
		out, err = p.tell(ctx)
		return err
	})
	if err != nil {
		return cairn.RunAccess{}, fmt.Errorf("preview of a run: %w", err)
	}
	return out, nil
}

// What a preview names at most: documents, accounts and groups of a kind, and accounts
// of one document.
const (
	previewNames   = 100
	previewReaders = 3
)

// runPreview collects what a run would make of who may read documents.
type runPreview struct {
	q      querier
	source cairn.Source
	plan   ingest.Plan
	acls   map[[32]byte]cairn.ACL // of moves, by their hashes
	moves  map[move]int           // how many documents
	left   map[int32]int          // of classes, how many documents the plan takes from them
	groups cairn.GroupChanges

	changed, added, removed []namedMove // the first of each
}

// namedMove is what becomes of one document.
type namedMove struct {
	external string
	move
}

// read compares the plan with what is stored.
func (p *runPreview) read(ctx context.Context) error {
	stored, err := readSource(ctx, p.q, selectSource+` WHERE s.id = $1`, string(p.source.ID))
	if err != nil {
		return err
	}
	p.acls[cairn.ACL{}.Hash()] = cairn.ACL{}
	p.acls[stored.ACL.Hash()] = stored.ACL
	for part := range slices.Chunk(p.plan.Fates, previewDocuments) {
		if err := p.readPart(ctx, part, stored.ACL); err != nil {
			return err
		}
	}
	if p.plan.Members == nil {
		return nil
	}
	if err := addKept(ctx, p.q, p.source.ID, p.plan.Members); err != nil {
		return err
	}
	if p.groups, err = p.readGroups(ctx); err != nil || p.groups.Groups == 0 {
		p.plan.Members = nil // as they are
		return err
	}
	return p.readRest(ctx)
}

// previewDocuments is how many documents are looked up at once.
const previewDocuments = 5000

// readPart looks up which ACLs documents have now. One that is not there has that of
// nobody, as has one that is withheld.
func (p *runPreview) readPart(ctx context.Context, fates []ingest.Fate, declared cairn.ACL) error {
	names := make([]string, len(fates))
	for i, f := range fates {
		names[i] = f.Stored
	}
	rows, err := p.q.Query(ctx, `
		SELECT d.external_id, d.acl_id, d.withheld_acl IS NOT NULL FROM documents d
		WHERE d.source_id = $1 AND d.external_id = ANY ($2) AND d.hidden_at IS NULL AND NOT d.attached`, p.source.ID, names)
	if err != nil {
		return err
	}
	has := make(map[string]int32, len(fates))
	var external string
	var class int32
	var withheld bool
	_, err = pgx.ForEachRow(rows, []any{&external, &class, &withheld}, func() error {
		has[external] = class
		if !withheld {
			p.left[class]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	rules, err := p.rules(ctx, slices.Collect(maps.Values(has)))
	if err != nil {
		return err
	}
	for i, f := range fates {
		class, there := has[names[i]] // nothing is stored without a name
		p.add(f, there, rules[class], declared)
	}
	return nil
}

// rules returns the ACLs of classes.
func (p *runPreview) rules(ctx context.Context, classes []int32) (map[int32]cairn.ACL, error) {
	slices.Sort(classes)
	rows, err := p.q.Query(ctx, `SELECT id, rule FROM acls WHERE id = ANY ($1)`, slices.Compact(classes))
	if err != nil {
		return nil, err
	}
	return collectRules(rows)
}

// add notes what becomes of a document that has an ACL now.
func (p *runPreview) add(f ingest.Fate, there bool, from, declared cairn.ACL) {
	m := namedMove{f.External, move{from: from.Hash(), to: declared.Hash()}}
	if f.Own {
		m.to = f.ACL
	}
	if f.Gone {
		m.to = cairn.ACL{}.Hash()
	}
	p.acls[m.from] = from
	p.moves[m.move]++
	if m.from == m.to {
		return
	}
	list := &p.changed
	switch {
	case f.Gone:
		list = &p.removed
	case !there:
		list = &p.added
	}
	if len(*list) < previewNames {
		*list = append(*list, m)
	}
}

// readGroups says which groups of the source would have other members.
func (p *runPreview) readGroups(ctx context.Context) (cairn.GroupChanges, error) {
	m := p.plan.Members
	rows, err := p.q.Query(ctx, `
		WITH wanted AS (
			SELECT DISTINCT name, email, subgroup FROM unnest($2::text[], $3::text[], $4::text[]) w (name, email, subgroup)
		), stored AS (
			SELECT g.name, coalesce(m.email, '') AS email, coalesce(s.name, '') AS subgroup
			FROM groups g JOIN group_members m ON m.group_id = g.id LEFT JOIN groups s ON s.id = m.member_id
			WHERE g.source_id = $1
		)
		SELECT name, count(*) FILTER (WHERE s.name IS NULL)::int, count(*) FILTER (WHERE w.name IS NULL)::int
		FROM wanted w FULL JOIN stored s USING (name, email, subgroup)
		WHERE w.name IS NULL OR s.name IS NULL
		GROUP BY name ORDER BY name`, p.source.ID, append([]string{}, m.Groups...), append([]string{}, m.Emails...), append([]string{}, m.Subgroups...))
	if err != nil {
		return cairn.GroupChanges{}, err
	}
	var out cairn.GroupChanges
	var g cairn.GroupChange
	_, err = pgx.ForEachRow(rows, []any{&g.Name, &g.Joined, &g.Left}, func() error {
		if out.Groups++; out.Groups <= previewNames {
			out.First = append(out.First, g)
		}
		return nil
	})
	return out, err
}

// readRest notes the documents that keep their ACLs, of all sources: when groups change,
// others may read them.
func (p *runPreview) readRest(ctx context.Context) error {
	rows, err := p.q.Query(ctx, `
		SELECT acl_id, count(*) FROM documents WHERE hidden_at IS NULL AND withheld_acl IS NULL AND NOT attached GROUP BY acl_id`)
	if err != nil {
		return err
	}
	rest := make(map[int32]int)
	var class int32
	var documents int
	_, err = pgx.ForEachRow(rows, []any{&class, &documents}, func() error {
		if n := documents - p.left[class]; n > 0 {
			rest[class] = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	rules, err := p.rules(ctx, slices.Collect(maps.Keys(rest)))
	if err != nil {
		return err
	}
	for class, documents := range rest {
		hash := rules[class].Hash()
		p.acls[hash] = rules[class]
		p.moves[move{hash, hash}] += documents
	}
	return nil
}

// tell adds up and names who loses and gains.
func (p *runPreview) tell(ctx context.Context) (cairn.RunAccess, error) {
	t := tally{q: p.q}
	if p.plan.Members != nil {
		t.then = &siteGroups{p.source, *p.plan.Members}
	}
	if err := t.add(ctx, p.moves, p.acls); err != nil {
		return cairn.RunAccess{}, err
	}
	change := t.change()
	out := cairn.RunAccess{Documents: change.Documents, Lose: accountChanges(change.Lose), Gain: accountChanges(change.Gain), Groups: p.groups}
	first := slices.Concat(p.changed, p.added, p.removed)
	first = first[:min(len(first), previewNames)]
	named := make(map[move]int, len(first))
	for _, d := range first {
		named[d.move]++
	}
	before, after, err := t.readers(ctx, named, p.acls)
	if err != nil {
		return cairn.RunAccess{}, err
	}
	for _, d := range first {
		was, is := before.of(p.acls[d.from]), after.of(p.acls[d.to])
		out.First = append(out.First, cairn.DocumentAccess{
			External: d.external, Lose: before.some(was.without(is)), Gain: before.some(is.without(was)),
		})
	}
	return out, nil
}

// accountChanges names the first of the accounts.
func accountChanges(all []api.AccountChange) cairn.AccountChanges {
	out := cairn.AccountChanges{Accounts: len(all)}
	for _, a := range all[:min(len(all), previewNames)] {
		out.First = append(out.First, cairn.AccountChange{ID: a.Account.ID, Documents: a.Documents})
	}
	return out
}

// some names the first accounts of a set.
func (r *readers) some(s accountSet) cairn.AccountChanges {
	out := cairn.AccountChanges{Accounts: s.len()}
	for i := range s.all() {
		if len(out.First) == previewReaders {
			break
		}
		out.First = append(out.First, cairn.AccountChange{ID: r.accounts[i].ID, Documents: 1})
	}
	return out
}
