package code

import "strings"

// What a result is rated by: what stands for more outweighs all of the less that may come
// together. The order is that of Zoekt: definitions, then names of files, then whole words.
const (
	scoreOfDefinition   = 7000 // the match is the name that is defined here
	scoreInDefinition   = 4000 // it is part of that name, or has it in it
	scoreOfFileName     = 2500
	scoreOfWord         = 500
	scoreOfPartOfWord   = 100 // where a word begins or ends
	scoreOfAnotherMatch = 10
)

// kindScores put types before functions, and those before what is in them.
var kindScores = map[string]float64{
	"class": 1000, "struct": 1000, "interface": 1000, "type": 1000, "trait": 1000, "enum": 1000, "record": 1000, "protocol": 1000, "message": 1000,
	"func": 900, "macro": 850, "method": 800, "service": 900, "table": 1000, "const": 600, "var": 500, "field": 200, "impl": 100, "namespace": 100,
}

func kindScore(kind string) float64 {
	if s, ok := kindScores[kind]; ok {
		return s
	}
	return 400
}

// penalty is for files of tests, examples and what programs have made.
func penalty(weight int) float64 { return float64(weight) * 150 }

// rate returns the score of lines that stand together, the best of them, and what is defined
// on that.
func rate(h hit, lines []lineMatch, defined []Definition, weight int) (score float64, line int, d Definition) {
	best := -1.0
	for _, m := range lines {
		text := h.Body[m.start:m.end]
		s := 0.0
		begins, ends := startsWord(text, m.from), endsWord(text, m.to)
		switch {
		case begins && ends:
			s += scoreOfWord
		case begins || ends:
			s += scoreOfPartOfWord
		}
		x, there := definedAt(defined, m.line, string(text[m.from:m.to]))
		if there {
			s += scoreInDefinition + kindScore(x.Kind)
			if x.Name == string(text[m.from:m.to]) {
				s += scoreOfDefinition - scoreInDefinition
			}
		}
		if s > best {
			best, line, d = s, m.line, x
		}
	}
	score = best + scoreOfAnotherMatch*float64(min(len(lines), 10)-1) - penalty(weight)
	if h.called {
		score += scoreOfFileName
	}
	return score, line, d
}

// guess returns about what rate will return at best, from the text alone: a line with a
// word of definitions before the match may define it, which is no reference.
func guess(h hit, kind Kind, weight int) float64 {
	best := 0.0
	for _, m := range h.lines {
		line := h.Body[m.start:m.end]
		s := 0.0
		if startsWord(line, m.from) && endsWord(line, m.to) {
			s += scoreOfWord
		}
		switch defines := kindWords.Match(line[max(0, m.from-maxLine):m.from]); {
		case defines && kind == Reference:
			s = 0
		case defines:
			s += scoreInDefinition
		}
		best = max(best, s)
	}
	if h.called {
		best += scoreOfFileName
	}
	return best + scoreOfAnotherMatch*float64(min(len(h.lines), 10)) - penalty(weight)
}

// definedAt returns what is defined on a line and has to do with a match: its name holds
// the match, or stands in it.
func definedAt(defined []Definition, line int, match string) (Definition, bool) {
	var part Definition
	there := false
	for _, d := range defined {
		if d.Line != line || match == "" {
			continue
		}
		if d.Name == match {
			return d, true
		}
		if strings.Contains(d.Name, match) || strings.Contains(match, d.Name) {
			part, there = d, true
		}
	}
	return part, there
}

func definedOn(defined []Definition, line int, name string) bool {
	for _, d := range defined {
		if d.Line == line && d.Name == name {
			return true
		}
	}
	return false
}
