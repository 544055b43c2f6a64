package claim

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Facts are what a sentence claims.
type Facts struct {
	Language string
	Words    []Word // content words in order; numbers, dates and negations are not among them
	Names    []Name
	Numbers  []Number
	Dates    []Date
	Clauses  []Clause // parts of the sentence that are affirmed or denied on their own
}

// Word is a word that carries content.
type Word struct {
	Lower  string
	Stem   string
	Name   bool // one of Names
	Clause int  // index of Facts.Clauses
	Start  int  // bytes of the text
	End    int
}

// Name is a proper name's word, an acronym, an identifier or a code.
type Name struct {
	Text    string
	Lower   string
	Stem    string
	Code    bool // holds digits, capitals inside or punctuation, or stands in a code span
	Initial bool // begins a sentence, where any word has a capital
	Strong  bool // nothing else can be meant: a code, an acronym, one of several capitals in a row
	Title   bool // "Dr", "Herr": what stands before a name
	Subject bool // a verb follows that needs a subject: "Corvo is", "Corvo will"
	Start   int  // bytes of the text
	End     int
}

// Read reads a sentence, or several. language is an ISO 639-1 code.
func Read(text, language string) Facts {
	r := &reader{tokens: tokens(text), facts: Facts{Language: language}}
	r.used = make([]bool, len(r.tokens))
	r.readDates()
	r.readNumbers()
	r.readClauses()
	for i := range r.facts.Numbers {
		r.facts.Numbers[i].Clause = r.clause[r.facts.Numbers[i].position]
	}
	for i := range r.facts.Dates {
		r.facts.Dates[i].Clause = r.clause[r.facts.Dates[i].token]
	}
	r.readWords()
	r.readNear()
	return r.facts
}

// reader takes the facts out of the tokens of a text, kind by kind; what one
// kind has used is not read as another.
type reader struct {
	tokens []token
	used   []bool
	clause []int // of each token
	facts  Facts
}

func (r *reader) language() string { return r.facts.Language }

// lower returns the token at i in lower case, "" beyond the ends.
func (r *reader) lower(i int) string {
	if i < 0 || i >= len(r.tokens) {
		return ""
	}
	return r.tokens[i].lower
}

func (r *reader) is(i int, kind tokenKind) bool {
	return i >= 0 && i < len(r.tokens) && r.tokens[i].kind == kind
}

func (r *reader) use(from, to int) {
	for i := from; i < to; i++ {
		r.used[i] = true
	}
}

func capital(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(c)
}

// initial reports whether the token at i begins a sentence or a title.
func (r *reader) initial(i int) bool {
	for j := i - 1; j >= 0; j-- {
		switch t := r.tokens[j]; {
		case t.kind != tokPunct:
			return false
		case t.text == "." || t.text == "!" || t.text == "?" || t.text == ":" || t.text == "|":
			return true
		case t.text == "," || t.text == ";" || t.text == "-" || t.text == "–" || t.text == ")" || t.text == "/" || t.text == "'" || t.text == "’":
			return false
		}
	}
	return true
}

// readWords reads what is left: content words and names.
func (r *reader) readWords() {
	for i, t := range r.tokens {
		if r.used[i] || t.kind == tokPunct || t.kind == tokFigure && !t.quoted {
			continue
		}
		if t.kind == tokWord && IsFunctionWord(t.lower, r.language()) && !t.quoted {
			continue
		}
		if t.kind == tokWord && utf8.RuneCountInString(t.text) == 1 && !isCJK([]rune(t.text)[0]) && !capital(t.text) {
			continue
		}
		w := Word{Lower: t.lower, Stem: t.lower, Clause: r.clause[i], Start: t.start, End: t.end}
		if t.kind == tokWord {
			w.Stem = Stem(t.lower, r.language())
		}
		if n, ok := r.name(i); ok {
			n.Stem, w.Name = w.Stem, true
			r.facts.Names = append(r.facts.Names, n)
		}
		r.facts.Words = append(r.facts.Words, w)
	}
}

// name reports whether the token at i may be a name.
func (r *reader) name(i int) (Name, bool) {
	t := r.tokens[i]
	n := Name{Text: t.text, Lower: t.lower, Start: t.start, End: t.end}
	if t.kind == tokCode || t.quoted {
		n.Code, n.Strong = true, true
		return n, true
	}
	if !capital(t.text) {
		return Name{}, false
	}
	n.Initial, n.Title = r.initial(i), titleWords[t.lower]
	n.Strong = r.capitalised(i-1) || r.capitalised(i+1)
	n.Subject = n.Initial && subjectVerbs[r.language()][r.lower(i+1)]
	if r.language() == "de" && !n.Strong && !titleWords[r.lower(i-1)] && !r.germanName(i) {
		return Name{}, false // every German noun has a capital
	}
	return n, true
}

// capitalised reports whether the token at j has a capital and may be part of a name.
func (r *reader) capitalised(j int) bool {
	return r.is(j, tokWord) && !r.used[j] && capital(r.tokens[j].text) && !IsFunctionWord(r.tokens[j].lower, r.language())
}

// subjectVerbs follow a subject at once.
var subjectVerbs = map[string]map[string]bool{
	"en": set("is are was were will has have had can may must should would does did owns leads keeps runs approves signs handles and"),
	"de": set("ist sind war waren wird werden hat haben kann können darf dürfen muss müssen soll sollen leitet"),
	"fr": set("est sont était étaient sera seront a ont peut peuvent doit doivent va dirige"),
	"es": set("es son era eran será serán ha han puede pueden debe deben está están dirige"),
}

// bareLeads stand before a name without article: "von Siemens", "in Hamburg".
var bareLeads = set("von in bei aus nach mit durch für an und oder über als gegen")

// abstractEndings are of German nouns that often stand without article.
var abstractEndings = []string{"ung", "ungen", "heit", "keit", "schaft", "tion", "tionen", "tät", "nis", "ismus", "ment", "tum", "en", "ern", "ing", "kraft", "zeit", "beginn", "ende"}

// germanName reports whether the capitalised German word at i looks like a name:
// it stands without article where a common noun would have one.
func (r *reader) germanName(i int) bool {
	w := r.tokens[i].lower
	subject := r.initial(i) && subjectVerbs["de"][r.lower(i+1)]
	if !bareLeads[r.lower(i-1)] && !subject {
		return false
	}
	for _, e := range abstractEndings {
		if strings.HasSuffix(w, e) {
			return false
		}
	}
	return true
}

// titleWords stand before a person's name.
var titleWords = set("herr herrn frau dr prof mr mrs ms mme m sr sra don doña")

// readNear notes the content words around each number.
func (r *reader) readNear() {
	const reach = 28 // bytes on each side, about four words
	for i := range r.facts.Numbers {
		n := &r.facts.Numbers[i]
		for _, w := range r.facts.Words {
			if w.End >= n.Start-reach && w.Start <= n.End+reach {
				n.Near = append(n.Near, w.Stem)
			}
		}
	}
}
