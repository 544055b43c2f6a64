package postgres

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
)

// TestVisibleEqualsAdmits compares what the database answers with what each ACL
// says, for ACLs of several clauses, empty ones, denials and keys that occur in
// several clauses, whether they were there before a viewer asked or came later.
func TestVisibleEqualsAdmits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	keys := []cairn.PrincipalKey{cairn.Everyone, "user:a@acme.test", "group:cairn:x", "group:okta:x", "group:okta:y"}
	some := rapid.SliceOfN(rapid.SampledFrom(keys), 0, 3)
	acls := rapid.Custom(func(t *rapid.T) cairn.ACL {
		a := cairn.ACL{Allow: rapid.SliceOfN(some, 0, 3).Draw(t, "allow")}
		if rapid.IntRange(0, 2).Draw(t, "denies") == 0 {
			a.Deny = some.Draw(t, "deny")
		}
		return a
	})
	known := make(map[int32]cairn.ACL)
	rapid.Check(t, func(rt *rapid.T) {
		switch rapid.IntRange(0, 9).Draw(rt, "event") {
		case 0:
			f.classes.reset()
		case 1: // more than is remembered
			f.classes.note(slices.Repeat(slices.Collect(maps.Keys(known)), maxAdded))
		}
		var added []int32
		for _, a := range rapid.SliceOfN(acls, 0, 3).Draw(rt, "ACLs") {
			class, err := f.aclClass(context.Background(), a)
			f.check(err)
			if _, old := known[class]; !old {
				added = append(added, class)
			}
			known[class] = a
		}
		f.classes.note(added)
		held := rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID)
		v := cairn.Viewer{Account: "1", Keys: held.Draw(rt, "keys"), Also: rapid.SliceOfN(held, 0, 3).Draw(rt, "keys of others")}
		set, err := f.classes.Visible(context.Background(), v)
		f.check(err)
		table := set.Table(nil)
		for class, a := range known {
			if int(class) >= len(table) {
				rt.Fatalf("the table has %d classes, there is class %d", len(table), class)
			}
			if want := a.Admits(v); set.Has(class) != want || (table[class] == 1) != want {
				rt.Fatalf("class %d of %+v: Has is %v, the table says %d, want %v for %v", class, a, set.Has(class), table[class], want, v.Keys)
			}
		}
	})
}

// TestSimpleACLsOfBefore compares the marks that migration 5 gives to rows which
// were there before it with those that are written today.
func TestSimpleACLsOfBefore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const x, y = "group:cairn:x", "group:cairn:y"
	for _, a := range []cairn.ACL{
		cairn.Allow(x), cairn.Allow(x, y), cairn.Allow(x, cairn.Everyone), {Allow: [][]cairn.PrincipalKey{{x}, {x}}},
		{}, cairn.Allow(), {Allow: [][]cairn.PrincipalKey{{x}, {y}}}, {Allow: [][]cairn.PrincipalKey{{x}, {x, y}}},
		{Allow: [][]cairn.PrincipalKey{{x}, {}}}, {Allow: [][]cairn.PrincipalKey{{x}}, Deny: []cairn.PrincipalKey{y}}, {Deny: []cairn.PrincipalKey{y}},
	} {
		_, err := f.aclClass(t.Context(), a)
		f.check(err)
	}
	marked := func() (ids []int32) {
		t.Helper()
		f.check(f.worker.QueryRow(t.Context(), `SELECT ARRAY (SELECT acl_id FROM acl_keys WHERE simple ORDER BY acl_id, principal)`).Scan(&ids))
		return ids
	}
	written := marked()
	if len(written) != 5 {
		t.Errorf("%d rows are marked, want the keys of the three ACLs that are simple: 5", len(written))
	}
	text, err := os.ReadFile("../migrations/0005_simple_acls.sql")
	f.check(err)
	_, rest, _ := strings.Cut(string(text), "\nUPDATE ")
	update, _, found := strings.Cut(rest, ";")
	if !found {
		t.Fatal("the migration updates nothing")
	}
	f.exec(`UPDATE acl_keys SET simple = false`)
	f.exec("UPDATE " + update)
	if got := marked(); !slices.Equal(got, written) {
		t.Errorf("the migration marks %v, writers mark %v", got, written)
	}
}

func TestVisibleOfNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var highest int32
	for _, a := range []cairn.ACL{{}, cairn.Allow(), cairn.Allow(cairn.Everyone), {Allow: [][]cairn.PrincipalKey{{cairn.Everyone}, {}}}} {
		class, err := f.aclClass(t.Context(), a)
		f.check(err)
		highest = max(highest, class)
	}
	set, err := f.classes.Visible(t.Context(), cairn.Viewer{Account: "1"})
	f.check(err)
	if table := set.Table(nil); len(table) <= int(highest) || slices.Contains(table, 1) {
		t.Errorf("the table of a viewer without keys is %v", table)
	}
}

// A key that merely looks like the keys of somebody else gets an answer of its own.
func TestKeysAreNotConfused(t *testing.T) {
	t.Parallel()
	two, one := []cairn.PrincipalKey{"group:a:b", "group:c:d"}, []cairn.PrincipalKey{"group:a:b\ngroup:c:d"}
	if hashKeys(two) == hashKeys(one) {
		t.Error("two keys and one with a line break share an answer")
	}
	if hashKeys(two) != hashKeys([]cairn.PrincipalKey{two[1], two[0], two[1]}) {
		t.Error("the order of keys matters")
	}
}

// TestClassesAreBounded lets more viewers ask than the cache holds, and the feed
// tell of more classes than are remembered.
func TestClassesAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.classes
	const bytes = maxClassBytes / 3
	for i := range 5 {
		hash := hashKeys([]cairn.PrincipalKey{cairn.PrincipalKey(fmt.Sprint("group:cairn:", i))})
		c.charge(hash, c.admission(hash), bytes)
		if i == 3 {
			first := hashKeys([]cairn.PrincipalKey{"group:cairn:2"})
			c.admission(first) // used again: the other one goes
		}
	}
	var kept []int
	for i := range 5 {
		if c.cache.Contains(hashKeys([]cairn.PrincipalKey{cairn.PrincipalKey(fmt.Sprint("group:cairn:", i))})) {
			kept = append(kept, i)
		}
	}
	if !slices.Equal(kept, []int{2, 4}) || c.bytes != 2*(bytes+admissionBytes) {
		t.Errorf("viewers %v are in the cache, of %d bytes", kept, c.bytes)
	}
	for i := range int32(5 * maxAdded) {
		c.note([]int32{i})
		if len(c.added) > 2*maxAdded {
			t.Fatalf("%d classes are remembered", len(c.added))
		}
	}
	c.charge(hashKeys(nil), c.admission(hashKeys(nil)), 2*maxClassBytes)
	if c.bytes != 0 || c.cache.Len() != 0 {
		t.Errorf("a set larger than the cache leaves %d bytes", c.bytes)
	}
}

func TestClassSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Int32Range(-1, 300).Draw(t, "highest")
		classes := rapid.SliceOf(rapid.Int32Range(-70, 400)).Draw(t, "classes")
		set := newClassSet(slices.Values(classes), highest)
		dirty := slices.Repeat([]uint8{7}, rapid.IntRange(0, 500).Draw(t, "buffer"))
		table := set.Table(dirty)
		if len(table) <= int(highest) {
			t.Fatalf("the table is %d long, the highest class is %d", len(table), highest)
		}
		for class := int32(-70); class < 500; class++ {
			want := class >= 0 && int(class) < len(table) && slices.Contains(classes, class)
			if set.Has(class) != want {
				t.Fatalf("Has(%d) is %v", class, !want)
			}
			if class >= 0 && int(class) < len(table) && table[class] != map[bool]uint8{true: 1}[want] {
				t.Fatalf("the table has %d for %d, want %v", table[class], class, want)
			}
		}
		if got, want := slices.Collect(set.all()), set.len(); len(got) != want || !slices.IsSorted(got) {
			t.Fatalf("all yields %v, of %d", got, want)
		}
	})
}

// len counts the classes of the set one by one.
func (s *ClassSet) len() (n int) {
	for _, x := range s.Table(nil) {
		n += int(x)
	}
	return n
}

const (
	manyClasses  = 300_000
	manyAdmitted = 100_000 // of them
)

// addManyClasses fills a database with classes: 100,000 admit the viewer that it
// returns, by one of 40 keys, most of them by a key of their own kind, one in 20
// by two clauses or in spite of a denial of others.
func addManyClasses(f *fixture) cairn.Viewer {
	f.t.Helper()
	v := cairn.Viewer{Account: "1", Keys: []cairn.PrincipalKey{cairn.Everyone, "user:ann@acme.test"}}
	for i := range 38 {
		v.Keys = append(v.Keys, cairn.PrincipalKey(fmt.Sprint("group:okta:", i)))
	}
	f.exec(`
		INSERT INTO acls (hash, rule, clauses)
		SELECT sha256(int4send(n)), '{}', CASE WHEN n % 20 = 0 THEN 2 ELSE 1 END FROM generate_series(1, $1::int) n`, manyClasses)
	f.exec(`
		INSERT INTO acl_keys (acl_id, clause, principal, simple)
		SELECT n, clause, CASE
			WHEN n % 3 <> 0 THEN 'user:u' || n % 5000 || '@acme.test'
			WHEN n % 2 = 0 THEN 'user:ann@acme.test'
			ELSE 'group:okta:' || n % 38 END, n % 20 <> 0
		FROM generate_series(1, $1::int) n CROSS JOIN LATERAL generate_series(0, CASE WHEN n % 20 = 0 THEN 1 ELSE 0 END) clause`, manyClasses)
	f.exec(`
		INSERT INTO acl_keys (acl_id, clause, principal, simple)
		SELECT n, 0, 'user:second' || n % 5000 || '@acme.test', true FROM generate_series(1, $1::int) n WHERE n % 20 <> 0`, manyClasses)
	owner, err := pgx.Connect(f.t.Context(), f.made.URL)
	f.check(err)
	// As autovacuum does within minutes, once what was written is on disk.
	for _, sql := range []string{`SET synchronous_commit = on`, `VACUUM ANALYZE acls`, `VACUUM ANALYZE acl_keys`} {
		_, err = owner.Exec(f.t.Context(), sql)
		f.check(err)
	}
	f.check(owner.Close(f.t.Context()))
	return v
}

// TestManyClasses logs how long it takes to find the classes of a viewer.
func TestManyClasses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := addManyClasses(f)
	for range 2 {
		f.classes = newClasses(f.index)
		began := time.Now()
		set, err := f.classes.Visible(t.Context(), v)
		f.check(err)
		cold := time.Since(began)
		if n := set.len(); n != manyAdmitted {
			t.Fatalf("%d classes admit the viewer, want %d", n, manyAdmitted)
		}
		class, err := f.aclClass(t.Context(), cairn.Allow(v.Keys[1], cairn.PrincipalKey("group:cairn:"+cairn.NewID())))
		f.check(err)
		f.classes.note([]int32{class})
		began = time.Now()
		after, err := f.classes.Visible(t.Context(), v)
		f.check(err)
		added := time.Since(began)
		if set.Has(class) || !after.Has(class) || after.len() != manyAdmitted+1 {
			t.Fatalf("after one more, %d classes", after.len())
		}
		f.exec(`DELETE FROM acl_keys WHERE acl_id = $1`, class)
		began = time.Now()
		table := after.Table(nil)
		t.Logf("cold %v, after one more %v, table of %d %v", cold, added, len(table), time.Since(began))
	}
}

// BenchmarkVisible measures a viewer of 100,000 of 300,000 classes.
func BenchmarkVisible(b *testing.B) {
	f := newFixture(b)
	v := addManyClasses(f)
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			_, err := newClasses(f.index).Visible(b.Context(), v)
			f.check(err)
		}
	})
	b.Run("one more", func(b *testing.B) {
		_, err := f.classes.Visible(b.Context(), v)
		f.check(err)
		for b.Loop() {
			f.classes.note([]int32{1})
			_, err := f.classes.Visible(b.Context(), v)
			f.check(err)
		}
	})
	b.Run("512 more", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			var ids []int32
			f.check(f.worker.QueryRow(b.Context(), `SELECT ARRAY (SELECT id FROM acls ORDER BY random() LIMIT 512)`).Scan(&ids))
			f.classes.note(ids)
			b.StartTimer()
			_, err := f.classes.Visible(b.Context(), v)
			f.check(err)
		}
	})
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			_, err := f.classes.Visible(b.Context(), v)
			f.check(err)
		}
	})
}
