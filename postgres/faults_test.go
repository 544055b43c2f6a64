package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/index"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// shelve puts books from one number to another that everybody may read into a
// library, and packs them.
func (l *library) shelve(from, to int) {
	l.t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(from)))
	for i := from; i < to; i++ {
		l.put(fmt.Sprintf("book-%03d", i), &book{
			text: randomText(r), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en", vector: randomVector(r),
		})
	}
	l.check(l.replicas[0].Maintain(l.t.Context()))
	l.number()
}

func (l *library) words(x *Index, text string) []retrieval.Hit {
	l.t.Helper()
	words, err := x.Lexical(l.t.Context(), cairn.Query{Viewer: anybody, Text: text}, 1000)
	l.check(err)
	return words.Hits
}

func (l *library) segmentIDs() (ids []int32) {
	l.t.Helper()
	rows, err := l.worker.Query(l.t.Context(), `SELECT id FROM segments WHERE retired_at IS NULL ORDER BY id`)
	l.check(err)
	defer rows.Close()
	for rows.Next() {
		var id int32
		l.check(rows.Scan(&id))
		ids = append(ids, id)
	}
	l.check(rows.Err())
	return ids
}

// TestDamagedSegmentIsLeftOutAndMended damages segments in every way: searches
// go on without the segment and the log tells it once, verify names it, rebuild
// mends it.
func TestDamagedSegmentIsLeftOutAndMended(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"a flipped byte":  `UPDATE postings SET data = set_byte(data, length(data) - 1, get_byte(data, length(data) - 1) # 1) WHERE segment = $1`,
		"missing rows":    `DELETE FROM postings WHERE segment = $1`,
		"a damaged head":  `UPDATE segments SET header = set_byte(header, length(header) - 1, get_byte(header, length(header) - 1) # 1) WHERE id = $1`,
		"an empty header": `UPDATE segments SET header = '' WHERE id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			var log bytes.Buffer
			l.log = slog.New(slog.NewTextHandler(&log, nil))
			l.shelve(0, 25)
			l.shelve(25, 45) // too many for the segment of the others
			before := l.words(l.replicas[0], "falcon")
			ids := l.segmentIDs()
			if len(ids) < 2 {
				t.Fatalf("%d segments; the test needs two", len(ids))
			}
			l.exec(damage, ids[0])
			l.reopen(0)
			x := l.replicas[0]
			during := l.words(x, "falcon")
			if len(during) == 0 || len(during) >= len(before) {
				t.Errorf("with a damaged segment %d of %d are found", len(during), len(before))
			}
			l.words(x, "falcon")
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
				t.Errorf("%d errors are logged:\n%s", n, &log)
			}
			if strings.HasPrefix(name, "a flipped") || strings.HasPrefix(name, "missing") {
				hits, err := x.Nearest(t.Context(), cairn.Query{Viewer: anybody}, make([]float32, dimensions), 1000)
				if l.check(err); len(hits) != 45 {
					t.Errorf("%d chunks are found by their vectors, want all", len(hits))
				}
			}
			found, err := x.Verify(t.Context(), false)
			l.check(err)
			if !slices.ContainsFunc(found.Problems, func(p index.Problem) bool { return p.Segment == ids[0] }) {
				t.Errorf("verify finds %+v; it should name segment %d", found.Problems, ids[0])
			}
			l.check(x.Rebuild(t.Context(), nil))
			for i, x := range append(l.replicas, NewIndex(l.DB, l.space)) {
				if diff := sameHits(before, l.words(x, "falcon")); diff != "" {
					t.Errorf("after the rebuild, replica %d (-before +after):\n%s", i, diff)
				}
			}
			found, err = x.Verify(t.Context(), true)
			if l.check(err); len(found.Problems) > 0 {
				t.Errorf("after the rebuild verify finds %+v", found.Problems)
			}
		})
	}
}

// TestVerifyTellsOnceWhatIsAlike: of a segment of which everything is damaged verify
// tells how much, and not each piece.
func TestVerifyTellsOnceWhatIsAlike(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.put("dictionary", l.open(strings.Join(numbered("word", 2_000), " "))) // so that there are many rows
	l.shelve(0, 25)
	l.shelve(25, 45) // too many for the segment of the others
	ids := l.segmentIDs()
	rows := l.count(`SELECT count(*) FROM postings WHERE segment = $1`, ids[0])
	if rows <= alikeShown || len(ids) < 2 {
		t.Fatalf("%d rows in the first of %d segments; the test needs more", rows, len(ids))
	}
	chunks := l.count(`SELECT chunks FROM segments WHERE id = $1`, ids[0])
	l.exec(`UPDATE postings SET data = set_byte(data, length(data) - 1, get_byte(data, length(data) - 1) # 1) WHERE segment = $1`, ids[0])
	l.exec(`INSERT INTO fresh (chunk_id, terms, length, language) SELECT id, 'x', 1, 'en' FROM chunks ORDER BY id LIMIT $1`, chunks)
	l.exec(`UPDATE segments SET header = (SELECT header FROM segments WHERE id = $1) WHERE id = $2`, ids[0], ids[1])
	found, err := l.replicas[0].Verify(t.Context(), false)
	l.check(err)
	told := make(map[int32]string)
	for _, p := range found.Problems {
		told[p.Segment] += p.What + "\n"
		if len(p.What) > 500 {
			t.Errorf("verify lists everything: %.1000s", p.What)
		}
	}
	for segment, want := range map[int32]string{
		ids[0]: fmt.Sprintf("%d rows of its postings are damaged: ", rows),
		ids[1]: fmt.Sprintf("%d chunks are in other segments, too: ", chunks),
		0:      fmt.Sprintf("%d fresh chunks have damaged terms: ", chunks),
	} {
		if !strings.Contains(told[segment], want) || !strings.Contains(told[segment], fmt.Sprintf("; and %d more", chunks-alikeShown)) && segment != ids[0] {
			t.Errorf("of segment %d verify tells %q, want %q", segment, told[segment], want)
		}
	}
	if len(found.Problems) > 12 || !strings.Contains(told[ids[0]]+told[ids[1]], "chunks are fresh, too: ") {
		t.Errorf("%d problems are told: %q", len(found.Problems), told)
	}
}

// TestRowsOfAnotherSegmentAreDamage swaps rows that two segments have under the
// same key, as a faulty restore may: each is whole, and says something else where
// it lies now.
func TestRowsOfAnotherSegmentAreDamage(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	var log bytes.Buffer
	l.log = slog.New(slog.NewTextHandler(&log, nil))
	l.shelve(0, 100)
	before := l.words(l.replicas[0], "falcon")
	ids := l.segmentIDs()
	if len(ids) < 3 {
		t.Fatalf("%d segments; the test needs three", len(ids))
	}
	swapped := l.count(`
		WITH swapped AS (
			UPDATE postings p SET data = o.data FROM postings o
			WHERE p.segment = ANY ($1) AND o.segment = ANY ($1) AND o.segment <> p.segment AND o.key = p.key RETURNING 1)
		SELECT count(*) FROM swapped`, ids[:2])
	if swapped < 2 {
		t.Fatalf("%d rows are swapped", swapped)
	}
	l.reopen(0)
	x := l.replicas[0]
	during := l.words(x, "falcon")
	if len(during) == 0 || len(during) >= len(before) {
		t.Errorf("with rows of another segment %d of %d are found", len(during), len(before))
	}
	if n := strings.Count(log.String(), "run cairn index rebuild"); n != 2 {
		t.Errorf("%d segments are told of:\n%s", n, &log)
	}
	found, err := x.Verify(t.Context(), false)
	l.check(err)
	for _, id := range ids {
		named := slices.ContainsFunc(found.Problems, func(p index.Problem) bool { return p.Segment == id })
		if named != (id == ids[0] || id == ids[1]) {
			t.Errorf("verify names segment %d: %v\n%+v", id, named, found.Problems)
		}
	}
	l.check(x.Rebuild(t.Context(), nil))
	if diff := sameHits(before, l.words(x, "falcon")); diff != "" {
		t.Errorf("after the rebuild (-before +after):\n%s", diff)
	}
	found, err = x.Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		t.Errorf("after the rebuild verify finds %+v", found.Problems)
	}
}

// TestOldSegmentsAreDerivedAnew turns segments into those of version 1: they are
// searched without a word until maintenance makes new ones of them.
func TestOldSegmentsAreDerivedAnew(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	var log bytes.Buffer
	l.log = slog.New(slog.NewTextHandler(&log, nil))
	l.shelve(0, 25)
	before := l.words(l.replicas[0], "falcon")
	for _, id := range l.segmentIDs() {
		l.age(id)
	}
	l.exec(`UPDATE settings SET value = '2' WHERE name = 'analyzer'`)
	l.reopen(0)
	x := l.replicas[0]
	if diff := sameHits(before, l.words(x, "falcon")); diff != "" {
		t.Errorf("in old segments (-before +after):\n%s", diff)
	}
	found, err := x.Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("verify finds %+v in old segments; log:\n%s", found.Problems, &log)
	}
	l.check(x.Maintain(t.Context()))
	if n := l.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL AND get_byte(header, 0) = 1`); n > 0 {
		t.Errorf("%d old segments are left", n)
	}
	if diff := sameHits(before, l.words(x, "falcon")); diff != "" {
		t.Errorf("after maintenance (-before +after):\n%s", diff)
	}
}

// age takes the nonce out of a segment: its header is then a byte of version, a
// checksum and the rest, and a row begins with the checksum of its key and the rest.
func (l *library) age(segment int32) {
	l.t.Helper()
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	var header []byte
	l.check(l.worker.QueryRow(l.t.Context(), `SELECT header FROM segments WHERE id = $1`, segment).Scan(&header))
	old := append([]byte{1, 0, 0, 0, 0}, header[5+8:]...)
	binary.LittleEndian.PutUint32(old[1:], crc32.Checksum(old[5:], castagnoli))
	l.exec(`UPDATE segments SET header = $2 WHERE id = $1`, segment, old)
	rows, err := l.worker.Query(l.t.Context(), `SELECT key, data FROM postings WHERE segment = $1`, segment)
	l.check(err)
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lexical.Row])
	l.check(err)
	for _, r := range stored {
		payload := r.Data[4:]
		keyed := append(binary.LittleEndian.AppendUint64(nil, uint64(r.Key)), payload...)
		data := append(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(keyed, castagnoli)), payload...)
		l.exec(`UPDATE postings SET data = $3 WHERE segment = $1 AND key = $2`, segment, r.Key, data)
	}
}

// codeFaults lose the codes of all chunks of a library.
var codeFaults = map[string]func(l *library){
	"rows that are gone": func(l *library) { l.exec(`DELETE FROM segment_codes`) },
	"a flipped byte": func(l *library) {
		l.exec(`UPDATE segment_codes SET codes = set_byte(codes, length(codes) - 1, get_byte(codes, length(codes) - 1) # 1)`)
	},
	"no codes in whole rows": func(l *library) {
		for _, id := range l.segmentIDs() {
			n := l.count(`SELECT chunks FROM segments WHERE id = $1`, id)
			none := dense.Encode(dense.MakeCodes(n, l.space.words()), make([]uint64, (n+63)/64), n)
			l.exec(`UPDATE segment_codes SET codes = $2 WHERE segment = $1`, id, none)
		}
	},
}

// codes returns the codes of the chunks that are there, as they are stored.
func (l *library) codes() map[int64][]uint64 {
	l.t.Helper()
	codes := make(map[int64][]uint64)
	err := pgx.BeginFunc(l.t.Context(), l.worker, func(tx pgx.Tx) error {
		for _, id := range l.segmentIDs() {
			var header []byte
			if err := tx.QueryRow(l.t.Context(), `SELECT header FROM segments WHERE id = $1`, id).Scan(&header); err != nil {
				return err
			}
			parsed, err := lexical.ParseSegment(header)
			if err != nil {
				return err
			}
			n := len(parsed.Chunks)
			p := packer{space: l.space, words: l.space.words()}
			of, err := p.codesOf(l.t.Context(), tx, []stored{{id: id, size: n, keep: slices.Repeat([]bool{true}, n), index: parsed}})
			if err != nil {
				return err
			}
			maps.Copy(codes, of)
		}
		rows, err := tx.Query(l.t.Context(), `SELECT chunk_id, code FROM fresh_codes WHERE space = $1`, l.space.ID)
		if err != nil {
			return err
		}
		var chunk int64
		var code []byte
		_, err = pgx.ForEachRow(rows, []any{&chunk, &code}, func() error { codes[chunk] = decodeCode(code); return nil })
		return err
	})
	l.check(err)
	maps.DeleteFunc(codes, func(chunk int64, _ []uint64) bool {
		return l.count(`SELECT count(*) FROM chunks WHERE id = $1`, chunk) == 0
	})
	return codes
}

// TestLostCodesAreMended loses codes in every way: verify names the segments,
// rebuild makes the codes anew from the vectors.
func TestLostCodesAreMended(t *testing.T) {
	t.Parallel()
	for name, lose := range codeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			l.shelve(0, 25)
			l.stack(2) // fresh
			before := l.codes()
			l.sound("with all codes")
			lose(l)
			l.exec(`DELETE FROM fresh_codes`)
			l.reopen(0)
			x := l.replicas[0]
			zero := make([]float32, dimensions)
			if n := len(l.nearest(x, zero)); n != 0 {
				t.Errorf("%d chunks are found by lost codes", n)
			}
			found, err := x.Verify(t.Context(), false)
			l.check(err)
			for _, id := range append(l.segmentIDs(), 0) {
				named := slices.ContainsFunc(found.Problems, func(p index.Problem) bool {
					return p.Segment == id && strings.Contains(p.What, "have vectors but no codes")
				})
				if !named {
					t.Errorf("verify does not tell of the codes of segment %d: %+v", id, found.Problems)
				}
			}
			l.check(x.Rebuild(t.Context(), nil))
			l.sound("after the rebuild")
			if diff := gocmp.Diff(before, l.codes()); diff != "" {
				t.Errorf("codes (-before +rebuilt):\n%s", diff)
			}
			if n := len(l.nearest(x, zero)); n != len(before) {
				t.Errorf("after the rebuild %d chunks of %d are found by their vectors", n, len(before))
			}
		})
	}
}

// TestUpkeepMakesLostCodes loses codes before chunks are packed and segments merged:
// what comes of them has the codes of all vectors.
func TestUpkeepMakesLostCodes(t *testing.T) {
	t.Parallel()
	for name, lose := range codeFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			l.shelve(0, 25)
			l.stack(4) // fresh, to be packed
			before := l.codes()
			lose(l)
			l.exec(`DELETE FROM fresh_codes`)
			ids := l.segmentIDs()
			gone := l.count(`
				WITH gone AS (
					DELETE FROM chunks c USING segments s
					WHERE s.retired_at IS NULL AND c.id BETWEEN s.low AND s.low + (s.high - s.low) / 3 RETURNING c.id)
				SELECT count(*) FROM gone`)
			x := l.replicas[0]
			l.check(x.Maintain(t.Context()))
			for _, id := range l.segmentIDs() {
				if slices.Contains(ids, id) {
					t.Errorf("segment %d is not written anew; the test needs it", id)
				}
			}
			l.sound("after maintenance")
			after := l.codes()
			if len(after) != len(before)-gone {
				t.Errorf("%d chunks of %d have codes", len(after), len(before)-gone)
			}
			for chunk, code := range after {
				if !slices.Equal(code, before[chunk]) {
					t.Errorf("the code of chunk %d is another one", chunk)
				}
			}
			l.reopen(1)
			for i, x := range l.replicas {
				if n := len(l.nearest(x, make([]float32, dimensions))); n != len(after) {
					t.Errorf("replica %d finds %d chunks of %d by their vectors", i, n, len(after))
				}
			}
		})
	}
}

// TestSeveralMaintainers packs and merges from many sides at once, while
// documents come and go.
func TestSeveralMaintainers(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 10)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		x := NewIndex(l.DB, l.space)
		x.upkeep = eager
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := x.Maintain(ctx); err != nil && ctx.Err() == nil {
					t.Errorf("maintainer %d: %v", i, err)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		name := fmt.Sprintf("book-%03d", r.IntN(30))
		if b, known := l.books[name]; known && r.IntN(3) == 0 {
			l.erase(name)
		} else if !known || b != nil {
			l.put(name, &book{text: randomText(r), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en", vector: randomVector(r)})
		}
		l.number()
		q := cairn.Query{Viewer: anybody, Text: words[r.IntN(len(words))]}
		if diff := sameHits(l.bm25(q, 1000), l.words(l.replicas[r.IntN(2)], q.Text)); diff != "" {
			t.Fatalf("%q (-brute force +index):\n%s", q.Text, diff)
		}
	}
	stop()
	wg.Wait()
	found, err := l.replicas[0].Verify(t.Context(), true)
	if l.check(err); len(found.Problems) > 0 {
		t.Errorf("verify finds %+v", found.Problems)
	}
}

// TestKilledMaintainers kills processes that pack and merge, 20 times, while
// documents come and go: nothing is lost or counted twice. Every second stands in
// the middle of a merge, after its segments were retired: before its postings are
// written, or after them and before its codes are.
func TestKilledMaintainers(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 10)
	r := rand.New(rand.NewPCG(5, 6))
	edit := func() {
		name := fmt.Sprintf("book-%03d", r.IntN(60))
		if _, known := l.books[name]; known && r.IntN(4) == 0 {
			l.erase(name)
		} else {
			l.put(name, &book{text: randomText(r), acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en", vector: randomVector(r)})
		}
	}
	for i := range 20 {
		if i%2 == 0 {
			table := []string{"postings", "segment_codes"}[i/2%2]
			l.killMerging(table, edit)
		} else {
			kill := l.maintainer()
			for end := time.Now().Add(time.Duration(r.IntN(250)) * time.Millisecond); time.Now().Before(end); {
				edit()
			}
			kill()
		}
		l.number()
		for _, x := range append(l.replicas, NewIndex(l.DB, l.space)) {
			q := cairn.Query{Viewer: anybody, Text: words[r.IntN(len(words))]}
			if diff := sameHits(l.bm25(q, 1000), l.words(x, q.Text)); diff != "" {
				t.Fatalf("%q (-brute force +index):\n%s", q.Text, diff)
			}
		}
	}
	l.sound("after all")
}

// killMerging kills a process that waits in the middle of a merge for a lock of a
// table which it has to write to, after some edits.
func (l *library) killMerging(table string, edit func()) {
	l.t.Helper()
	l.waitFor(0, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint << 32 | objid::bigint = $1 AND `+here, packLock) // of one that was killed
	x := NewIndex(l.DB, l.space)
	x.upkeep = upkeep{packFrom: 1, packAtMost: 1, small: 6, together: 1_000, largest: 40, looseCodes: 1_000}
	for few := true; few; few = l.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL AND chunks <= 6`) < eager.together {
		edit()
		l.check(x.Maintain(l.t.Context()))
	}
	tx, err := l.worker.Begin(l.t.Context())
	l.check(err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(l.t.Context())) }()
	_, err = tx.Exec(l.t.Context(), `LOCK TABLE `+table+` IN EXCLUSIVE MODE`)
	l.check(err)
	kill := l.maintainer()
	l.waitForLock(table)
	alive, free := l.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL`), 0
	l.check(l.worker.QueryRow(l.t.Context(), `SELECT count(*) FROM (SELECT FROM segments WHERE retired_at IS NULL FOR UPDATE SKIP LOCKED) s`).Scan(&free))
	if alive-free < 2 {
		l.t.Fatalf("the process that is killed retires %d segments; it should be in the middle of a merge", alive-free)
	}
	edit()
	kill()
}

// maintainer starts a process that maintains the index, and returns the function that
// kills it.
func (l *library) maintainer() (kill func()) {
	l.t.Helper()
	cmd := exec.CommandContext(l.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), maintainEnv+"="+l.made.URL)
	out, err := cmd.StdoutPipe()
	l.check(err)
	l.check(cmd.Start())
	_, err = out.Read(make([]byte, 1)) // it is at work
	l.check(err)
	return func() {
		l.t.Helper()
		l.check(cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}
}

// here chooses the locks of this database among those of all.
const here = `database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// waitForLock waits until somebody else waits for a lock of a table.
func (l *library) waitForLock(table string) {
	l.t.Helper()
	l.waitFor(1, `SELECT count(*) FROM pg_locks WHERE relation = to_regclass($1) AND NOT granted AND `+here, table)
}

// waitFor waits until a query counts so many.
func (l *library) waitFor(n int, query string, args ...any) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); l.count(query, args...) != n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("never %d: %s", n, query)
		}
	}
}

// maintainEnv makes the test program maintain the index of a database, again and
// again, until it is killed.
const maintainEnv = "CAIRN_TEST_MAINTAIN"

func maintainForever(url string) {
	ctx := context.Background()
	db, err := Open(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	space, err := db.UseSpace(ctx, "axes", dimensions, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	x := NewIndex(db, space)
	x.upkeep = eager
	for {
		fmt.Print(".")
		if err := x.Maintain(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// TestRestoredDump pretends that the database came from a dump of another
// cluster, whose transactions had larger numbers.
func TestRestoredDump(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.shelve(0, 12)
	before := l.words(l.replicas[0], "falcon")
	l.check(l.AdoptCluster(t.Context()))
	l.exec(`INSERT INTO changes (xid, kind, ref) VALUES ('9000000000000', 1, 1)`)
	l.exec(`UPDATE settings SET value = '1' WHERE name = 'cluster'`)
	l.check(l.AdoptCluster(t.Context()))
	if n := l.count(`SELECT count(*) FROM changes`); n != 0 {
		t.Errorf("%d rows of the other cluster's change feed are left", n)
	}
	l.check(l.AdoptCluster(t.Context())) // again: nothing to do
	l.put("new", &book{text: "falcon", acl: cairn.Allow(cairn.Everyone), kind: cairn.KindPage, language: "en"})
	l.number()
	x := l.replicas[0]
	l.identity.Store(l.identity.Load() + 1) // as if its connections now led to another cluster
	if got := l.words(x, "falcon"); len(got) != len(before)+1 || x.identity != l.identity.Load() {
		t.Errorf("%d hits in a restored database, want %d", len(got), len(before)+1)
	}
	if diff := gocmp.Diff(l.words(NewIndex(l.DB, l.space), "falcon"), l.words(x, "falcon")); diff != "" {
		t.Error(diff)
	}
}

// TestMergesLeaveNoRubbish rewrites documents again and again: what merges left
// is deleted after a while, and the tables do not grow without end.
func TestMergesLeaveNoRubbish(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	for range 50 {
		l.shelve(0, 9)
		l.exec(`UPDATE segments SET retired_at = retired_at - interval '1 hour' WHERE retired_at IS NOT NULL`)
	}
	l.check(l.replicas[0].Maintain(t.Context()))
	if n := l.count(`SELECT count(*) FROM segments WHERE retired_at IS NOT NULL`); n > 6 {
		t.Errorf("%d retired segments are kept", n)
	}
	if n := l.count(`SELECT count(*) FROM (SELECT segment FROM postings UNION SELECT segment FROM segment_codes) p WHERE NOT EXISTS (SELECT FROM segments WHERE id = p.segment)`); n > 0 {
		t.Errorf("rows of %d segments that are no more are left", n)
	}
	if n := l.count(`SELECT count(*) FROM segments WHERE retired_at IS NULL`); n > 8 {
		t.Errorf("%d segments for 9 documents", n)
	}
}
