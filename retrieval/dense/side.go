package dense

import "runtime"

// side says which chunks are meant: those that lie aside along the axis of their
// space (see Frame.Axis), those that do not, or all where there is no axis. Signs
// are comparable within a side.
type side int

const (
	anySide side = iota
	plain
	aside
)

// word returns which 64 chunks are on the side, by a word of the bitmap of those
// that lie aside.
func (s side) word(bitmap []uint64, i int) uint64 {
	set := uint64(0)
	if i < len(bitmap) {
		set = bitmap[i]
	}
	switch s {
	case plain:
		return ^set
	case aside:
		return set
	case anySide:
	}
	return ^uint64(0)
}

// has reports whether the chunk at an ordinal is on the side.
func (s side) has(bitmap []uint64, ordinal uint32) bool {
	return s.word(bitmap, int(ordinal/64))>>(ordinal%64)&1 == 1
}

// sided is what a search finds on one side.
type sided struct {
	on     side
	query  *Query // in the form for that side
	near   *selection
	keys   []uint64 // of the nearest
	within int      // the distance up to which all of them are scored
}

// bySide returns the sides that the chunks of the parts lie on.
func (q *Query) bySide(parts []Part) []sided {
	if q.aside == nil {
		return []sided{{on: anySide, query: q}}
	}
	for i := range parts {
		for _, w := range parts[i].Codes.aside {
			if w != 0 {
				return []sided{{on: plain, query: q}, {on: aside, query: q.aside}}
			}
		}
	}
	return []sided{{on: anySide, query: q}}
}

// scan selects the nearest visible chunks of the side.
func (f *sided) scan(parts []Part, visible []uint8, limits Limits) {
	chunks := 0
	for i := range parts {
		chunks += parts[i].len()
	}
	f.near = newSelection(f.query.words(), limits.Least, min(limits.Most, chunks), f.on)
	if chunks < parallelFrom || runtime.GOMAXPROCS(0) == 1 {
		f.near.scanAll(f.query, parts, place{}, place{part: len(parts)}, visible)
		return
	}
	f.near.scanByTwo(f.query, parts, middle(parts, chunks/2), visible)
}
