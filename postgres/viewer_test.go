package postgres

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cairnhq/cairn"
)

// TestNoStateOfAConnectionOpensTheSecondLock leaves the search role, or puts a
// viewer's context on the session, on every connection of the search pool: a
// document whose ACL admits nobody stays unreadable.
func TestNoStateOfAConnectionOpensTheSecondLock(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.member("ann")
	f.search.Close()
	var err error
	f.search, err = f.openPool(ctx, f.made.URL, f.roles.Search, 1, 15*time.Second, planAnew())
	f.check(err)
	id := f.document(f.source("handbook", cairn.ACL{}), "a", "Secret", "text", cairn.ACL{})
	f.grant(ann.Account, "", id) // of which the viewer was resolved without
	classes, err := f.classesOfDocuments(ctx, []cairn.DocumentID{id})
	f.check(err)
	var chunk int64
	f.check(f.worker.QueryRow(ctx, `SELECT id FROM chunks WHERE document_id = $1`, id).Scan(&chunk))
	for _, damage := range []string{
		`RESET ROLE`,
		`SET ROLE ` + pgx.Identifier{f.roles.Worker}.Sanitize(),
		`SET ROLE ` + pgx.Identifier{f.roles.Index}.Sanitize(),
		`SELECT set_config('cairn.classes', '` + classLiteral(classes) + `', false)`,
		`SELECT set_config('cairn.granted', '{` + string(id) + `}', false)`,
	} {
		f.check(f.search.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
			_, err := c.Exec(ctx, damage)
			return err
		}))
		_, err := f.Document(ctx, ann, id, "")
		wantError(t, damage, err, cairn.ErrNotFound)
		chunks, err := f.Hydrate(ctx, ann, []int64{chunk})
		f.check(err)
		texts, err := f.Texts(ctx, ann, []int64{chunk})
		f.check(err)
		if len(chunks)+len(texts) != 0 {
			t.Errorf("%s: %d chunks and %d texts are read", damage, len(chunks), len(texts))
		}
		f.check(f.asViewer(ctx, ann, nil, func(tx pgx.Tx) error {
			var seen int
			err := tx.QueryRow(ctx, `SELECT count(*) FROM documents`).Scan(&seen)
			if seen != 0 {
				t.Errorf("%s: %d documents are seen", damage, seen)
			}
			return err
		}))
	}
}

// TestSearchPoolIsUsedForViewersAlone reads this package: nothing else may take
// connections from the pool of the search role.
func TestSearchPoolIsUsedForViewersAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "search" {
					users = append(users, fn.Name.Name)
				}
				return true
			})
		}
	}
	slices.Sort(users)
	if want := []string{"Close", "Open", "asViewer", "lookUpAsViewer"}; !slices.Equal(users, want) {
		t.Errorf("the search pool is used by %q, want %q", users, want)
	}
}

// TestForbiddenAndMissingTakeTheSameSteps counts the statements that both send:
// the time that an answer takes must not tell them apart.
func TestForbiddenAndMissingTakeTheSameSteps(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann")
	forbidden := f.document(f.source("handbook", cairn.ACL{}), "a", "Secret", "text", cairn.ACL{})
	steps := func(id cairn.DocumentID) int64 {
		before := f.index.Stat().AcquireCount() + f.lookup.Stat().AcquireCount() + f.search.Stat().AcquireCount()
		_, err := f.Document(context.Background(), ann, id, "")
		wantError(t, string(id), err, cairn.ErrNotFound)
		return f.index.Stat().AcquireCount() + f.lookup.Stat().AcquireCount() + f.search.Stat().AcquireCount() - before
	}
	if f, m := steps(forbidden), steps("missing"); f != m {
		t.Errorf("a forbidden document takes %d steps, a missing one %d", f, m)
	}
}

// TestSlowReadsAreUnavailable has statements ended by the limit of their connection.
func TestSlowReadsAreUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := f.member("ann", cairn.Everyone)
	f.search.Close()
	var err error
	f.search, err = f.openPool(t.Context(), f.made.URL, f.roles.Search, 1, time.Second, planAnew())
	f.check(err)
	const slow = `SELECT pg_sleep(20)`
	err = f.asViewer(t.Context(), v, nil, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), slow)
		return err
	})
	wantError(t, "in a transaction", err, cairn.ErrUnavailable)
	err = f.lookUpAsViewer(t.Context(), v, nil, func(rows pgx.Rows) error { rows.Close(); return rows.Err() }, slow)
	wantError(t, "in one round trip", err, cairn.ErrUnavailable)
}
