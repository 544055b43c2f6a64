package code

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A plan says which files may match: those that have every trigram of one of its lists.
// The empty list stands for all files.
type plan [][]int32

const (
	mostLists  = 16 // of a plan
	mostInList = 24 // trigrams: more narrow little and cost
)

// planOf returns the plan of an expression.
func planOf(re *syntax.Regexp) plan {
	var p plan
	for _, words := range needs(re) {
		var list []int32
		for _, w := range words {
			list = append(list, trigrams([]byte(w))...)
		}
		slices.Sort(list)
		list = thin(slices.Compact(list))
		if len(list) == 0 {
			return plan{nil}
		}
		p = append(p, list)
	}
	return p
}

// thin leaves out some of many trigrams, evenly.
func thin(list []int32) []int32 {
	if len(list) <= mostInList {
		return list
	}
	out := make([]int32, mostInList)
	for i := range out {
		out[i] = list[i*len(list)/mostInList]
	}
	return out
}

// needs returns lists of words: whatever matches holds all words of one of the lists,
// with ASCII letters folded.
func needs(re *syntax.Regexp) [][]string {
	if words, ok := exactly(re); ok {
		return oneOf(words)
	}
	switch re.Op { //nolint:exhaustive // of the others nothing is needed
	case syntax.OpCapture, syntax.OpPlus:
		return needs(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needs(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all [][]string
		for _, sub := range re.Sub {
			all = append(all, needs(sub)...)
		}
		if len(all) > mostLists {
			return [][]string{nil}
		}
		return all
	case syntax.OpConcat:
		return needsOfSequence(re.Sub)
	}
	return [][]string{nil}
}

// needsOfSequence joins what stands side by side and has few forms, so that words grow.
func needsOfSequence(parts []*syntax.Regexp) [][]string {
	all := [][]string{nil}
	run := []string{""} // the forms of what was just passed
	flush := func() {
		all = both(all, oneOf(run))
		run = []string{""}
	}
	for _, part := range parts {
		words, ok := exactly(part)
		if ok && len(words)*len(run) > mostLists {
			flush()
		}
		if !ok {
			flush()
			all = both(all, needs(part))
			continue
		}
		run = cross(run, words)
	}
	flush()
	return all
}

// oneOf returns the lists for one of some words; too short a word needs nothing.
func oneOf(words []string) [][]string {
	out := make([][]string, 0, len(words))
	for _, w := range words {
		if len(w) < 3 {
			return [][]string{nil}
		}
		out = append(out, []string{w})
	}
	return out
}

// both returns lists for what needs a and b, or one of the two where they would be many.
func both(a, b [][]string) [][]string {
	if len(a)*len(b) > mostLists {
		if len(a) < len(b) {
			return a
		}
		return b
	}
	var out [][]string
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}

func cross(a, b []string) []string {
	var out []string
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// exactly returns all forms, folded, of what an expression matches; false when they are
// many, or letters that are no ASCII may stand for it.
func exactly(re *syntax.Regexp) ([]string, bool) {
	switch re.Op { //nolint:exhaustive // the others have many forms
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		return literal(re)
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture:
		return exactly(re.Sub[0])
	case syntax.OpQuest:
		words, ok := exactly(re.Sub[0])
		return append([]string{""}, words...), ok && len(words) < mostLists
	case syntax.OpConcat:
		return exactSequence(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			words, ok := exactly(sub)
			if all = append(all, words...); !ok || len(all) > mostLists {
				return nil, false
			}
		}
		return all, true
	}
	return nil, false
}

func exactSequence(parts []*syntax.Regexp) ([]string, bool) {
	all := []string{""}
	for _, part := range parts {
		words, ok := exactly(part)
		if !ok || len(words)*len(all) > mostLists {
			return nil, false
		}
		all = cross(all, words)
	}
	return all, true
}

func literal(re *syntax.Regexp) ([]string, bool) {
	all := []string{""}
	for _, r := range re.Rune {
		forms := []rune{r}
		if re.Flags&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				forms = append(forms, f)
			}
		}
		if all = cross(all, ofRunes(forms)); len(all) > mostLists {
			return nil, false
		}
	}
	return all, true
}

// class returns the runes of a class, which is given as ranges.
func class(ranges []rune) ([]string, bool) {
	var runes []rune
	for i := 0; i < len(ranges); i += 2 {
		if int(ranges[i+1]-ranges[i])+len(runes) >= mostLists {
			return nil, false
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			runes = append(runes, r)
		}
	}
	return ofRunes(runes), true
}

func ofRunes(runes []rune) []string {
	var out []string
	for _, r := range runes {
		out = append(out, string(folded(utf8.AppendRune(nil, r))))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// required returns the longest text that stands in every match as it is written;
// empty when none is known.
func required(re *syntax.Regexp) string {
	switch re.Op { //nolint:exhaustive // of the others nothing is required
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var longest string
		var run strings.Builder
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpLiteral && sub.Flags&syntax.FoldCase == 0 {
				run.WriteString(string(sub.Rune))
				longest = longer(longest, run.String())
				continue
			}
			run.Reset()
			longest = longer(longest, required(sub))
		}
		return longest
	}
	return ""
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}
