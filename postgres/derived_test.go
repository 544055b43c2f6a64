package postgres

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/index"
)

// TestWrongDerivationsAreMended writes what is whole and false in place of what was
// derived: a deep comparison names where it lies, rebuild derives it anew.
func TestWrongDerivationsAreMended(t *testing.T) {
	t.Parallel()
	const codes, words = "codes of", "terms, lengths or languages of"
	for name, fault := range map[string]struct {
		falsify func(l *library)
		fresh   bool // or in a segment
		want    string
	}{
		"fresh codes": {func(l *library) {
			l.exec(`UPDATE fresh_codes SET code = set_byte(code, 3, get_byte(code, 3) # 1)`)
		}, true, codes},
		"cut fresh codes": {func(l *library) { l.exec(`UPDATE fresh_codes SET code = substring(code FROM 9)`) }, true, codes},
		"fresh lengths":   {func(l *library) { l.exec(`UPDATE fresh SET length = length + 1`) }, true, words},
		"fresh languages": {func(l *library) { l.exec(`UPDATE fresh SET language = 'de'`) }, true, words},
		"fresh terms": {func(l *library) {
			l.exec(`UPDATE fresh SET terms = (SELECT terms FROM fresh ORDER BY length(terms) DESC LIMIT 1)`)
		}, true, words},
		"codes beside a segment": {func(l *library) {
			l.exec(`INSERT INTO fresh_codes SELECT v.space, v.chunk_id, k.code FROM vectors v, (SELECT code FROM fresh_codes LIMIT 1) k ON CONFLICT DO NOTHING`)
		}, false, codes},
		"codes of a segment": {(*library).turnCodes, false, codes},
		"a segment of wrong lengths": {func(l *library) {
			l.exec(`UPDATE fresh SET length = length + 1`)
			l.check(l.replicas[0].Maintain(l.t.Context()))
		}, false, words},
		"a segment of a wrong language": {func(l *library) {
			l.exec(`UPDATE fresh SET language = 'de'`)
			l.check(l.replicas[0].Maintain(l.t.Context()))
		}, false, words},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			l.shelve(0, 25)
			l.stack(2)
			l.replicas[0].upkeep.packFrom = 1
			before := l.codes()
			l.sound("before")
			fault.falsify(l)
			ids := l.segmentIDs()
			found, err := l.replicas[0].Verify(t.Context(), true)
			l.check(err)
			named := slices.ContainsFunc(found.Problems, func(p index.Problem) bool {
				return strings.Contains(p.What, fault.want) && fault.fresh == (p.Segment == 0) && (fault.fresh || slices.Contains(ids, p.Segment))
			})
			if !named {
				t.Errorf("verify finds %+v", found.Problems)
			}
			l.check(l.replicas[0].Rebuild(t.Context(), nil))
			l.sound("after the rebuild")
			if diff := gocmp.Diff(before, l.codes()); diff != "" {
				t.Errorf("codes (-before +rebuilt):\n%s", diff)
			}
		})
	}
}

// turnCodes writes the codes of segments in the opposite order, with a right checksum.
func (l *library) turnCodes() {
	l.t.Helper()
	for _, id := range l.segmentIDs() {
		n := l.count(`SELECT chunks FROM segments WHERE id = $1`, id)
		var data []byte
		l.check(l.worker.QueryRow(l.t.Context(), `SELECT codes FROM segment_codes WHERE segment = $1`, id).Scan(&data))
		codes, _, err := dense.Decode(data, n, l.space.words())
		l.check(err)
		turned := dense.MakeCodes(n, l.space.words())
		for i := range n {
			turned.Set(n-1-i, codes.At(i))
		}
		l.exec(`UPDATE segment_codes SET codes = $2 WHERE segment = $1`, id, dense.Encode(turned, nil, n))
	}
}

// TestCodesAreOfStoredVectors: vectors are stored in half precision, and a code is
// that of the stored vector however it came, so that it can be compared with it.
func TestCodesAreOfStoredVectors(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	r := rand.New(rand.NewPCG(7, 8))
	vector := func() []float32 {
		v := make([]float32, dimensions)
		for i := range v {
			v[i] = float32(r.NormFloat64() / 100) // no halves, some of them subnormal
		}
		return v
	}
	for _, name := range numbered("with-", 9) {
		b := l.open("falcon")
		b.vector = vector()
		l.put(name, b)
	}
	for _, name := range numbered("later-", 9) {
		l.put(name, l.open("falcon"))
	}
	l.number()
	later := make(map[int64][]float32)
	for _, b := range l.books {
		if b.vector == nil {
			later[b.chunk] = vector()
		}
	}
	l.check(l.store.PutVectors(t.Context(), later))
	l.sound("with vectors that are rounded")
}
