package code

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
	"regexp/syntax"
	"unicode/utf8"
)

// automaton finds the lines that an expression matches, and reads every byte once: its
// states are made when they are first met, as in RE2 (Cox, Regular Expression Matching in
// the Wild, 2010). Where on a line the match lies it does not know. It is not safe for use
// by several goroutines at once.
type automaton struct {
	program *syntax.Prog
	first   bool   // a match begins where the line does
	begin   *state // of a line
	states  map[string]*state
	size    int      // states, and what they keep of letters that are no ASCII
	todo    []uint32 // of closure
	met     []uint64 // instructions that closure has been at
	out     []uint64 // the next set
	matched state    // a line matches
	dead    state    // a line cannot match any more
	stopped func() bool
	made    int
}

// state is what may follow: instructions that wait for the next letter.
type state struct {
	set    []uint64 // instructions, before conditions such as ^ and \b are looked at
	before rune     // stands for the last letter: -1 none, 'a' one of a word, ' ' another
	next   [utf8.RuneSelf]*state
	others map[rune]*state
}

// mostStates bounds what an automaton keeps; beyond it, it begins anew.
const mostStates = 1000

func newAutomaton(program *syntax.Prog) *automaton {
	words := (len(program.Inst) + 63) / 64
	a := &automaton{program: program, first: program.StartCond()&syntax.EmptyBeginText != 0, met: make([]uint64, words), out: make([]uint64, words)}
	a.reset()
	return a
}

func (a *automaton) reset() {
	a.states, a.size = make(map[string]*state), 0
	set := make([]uint64, len(a.met))
	add(set, uint32(a.program.Start))
	a.begin = a.state(set, -1)
}

func add(set []uint64, pc uint32) { set[pc/64] |= 1 << (pc % 64) }

func has(set []uint64, pc uint32) bool { return set[pc/64]&(1<<(pc%64)) != 0 }

// line returns the first line with a match of a body, from where a line begins. The line
// ends before the line break. It finds nothing more when ctx ends.
func (a *automaton) line(ctx context.Context, body []byte, at int) (start, end int, ok bool) {
	a.stopped = func() bool { return ctx.Err() != nil }
	s := a.begin
	for i := at; i < len(body); {
		var n *state
		width := 1
		if c := body[i]; c < utf8.RuneSelf {
			if n = s.next[c]; n == nil {
				if n = a.step(s, rune(c)); n == nil {
					return 0, 0, false
				}
				s.next[c] = n
			}
		} else {
			var r rune
			r, width = utf8.DecodeRune(body[i:])
			if n = s.others[r]; n == nil {
				if n = a.other(s, r); n == nil {
					return 0, 0, false
				}
			}
		}
		switch n {
		case &a.matched:
			start, end = lineAround(body, i)
			return start, end, true
		case &a.dead:
			if _, i = lineAround(body, i); i == len(body) {
				return 0, 0, false
			}
			n, width = a.begin, 1
		}
		s = n
		i += width
	}
	if at < len(body) && body[len(body)-1] != '\n' && a.step(s, '\n') == &a.matched {
		start, end = lineAround(body, len(body))
		return start, end, true
	}
	return 0, 0, false
}

// lineAround returns the line that a place lies on; a line break lies on the line that it
// ends.
func lineAround(body []byte, at int) (start, end int) {
	start, end = bytes.LastIndexByte(body[:at], '\n')+1, len(body)
	if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
		end = at + i
	}
	return start, end
}

// other is step for letters that are no ASCII.
func (a *automaton) other(s *state, r rune) *state {
	n := a.step(s, r)
	if n == nil {
		return nil
	}
	if s.others == nil {
		s.others = make(map[rune]*state)
	}
	s.others[r] = n
	a.size++
	return n
}

// step returns the state after a letter; a line break ends the line, and the next begins.
// It returns nil when the search was stopped.
func (a *automaton) step(s *state, r rune) *state {
	if a.made++; a.made%256 == 0 && a.stopped() {
		return nil
	}
	after := r
	if r == '\n' {
		after = -1
	}
	if a.closure(s.set, syntax.EmptyOpContext(s.before, after)) {
		return &a.matched
	}
	if r == '\n' {
		return a.begin
	}
	clear(a.out)
	alive := false
	for i, word := range a.met {
		for ; word != 0; word &= word - 1 {
			if in := &a.program.Inst[i*64+bits.TrailingZeros64(word)]; takes(in, r) {
				add(a.out, in.Out)
				alive = true
			}
		}
	}
	switch {
	case !a.first:
		add(a.out, uint32(a.program.Start))
	case !alive:
		return &a.dead
	}
	if a.size > mostStates {
		a.reset()
	}
	before := ' '
	if syntax.IsWordChar(r) {
		before = 'a'
	}
	return a.state(a.out, before)
}

func takes(in *syntax.Inst, r rune) bool {
	switch in.Op { //nolint:exhaustive // the others take no letter
	case syntax.InstRune, syntax.InstRune1:
		return in.MatchRune(r)
	case syntax.InstRuneAny, syntax.InstRuneAnyNotNL: // there is no line break within a line
		return true
	}
	return false
}

// closure leaves in met what is reached from a set without a letter, under conditions that
// hold; it reports whether the match is.
func (a *automaton) closure(set []uint64, holds syntax.EmptyOp) bool {
	clear(a.met)
	a.todo = a.todo[:0]
	for i, word := range set {
		for ; word != 0; word &= word - 1 {
			a.todo = append(a.todo, uint32(i*64+bits.TrailingZeros64(word)))
		}
	}
	for len(a.todo) > 0 {
		pc := a.todo[len(a.todo)-1]
		a.todo = a.todo[:len(a.todo)-1]
		if has(a.met, pc) {
			continue
		}
		add(a.met, pc)
		switch in := &a.program.Inst[pc]; in.Op { //nolint:exhaustive // the others wait for a letter, or fail
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			a.todo = append(a.todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			a.todo = append(a.todo, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^holds == 0 {
				a.todo = append(a.todo, in.Out)
			}
		}
	}
	return false
}

// state returns the state of a set, which it copies.
func (a *automaton) state(set []uint64, before rune) *state {
	key := make([]byte, 0, 8*len(set)+1)
	for _, word := range set {
		key = binary.NativeEndian.AppendUint64(key, word)
	}
	key = append(key, byte(before))
	if s, ok := a.states[string(key)]; ok {
		return s
	}
	s := &state{set: append([]uint64(nil), set...), before: before}
	a.states[string(key)] = s
	a.size++
	return s
}
