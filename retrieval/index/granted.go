package index

import "slices"

// Granted is what a viewer may read whatever its class: every chunk of some sources,
// and single chunks. The zero value is nothing.
type Granted struct {
	Sources []string // ids
	Chunks  []int64
}

// granting makes a search see what is granted.
type granting struct {
	class   uint32 // of what is granted in this search; no chunk of the state has it
	visible []uint8
	sources []uint8 // 1 for those that are granted, by number
	chunks  []int64
}

// grant lets a search see what is granted and not visible by its class, and counts
// it. In copies that this search alone has, those chunks get a class of their own
// that is visible: matching, statistics and vectors look at classes and need no
// other rule. What is gone stays gone. The caller holds the lock.
func (s *State) grant(x *Search, granted Granted, counted *tally) {
	if len(granted.Sources)+len(granted.Chunks) == 0 {
		return
	}
	free := len(x.visible)
	for _, part := range x.segments {
		if part.damaged { // the census, and so the table, does not know its classes
			free = max(free, int(slices.Max(append(part.classes[:len(part.classes):len(part.classes)], gone)))+1)
		}
	}
	g := granting{class: uint32(free), sources: s.sources.table(granted.Sources), chunks: granted.Chunks}
	g.visible = make([]uint8, free+1)
	copy(g.visible, x.visible)
	g.visible[free] = 1
	x.visible = g.visible
	g.apply(&x.fresh, s.fresh.find, func(ord int) {
		counted.add(s.census.languages[s.fresh.languages[ord]], 1, int64(s.fresh.lengths[ord]))
	})
	x.segments = slices.Clone(x.segments)
	for i, part := range x.segments {
		own := *part
		g.apply(&own.columns, own.find, func(ord int) {
			if !own.damaged {
				counted.add(languageOf(own.lexical.Names[own.lexical.Languages[ord]]), 1, int64(own.lexical.Lengths[ord]))
			}
		})
		x.segments[i] = &own
	}
}

// apply gives the chunks of c that are granted and hidden by their class the class
// of g, in a copy of the classes, and calls count with the ordinal of each. find
// returns the ordinal of a chunk.
func (g *granting) apply(c *columns, find func(chunk int64) (int, bool), count func(ord int)) {
	var hidden []int
	look := func(ord int) {
		class := c.classes[ord]
		if seen := int(class) < len(g.visible) && g.visible[class] == 1; class != gone && !seen {
			hidden = append(hidden, ord)
		}
	}
	for ord, source := range c.sources {
		if g.sources[source] == 1 {
			look(ord)
		}
	}
	for _, chunk := range g.chunks {
		if ord, ok := find(chunk); ok {
			look(ord)
		}
	}
	if len(hidden) == 0 {
		return
	}
	c.classes = slices.Clone(c.classes)
	for _, ord := range hidden {
		if c.classes[ord] != g.class { // else it is granted twice
			c.classes[ord] = g.class
			count(ord)
		}
	}
}
