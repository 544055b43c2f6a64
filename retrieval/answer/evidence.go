package answer

import (
	"context"
	"regexp"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/claim"
	"github.com/cairnhq/cairn/retrieval/answer/segment"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// evidence is what an answer may rest on: the passages, cut into sentences and
// read. It does not change once made.
type evidence struct {
	passages []source
	units    []unit
	frequent map[string]int // in how many passages a stem occurs
	words    *vocabulary
	meaning  *meaning
}

// source is a passage with what holds for all of it.
type source struct {
	cairn.Passage
	language string
	first    int // units[first:last] are its sentences
	last     int
	context  claim.Facts // of title and headings
	ids      []wordID    // of context.Words
	stems    map[string]bool
	outdated bool // it says of itself that it was replaced
}

// unit is a sentence, item, row or block of a passage.
type unit struct {
	passage int
	kind    segment.Kind
	start   int // bytes of the passage's text
	body    int
	end     int
	text    string // from body to end
	plain   string // the same on one line without links, as an answer shows it
	facts   claim.Facts
	stems   map[string]bool
	ids     []wordID // of facts.Words
	clauses []clauseFacts
	lead    int // unit that introduces it: a line that ends in a colon, a table's first row; -1
	heading int // heading above it inside the passage; -1
	indent  int
}

// readEvidence cuts and reads the passages. An embedder that fails leaves words
// to be compared by their letters alone.
func readEvidence(ctx context.Context, passages []cairn.Passage, embedder llm.Embedder) *evidence {
	ev := &evidence{frequent: map[string]int{}, words: newVocabulary()}
	for i, p := range passages {
		p.Number = i + 1
		s := source{Passage: p, language: languageOf(p), first: len(ev.units), stems: map[string]bool{}}
		s.context = claim.Read(p.Title+" . "+strings.Join(p.Heading, " . "), s.language)
		s.ids = ev.words.addAll(s.context.Words)
		ev.readUnits(i, s)
		s.last = len(ev.units)
		s.outdated = isOutdated(p.Title, p.Text)
		for _, w := range s.context.Words {
			s.stems[w.Stem] = true
		}
		for _, u := range ev.units[s.first:s.last] {
			for stem := range u.stems {
				s.stems[stem] = true
			}
		}
		for stem := range s.stems {
			ev.frequent[stem]++
		}
		ev.passages = append(ev.passages, s)
	}
	ev.meaning = newMeaning(ctx, embedder, ev)
	ev.words.meaning = ev.meaning
	return ev
}

// languageOf returns the language of a passage, as far as claims can be read in it.
func languageOf(p cairn.Passage) string {
	if p.Language != "" {
		return p.Language
	}
	return claim.Language(p.Text)
}

// maxBlock bounds a block of code or data that is quoted as one, in bytes.
const maxBlock = 500

// pieces cuts a passage: prose into sentences, code and data into blocks.
func pieces(s source) []segment.Piece {
	if s.Kind == cairn.KindCode || s.Kind == cairn.KindData {
		return segment.Blocks(s.Text, maxBlock)
	}
	return segment.All(s.Text, s.language)
}

func (ev *evidence) readUnits(passage int, s source) {
	lead, heading, table := -1, -1, -1
	code := s.Kind == cairn.KindCode || s.Kind == cairn.KindData
	for _, p := range pieces(s) {
		n := len(ev.units)
		if p.Kind == segment.Rule {
			continue
		}
		if text := s.Text[p.Body:p.End]; p.Kind == segment.Heading && len(text) > 60 && strings.HasSuffix(text, ".") {
			p.Kind = segment.Text // a remark in code that begins with #
		}
		u := unit{passage: passage, kind: p.Kind, start: p.Start, body: p.Body, end: p.End, text: s.Text[p.Body:p.End], lead: -1, heading: heading, indent: p.Indent}
		u.plain = inline(&u)
		u.facts = claim.Read(u.readable(), s.language)
		u.ids = ev.words.addAll(u.facts.Words)
		for k := range u.facts.Clauses {
			c := clauseOf(u.facts, k)
			c.ids = ev.words.addAll(c.words)
			u.clauses = append(u.clauses, c)
		}
		u.stems = make(map[string]bool, len(u.facts.Words))
		for _, w := range u.facts.Words {
			u.stems[w.Stem] = true
		}
		if p.Kind == segment.Code {
			ev.addIdentifiers(&u, s.language)
		}
		if p.Kind != segment.Row {
			table = -1
		}
		if code {
			u.lead = ev.parent(s, p.Indent)
			ev.units = append(ev.units, u)
			continue
		}
		switch p.Kind {
		case segment.Heading:
			heading, lead = n, -1
		case segment.Row:
			if table < 0 {
				table = n
			} else {
				u.lead = table
			}
		case segment.Item:
			u.lead = lead
		default:
			if strings.HasSuffix(u.text, ":") {
				lead = n
			} else if s.Text[:p.Start] == "" || strings.HasSuffix(strings.TrimRight(s.Text[:p.Start], " \t"), "\n\n") {
				lead = -1 // a new paragraph ends a list
			}
		}
		ev.units = append(ev.units, u)
	}
}

// readable returns the text of a unit that is read for facts. Code is read
// without its fence, inside which numbers and words would be names.
func (u *unit) readable() string {
	if u.kind == segment.Code {
		return u.text
	}
	return u.plain
}

// identifierParts finds the words inside maxAttempts, MAX_ATTEMPTS and HTTPServer.
var identifierParts = regexp.MustCompile(`\p{Lu}?\p{Ll}+|\p{Lu}+`)

// addIdentifiers lets the words inside the identifiers of a unit be found.
func (ev *evidence) addIdentifiers(u *unit, language string) {
	for _, w := range u.facts.Words {
		parts := identifierParts.FindAllString(u.text[w.Start:w.End], -1)
		if len(parts) < 2 {
			continue
		}
		for _, part := range parts {
			lower := strings.ToLower(part)
			if len(part) < 3 || claim.IsFunctionWord(lower, language) {
				continue
			}
			word := claim.Word{Lower: lower, Stem: claim.Stem(lower, language)}
			u.stems[word.Stem] = true
			u.ids = append(u.ids, ev.words.add(word))
		}
	}
}

// parent returns the last unit of a passage so far that is less indented, -1
// when there is none.
func (ev *evidence) parent(s source, indent int) int {
	for i := len(ev.units) - 1; i >= s.first; i-- {
		if ev.units[i].indent < indent {
			return i
		}
	}
	return -1
}

// weight says how much a stem tells: words of every passage tell little.
func (ev *evidence) weight(stem string) float64 {
	n := len(ev.passages)
	if n < 3 {
		return 1
	}
	return 1 - .5*float64(ev.frequent[stem])/float64(n)
}

// window is a run of sentences of one passage.
type window struct {
	first, last int // evidence.units[first:last]
}

// span returns the bytes of the passage's text that the window covers, from the
// first word to the last.
func (ev *evidence) span(w window) (passage, start, end int) {
	first, last := ev.units[w.first], ev.units[w.last-1]
	start = first.body
	if w.last-w.first > 1 && first.kind == segment.Item {
		start = first.start
	}
	return first.passage, start, last.end
}

// citation returns a window as a citation without number and place in the answer.
func (ev *evidence) citation(w window) cairn.Citation {
	i, start, end := ev.span(w)
	p := ev.passages[i]
	heading, url := p.At(p.Start + start)
	return cairn.Citation{
		Document: p.Document, Version: p.Version,
		Start: p.Start + start, End: p.Start + end, Quote: p.Text[start:end],
		Title: p.Title, URL: url, Heading: heading, Source: p.Source, Modified: p.Modified,
		State: cairn.CitationCurrent,
	}
}
