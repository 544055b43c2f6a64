package dense

import "slices"

// Codes are the codes of some chunks, by ordinal. The signs lie apart from the
// rest, because a search scans them all. The zero value has no codes of no words.
type Codes struct {
	words int
	signs []uint64 // words each
	finer []uint64 // finerWords(words) each
	aside []uint64 // bitmap of those with a shift above 0: see Frame.Axis
}

// finerWords returns the length of what a code has beside its signs: two bits a
// component, and one word for factor and shift.
func finerWords(words int) int { return 2*words + 1 }

// MakeCodes returns n codes of zeros whose signs have so many words, see
// Coder.Words.
func MakeCodes(n, words int) Codes {
	all := make([]uint64, n*(words+finerWords(words)))
	return Codes{words: words, signs: all[: n*words : n*words], finer: all[n*words:], aside: make([]uint64, (n+63)/64)}
}

// Words returns the number of words of the signs.
func (c *Codes) Words() int { return c.words }

// Size returns the length of a code, or 0 for codes of no words.
func (c *Codes) Size() int {
	if c.words == 0 {
		return 0
	}
	return c.words + finerWords(c.words)
}

// Len returns the number of codes; 0 when they have no words.
func (c *Codes) Len() int {
	if c.words == 0 {
		return 0
	}
	return len(c.signs) / c.words
}

// Append adds a code of Coder.Append, or zeros if its length is not Size.
func (c *Codes) Append(code []uint64) {
	n := c.words
	if len(code) != c.Size() {
		code = make([]uint64, c.Size())
	}
	if n == 0 {
		return
	}
	ordinal := c.Len()
	c.signs, c.finer = append(c.signs, code[:n]...), append(c.finer, code[n:]...)
	if ordinal%64 == 0 {
		c.aside = append(c.aside, 0)
	}
	c.note(ordinal)
}

// note takes into the bitmap whether the code at an ordinal has a shift above 0.
func (c *Codes) note(ordinal int) {
	c.aside[ordinal/64] &^= 1 << (ordinal % 64)
	if _, shift := factorAndShift(c.finer[(ordinal+1)*finerWords(c.words)-1]); shift > 0 {
		c.aside[ordinal/64] |= 1 << (ordinal % 64)
	}
}

// Set replaces the code at an ordinal by one of the length Size.
func (c *Codes) Set(ordinal int, code []uint64) {
	copy(c.signs[ordinal*c.words:], code[:c.words])
	copy(c.finer[ordinal*finerWords(c.words):], code[c.words:])
	c.note(ordinal)
}

// At returns a copy of the code at an ordinal, nil when codes have no words.
func (c *Codes) At(ordinal int) []uint64 {
	if c.words == 0 {
		return nil
	}
	n, m := c.words, finerWords(c.words)
	return append(slices.Clone(c.signs[ordinal*n:(ordinal+1)*n]), c.finer[ordinal*m:(ordinal+1)*m]...)
}

// Snapshot returns the codes as they are now, which can be read while c is appended to.
func (c *Codes) Snapshot() Codes {
	o := *c
	o.aside = slices.Clone(c.aside) // its last word changes
	return o
}

// Clone returns codes of their own.
func (c *Codes) Clone() Codes {
	o := MakeCodes(c.Len(), c.words)
	copy(o.signs, c.signs)
	copy(o.finer, c.finer)
	copy(o.aside, c.aside)
	return o
}

// Equal reports whether both have the same codes.
func (c *Codes) Equal(o *Codes) bool {
	return c.words == o.words && slices.Equal(c.signs, o.signs) && slices.Equal(c.finer, o.finer)
}
