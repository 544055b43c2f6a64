package postgres

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
	extracted "github.com/cairnhq/cairn/retrieval/extract/code"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// repository is a database with files of code.
type repository struct {
	*fixture
	src   cairn.Source
	store *Ingest
	code  *code.Searcher
}

func newRepository(t testing.TB) *repository {
	f := newFixture(t)
	return &repository{
		fixture: f, src: f.source("git", cairn.Allow(cairn.Everyone)), store: NewIngest(f.DB, Space{}), code: code.New(f.DB),
	}
}

// file returns a file as ingestion would store it.
func (r *repository) file(name, body string, acl cairn.ACL) ingest.Put {
	r.t.Helper()
	text, err := extracted.Extract([]byte(body), extracted.Language(path.Base(name)), 64<<20)
	r.check(err)
	d := cairn.Document{
		ID: cairn.DocumentID(cairn.NewID()), External: name, Version: cairn.VersionOf(text.Body), Kind: text.Kind, Title: name, URL: "https://forge.test/acme/tools/blob/abc/" + name,
		Body: text.Body, Sections: text.Sections, ACL: acl,
		Attributes: map[string]string{"repo": "acme/tools", "branch": "main", "path": name, "commit": "abc", "language": text.Attributes["language"]},
	}
	put := ingest.Put{Document: d, OwnACL: true, Chunks: ingest.Derive(&d, []cairn.Chunk{{End: len(text.Body)}})}
	if file, ok := code.Describe(&d); ok {
		put.Code = &file
	}
	return put
}

func (r *repository) put(puts ...ingest.Put) []ingest.Stored {
	r.t.Helper()
	stored, err := r.store.Commit(context.Background(), ingest.Batch{Source: r.src.ID, Puts: puts})
	r.check(err)
	return stored
}

func (r *repository) search(q code.Query) code.Results {
	r.t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Viewer.Keys == nil {
		q.Viewer = reader
	}
	found, err := r.code.Search(context.Background(), q)
	r.check(err)
	return found
}

// places returns path:lines of what matches.
func places(found code.Results) []string {
	out := []string{}
	for _, r := range found.Results {
		lines := []string{}
		for _, m := range r.Matches {
			lines = append(lines, fmt.Sprint(m.Line))
		}
		out = append(out, r.Path+":"+strings.Join(lines, ","))
	}
	return out
}

const storeGo = `// Package store keeps things.
package store

// Decoder decodes.
type Decoder struct {
	Limit int
}

// Decode reads the next value.
func (d *Decoder) Decode(v any) error {
	return decodeValue(v)
}

func decodeValue(v any) error { return nil }
`

const mainGo = `package main

import "acme.test/tools/store"

func main() {
	var d store.Decoder
	if err := d.Decode(nil); err != nil {
		panic("cannot Decode: " + err.Error())
	}
}
`

func TestCodeSearch(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	everyone := cairn.Allow(cairn.Everyone)
	r.put(
		r.file("store/store.go", storeGo, everyone),
		r.file("cmd/main.go", mainGo, everyone),
		r.file("store/store_test.go", "package store\n\nfunc TestDecode(t *testing.T) {\n\tnew(Decoder).Decode(1)\n}\n", everyone),
		r.file("lib/decoder.py", "class Decoder:\n    def decode(self, v):\n        return v\n\ndecode = Decoder().decode\n", everyone),
		r.file("web/größe.ts", "export function größe(s: string): number { return s.length } // ſtraße K\n", everyone),
	)
	for _, c := range []struct {
		name  string
		query code.Query
		want  []string
	}{
		{"a definition comes first, then whole words", code.Query{Text: "Decode"},
			[]string{"store/store.go:4,5,9,10", "lib/decoder.py:1,5", "store/store_test.go:3,4", "cmd/main.go:6,7,8"}},
		{"in lower case it stands for both", code.Query{Text: "decoder", Repo: "tools", Path: "lib/**"}, []string{"lib/decoder.py:1,5"}},
		{"a symbol", code.Query{Text: "Decoder", Kind: code.Symbol},
			[]string{"lib/decoder.py:1", "store/store.go:5"}},
		{"a method of a type", code.Query{Text: "Decoder.Decode", Kind: code.Symbol, Limit: 1}, []string{"store/store.go:10"}},
		{"a method of a class", code.Query{Text: "Decoder.decode", Kind: code.Symbol, Language: "py", Limit: 1}, []string{"lib/decoder.py:2"}},
		{"part of a symbol", code.Query{Text: "Value", Kind: code.Symbol}, []string{"store/store.go:14"}},
		{"who calls it", code.Query{Text: "Decode", Kind: code.Reference},
			[]string{"cmd/main.go:7,8", "store/store.go:9", "store/store_test.go:4"}},
		{"an expression", code.Query{Text: `^func \(\w+ \*(Deco|Enco)der\)`, Kind: code.Regex}, []string{"store/store.go:10"}},
		{"an expression without a word", code.Query{Text: `^\s*.\..{6}\(1\)|\(1\)$`, Kind: code.Regex}, []string{"store/store_test.go:4"}},
		{"folded letters that are no ASCII", code.Query{Text: `(?i)STRASSE|(?i)STRAßE k`, Kind: code.Regex}, []string{"web/größe.ts:1"}},
		{"a folder", code.Query{Text: "package", Path: "cmd"}, []string{"cmd/main.go:1"}},
		{"files by a pattern", code.Query{Text: "Decode", Path: "*_test.go"}, []string{"store/store_test.go:3,4"}},
		{"another repository", code.Query{Text: "Decode", Repo: "acme/other"}, []string{}},
		{"its branch", code.Query{Text: "package", Branch: "main", Path: "cmd"}, []string{"cmd/main.go:1"}},
		{"another branch", code.Query{Text: "package", Branch: "release/*"}, []string{}},
		{"a symbol of a branch", code.Query{Text: "Decoder.Decode", Kind: code.Symbol, Branch: "ma?n", Limit: 1}, []string{"store/store.go:10"}},
		{"a symbol of another branch", code.Query{Text: "Decode", Kind: code.Symbol, Branch: "next"}, []string{}},
		{"a language", code.Query{Text: "Decode", Language: "TypeScript"}, []string{}},
		{"the name of a file", code.Query{Text: "main.go"}, []string{"cmd/main.go:"}},
		{"nothing", code.Query{Text: "Encodes"}, []string{}},
	} {
		if diff := cmp.Diff(c.want, places(r.search(c.query))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	got := r.search(code.Query{Text: "Decoder.Decode", Kind: code.Symbol, Limit: 1}).Results[0]
	if got.URL != "https://forge.test/acme/tools/blob/abc/store/store.go#L8-L12" || got.Symbol != "Decoder.Decode" || got.SymbolKind != "method" ||
		got.StartLine != 8 || got.EndLine != 12 || got.Lines[2] != "func (d *Decoder) Decode(v any) error {" || got.Repo != "acme/tools" || got.Commit != "abc" {
		t.Errorf("a result is %+v", got)
	}
	for query, want := range map[string]string{
		"store.Decoder": "store/store.go:5", "tools.main": "cmd/main.go:5", "Decode": "store/store.go:10", "decode": "lib/decoder.py:2",
	} {
		if got := places(r.search(code.Query{Text: query, Kind: code.Symbol})); len(got) == 0 || got[0] != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if within := r.search(code.Query{Text: "decodeValue(v)"}).Results[0]; within.Symbol != "Decoder.Decode" || within.SymbolKind != "method" {
		t.Errorf("a result stands in %s %s", within.SymbolKind, within.Symbol)
	}
	if m := got.Matches[0]; got.Lines[m.Line-got.StartLine][m.Start:m.End] != "Decode" {
		t.Errorf("the match is %+v", m)
	}
}

// TestCodePermissions compares searches of viewers with a search of the texts that they
// may read, while permissions change and files come and go.
func TestCodePermissions(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	groups := []cairn.PrincipalKey{"group:cairn:a", "group:cairn:b", "group:cairn:c"}
	acl := func(n int) cairn.ACL {
		return []cairn.ACL{cairn.Allow(groups[0]), cairn.Allow(groups[1]), {Allow: [][]cairn.PrincipalKey{{groups[0]}, {groups[1]}}}, cairn.Allow(cairn.Everyone), {Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}, Deny: groups[2:]}, {}}[n%6]
	}
	acls := map[string]cairn.ACL{}
	bodies := map[string]string{}
	put := func(i, version int) {
		name, body := fmt.Sprintf("f%d.go", i), fmt.Sprintf("package f\n\nfunc secret%d() { shared() } // v%d\n", i, version)
		acls[name], bodies[name] = acl(i+version), body
		r.put(r.file(name, body, acls[name]))
	}
	viewers := []cairn.Viewer{}
	for i, keys := range [][]cairn.PrincipalKey{groups[:1], groups[:2], groups[1:2], groups[2:], {}} {
		viewers = append(viewers, r.member(fmt.Sprint("v", i), append(slices.Clone(keys), cairn.Everyone)...))
	}
	compare := func(when string) {
		t.Helper()
		for i, v := range viewers {
			want := []string{}
			for name, a := range acls {
				if a.Admits(v) {
					want = append(want, name)
				}
			}
			slices.Sort(want)
			for _, q := range []code.Query{
				{Text: "shared"}, {Text: "secret", Kind: code.Symbol}, {Text: `s.?[a-z]+\(`, Kind: code.Regex}, {Text: `.`, Kind: code.Regex}, {Text: "shared", Kind: code.Reference},
				{Text: "package", Path: "**"},
			} {
				q.Viewer = v
				got := []string{}
				for _, p := range r.search(q).Results {
					got = append(got, p.Path)
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
					t.Errorf("%s: viewer %d, %s %q (-want +got):\n%s", when, i, q.Kind, q.Text, diff)
				}
			}
			for name, a := range acls {
				symbol := "secret" + strings.TrimSuffix(name[1:], ".go")
				found := len(r.search(code.Query{Viewer: v, Text: symbol, Kind: code.Symbol, Limit: 1}).Results) > 0
				if exact := a.Admits(v); found && !exact && !prefixed(want, symbol) {
					t.Errorf("%s: viewer %d finds %s", when, i, symbol)
				}
			}
		}
	}
	for i := range 18 {
		put(i, 0)
	}
	compare("stored")
	for i := range 9 {
		put(i, 1+i)
	}
	compare("edited")
	changed := map[string]*cairn.ACL{}
	for i := range 6 {
		name, a := fmt.Sprintf("f%d.go", i), acl(i+3)
		changed[name], acls[name] = &a, a
	}
	_, err := r.store.Commit(t.Context(), ingest.Batch{Source: r.src.ID, ACLs: changed})
	r.check(err)
	compare("with other ACLs")
	_, err = r.store.Erase(t.Context(), r.src.ID, []string{"f7.go", "f8.go"})
	r.check(err)
	delete(acls, "f7.go")
	delete(acls, "f8.go")
	compare("erased")
	if n := r.count(`SELECT count(*) FROM code_files`); n != len(acls) {
		t.Errorf("the index has %d files of %d", n, len(acls))
	}
	r.exec(`UPDATE documents SET hidden_at = now() WHERE external_id = 'f9.go'`)
	delete(acls, "f9.go")
	compare("hidden")
}

func prefixed(names []string, symbol string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.HasPrefix("secret"+strings.TrimSuffix(name[1:], ".go"), symbol)
	})
}

// TestCodeOfBefore brings files into the index that were stored without it.
func TestCodeOfBefore(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	put := r.file("a.go", storeGo, cairn.Allow(cairn.Everyone))
	put.Code = nil
	r.put(put)
	if got := places(r.search(code.Query{Text: "Decoder"})); len(got) > 0 {
		t.Fatalf("before, it finds %q", got)
	}
	for want := 1; want >= 0; want-- {
		if n, err := r.IndexCode(t.Context()); err != nil || n != want {
			t.Fatalf("%d files were brought in, %v", n, err)
		}
	}
	if diff := cmp.Diff([]string{"a.go:4,5,10"}, places(r.search(code.Query{Text: "Decoder"}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.exec(`UPDATE code_files SET format = format + 1`)
	if n, err := r.IndexCode(t.Context()); err != nil || n != 0 {
		t.Fatalf("%d files of a newer version were brought in, %v", n, err)
	}
	r.put(ingest.Put{Document: cairn.Document{ID: put.Document.ID, External: "a.go", Kind: cairn.KindPage, Version: "v2", Body: []byte("Decoder"), ACL: put.Document.ACL}, OwnACL: true})
	if got := places(r.search(code.Query{Text: "Decoder"})); len(got) > 0 {
		t.Errorf("a page is found: %q", got)
	}
}

// TestCodeAfterAnEdit searches a file whose former text the searcher has kept, and then for
// a definition that stands behind one that the viewer may not read.
func TestCodeAfterAnEdit(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	everyone := cairn.Allow(cairn.Everyone)
	q := code.Query{Text: `b.*a\w$`, Kind: code.Regex} // every file may match
	for version, want := range map[string][]string{"// beta\n": {}, "// beta7\n": {"a.go:1"}} {
		r.put(r.file("a.go", "// beta\n", everyone))
		r.search(q)
		r.put(r.file("a.go", version, everyone))
		if diff := cmp.Diff(want, places(r.search(q))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", version, diff)
		}
	}
	r.put(r.file("foo bar.go", "// foo b\n// o bar\n", everyone))
	for _, when := range []string{"read", "kept"} {
		if got := places(r.search(code.Query{Text: "foo bar"})); len(got) > 0 {
			t.Errorf("when it is %s, a file in which nothing matches is found: %q", when, got)
		}
	}
	r.put(r.file("f.go", "package f\n\nfunc Same() {}\n", cairn.Allow("group:cairn:a")), r.file("far/away/from/f.go", "package f\n\nfunc Same() {}\n", everyone))
	named, err := r.Defined(t.Context(), r.member("bob", cairn.Everyone), code.Name{Hash: code.Hash("same")}, code.Defined{Rank: -1}, 1)
	if r.check(err); len(named) != 1 || named[0].At.Path != "far/away/from/f.go" {
		t.Errorf("the first definition that he may read is %+v", named)
	}
}

// TestDefinitionsAmongMany looks for definitions behind more files than are looked at
// together: as they are written, and by a part of their name. One that does not stand where
// the index says is not shown.
func TestDefinitionsAmongMany(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	everyone := cairn.Allow(cairn.Everyone)
	puts := []ingest.Put{r.file("vendor/z.go", "package z\n\nfunc decode() {}\n\nfunc DecodeLast() {}\n", everyone)}
	for i := range 210 {
		puts = append(puts, r.file(fmt.Sprintf("a%d.go", i), "package a\n\nfunc Decode() {} // codelast\n", everyone))
	}
	r.put(puts...)
	if got := places(r.search(code.Query{Text: "decode", Kind: code.Symbol, Limit: 2})); len(got) != 2 || got[0] != "vendor/z.go:3" {
		t.Errorf("as it is written: %q", got)
	}
	part := code.Query{Text: "codelast", Kind: code.Symbol, Path: "vendor"}
	if diff := cmp.Diff([]string{"vendor/z.go:5"}, places(r.search(part))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.exec(`UPDATE code_symbols SET line = 1 WHERE name = 'DecodeLast'`)
	if got := places(r.search(part)); len(got) > 0 {
		t.Errorf("where nothing is defined: %q", got)
	}
}

// TestCodeIsReadUnderRowLevelSecurity asks each of the two locks by itself: what the index
// tells of, and what the search role sees.
func TestCodeIsReadUnderRowLevelSecurity(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	stored := r.put(r.file("a.go", storeGo, cairn.Allow("group:cairn:a")))
	ids := []cairn.DocumentID{stored[0].ID}
	ann, bob := r.member("ann", "group:cairn:a"), r.member("bob")
	for _, c := range []struct {
		viewer cairn.Viewer
		want   int
	}{{ann, 1}, {bob, 0}} {
		files, err := r.Files(t.Context(), c.viewer, ids, true)
		r.check(err)
		defined, err := r.Definitions(t.Context(), c.viewer, []code.Lines{{Document: ids[0], Lines: []int{5}}}, false)
		r.check(err)
		around, err := r.Definitions(t.Context(), c.viewer, []code.Lines{{Document: ids[0], Lines: []int{11}}}, true)
		r.check(err)
		held, err := r.Defined(t.Context(), c.viewer, code.Name{Holding: "value", In: ids}, code.Defined{Rank: -1}, 10)
		r.check(err)
		if len(files) != c.want || len(defined) != c.want || len(around) != c.want || len(held) != c.want {
			t.Errorf("%d files; definitions of %d, around lines %d, of part of a name %d", len(files), len(defined), len(around), len(held))
		}
		for _, f := range []code.Filter{{}, {Called: code.Hash("a.go")}, {Lists: [][]int32{{'d'<<16 | 'e'<<8 | 'c'}}}} {
			candidates, err := r.Candidates(t.Context(), c.viewer, f, code.Candidate{Place: -1}, 10)
			if r.check(err); len(candidates) != c.want {
				t.Errorf("%+v: %d candidates; want %d", f, len(candidates), c.want)
			}
		}
		named, err := r.Defined(t.Context(), c.viewer, code.Name{Hash: code.Hash("Decoder")}, code.Defined{Rank: -1}, 10)
		if r.check(err); len(named) != c.want {
			t.Errorf("%d definitions of a name; want %d", len(named), c.want)
		}
	}
}

// TestRebuildOfCodeHoldsNothingWhileItWaits writes two files in one transaction, the later one
// first, while the index of code is made anew.
func TestRebuildOfCodeHoldsNothingWhileItWaits(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	everyone := cairn.Allow(cairn.Everyone)
	var ids []cairn.DocumentID
	for _, s := range r.put(r.file("a.go", storeGo, everyone), r.file("b.go", mainGo, everyone)) {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	r.exec(`UPDATE code_files SET trigrams = '{}'`)
	tx, err := r.worker.Begin(t.Context())
	r.check(err)
	defer tx.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // committed below
	write := func(id cairn.DocumentID) {
		t.Helper()
		_, err := tx.Exec(t.Context(), `UPDATE documents SET title = 'other' WHERE id = $1`, id)
		r.check(err)
	}
	write(ids[1])
	done := make(chan error, 1)
	go func() { done <- r.rebuildCode(t.Context()) }()
	r.waitForLock(done)
	write(ids[0])
	r.check(tx.Commit(t.Context()))
	r.check(<-done)
	if n := r.count(`SELECT count(*) FROM code_files WHERE trigrams <> '{}'`); n != 2 {
		t.Errorf("%d files were made anew", n)
	}
}

// TestCodeIsVerifiedAndRebuilt damages what the index of code has of files.
func TestCodeIsVerifiedAndRebuilt(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	x := NewIndex(r.DB, Space{})
	r.put(r.file("a.go", storeGo, cairn.Allow(cairn.Everyone)), r.file("b.go", mainGo, cairn.Allow(cairn.Everyone)), r.file("empty.go", "//\n", cairn.Allow(cairn.Everyone)))
	verify := func(deep bool, want ...string) {
		t.Helper()
		found, err := x.Verify(t.Context(), deep)
		r.check(err)
		got := []string{}
		for _, p := range found.Problems {
			got = append(got, p.What)
		}
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	const other = "1 files of code are in the index of code with another text: a.go"
	verify(true)
	for _, damage := range []string{
		`UPDATE code_files SET trigrams = trigrams[2:] WHERE size = (SELECT max(size) FROM code_files)`,
		`UPDATE code_symbols SET line = 1 WHERE name = 'decodeValue'`,
		`UPDATE code_symbols SET name_hash = 0 WHERE name = 'decodeValue'`,
		`DELETE FROM code_symbols WHERE name = 'Limit'`,
	} {
		r.exec(damage)
		verify(false)
		verify(true, other)
		r.check(x.Rebuild(t.Context(), nil))
		verify(true)
	}
	r.exec(`DELETE FROM code_files WHERE size = (SELECT max(size) FROM code_files)`)
	verify(false, "1 files of code are not in the index of code, or as another version of Cairn left them there")
	r.check(x.Rebuild(t.Context(), nil))
	verify(true)
	if diff := cmp.Diff([]string{"a.go:10"}, places(r.search(code.Query{Text: "Decoder.Decode", Kind: code.Symbol}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
