package claim

import (
	"slices"
	"strings"
)

// Clause is a part of a sentence that is affirmed or denied on its own.
type Clause struct {
	Strong int      // words that deny: not, never, no, without
	Clear  int      // words that mean a denial: forbidden, unable, refuses
	Only   bool     // a word that leaves nothing else: only, solely
	Limits []string // words that draw a line: outside, until, except, other
}

// Denies reports whether the clause says that something is not so. An even
// number of denials affirms.
func (c Clause) Denies() bool { return (c.Strong+c.Clear)%2 == 1 }

// Rephrases reports whether a clause that affirms and one that denies may say
// the same: "only inside" and "not outside", "only staff" and "nobody except
// staff". A limit that both have explains nothing.
func (c Clause) Rephrases(o Clause) bool {
	affirms, denies := c, o
	if c.Denies() {
		affirms, denies = o, c
	}
	for _, l := range denies.Limits {
		if !slices.Contains(affirms.Limits, l) {
			return true
		}
	}
	return false
}

// denial has the words of a language that turn a clause around.
type denial struct {
	strong  map[string]bool
	clear   []string // beginnings of words
	only    map[string]bool
	limits  map[string]bool
	neutral [][]string // phrases in which a strong word denies nothing
	breaks  map[string]bool
}

var denials = map[string]denial{
	"en": {
		strong: set(`not no never cannot without nobody none nothing neither don't doesn't didn't isn't aren't wasn't weren't won't wouldn't shouldn't
			couldn't can't mustn't needn't hasn't haven't hadn't nowhere don’t doesn’t didn’t isn’t aren’t wasn’t weren’t won’t wouldn’t shouldn’t
			couldn’t can’t mustn’t needn’t hasn’t haven’t hadn’t`),
		clear: strings.Fields(`forbid forbad prohibit bann disallow refus reject denie deny denied unable impossibl ineligibl exempt exclud disabl
			unauthori invalid illegal declin waiv optional voluntar omit skip lack unpaid unavailable unlimited prevent`),
		only:   set(`only solely exclusively`),
		limits: set(`unless except until instead rather besides outside beyond else hardly rarely seldom barely nor otherwise other`),
		neutral: phrases("no later than", "no more than", "no fewer than", "no less than", "no earlier than", "not more than", "not less than",
			"not later than", "not only", "not just", "not exceed", "no sooner", "whether or not", "not fewer than"),
		breaks: set(`but if when while because although though so unless whereas which who once after before since and then where that`),
	},
	"de": {
		strong: set(`nicht nie niemals niemand nichts ohne weder kein keine keinem keinen keiner keines nirgends keinesfalls keineswegs`),
		clear: strings.Fields(`verbot untersag verbiet unzulässig unmöglich ausgeschlossen ausgenommen entfäll entfall abgelehn ablehn verweiger unbefugt ungültig
			freiwillig optional erübrig`),
		only:    set(`nur lediglich ausschließlich`),
		limits:  set(`außer ausser sonst statt anstatt anstelle kaum selten erst außerhalb`),
		neutral: phrases("nicht nur", "nicht mehr als", "nicht später als", "nicht länger als", "nicht weniger als", "nicht vor"),
		breaks:  set(`aber wenn falls sobald während weil obwohl sondern und dann damit dass wobei`),
	},
	"fr": {
		strong:  set(`pas jamais rien aucun aucune sans non ni nul nulle`),
		clear:   strings.Fields(`interdi prohib refus rejet exclu impossible inéligible dispens facultati exempt inutile`),
		only:    set(`seulement uniquement exclusivement seul seule seuls seules`),
		limits:  set(`sauf sinon plutôt hormis hors dehors`),
		neutral: phrases("pas plus de", "pas seulement", "pas moins de", "pas plus tard"),
		breaks:  set(`mais si quand lorsque parce tandis alors et puis qui dont où afin`),
	},
	"es": {
		strong:  set(`no nunca jamás sin ningún ninguna ninguno nadie nada tampoco ni`),
		clear:   strings.Fields(`prohib rechaz deneg imposible excluy exclu inválid exent opcional voluntari niega`),
		only:    set(`solo sólo únicamente exclusivamente`),
		limits:  set(`salvo excepto sino hasta fuera`),
		neutral: phrases("no más de", "no sólo", "no solo", "no menos de", "no más tarde", "no solamente"),
		breaks:  set(`pero si cuando porque aunque mientras y entonces que donde para`),
	},
}

// concord languages say one denial with two words: "ne … pas", "no … nunca".
var concord = set("fr es")

// readClauses cuts the tokens into clauses and counts their denials.
func (r *reader) readClauses() {
	r.clause = make([]int, len(r.tokens))
	d, ok := denials[r.language()]
	if !ok {
		d = denials["en"]
	}
	neutral := r.neutralTokens(d.neutral)
	current, words := Clause{}, 0
	flush := func() {
		r.facts.Clauses = append(r.facts.Clauses, current)
		current, words = Clause{}, 0
	}
	for i, t := range r.tokens {
		if words > 1 && (t.kind == tokPunct && strings.Contains(",;:.!?—()", t.text) || t.text == "–" || t.kind == tokWord && d.breaks[t.lower]) {
			flush()
		}
		r.clause[i] = len(r.facts.Clauses)
		if t.kind == tokPunct {
			continue
		}
		words++
		if t.kind != tokWord || t.quoted || neutral[i] {
			continue
		}
		if r.countDenial(&current, d, i) {
			r.used[i] = true
		}
	}
	if words > 0 || len(r.facts.Clauses) == 0 {
		flush()
	}
}

// countDenial adds the word at i to the clause and reports whether it says no
// more than the denial.
func (r *reader) countDenial(c *Clause, d denial, i int) bool {
	w := r.tokens[i].lower
	switch {
	case d.strong[w] && !r.abbreviatesNumber(i) || r.frenchPlus(i):
		if !concord[r.language()] || c.Strong == 0 {
			c.Strong++
		}
		return true
	case hasPrefixAny(w, d.clear):
		c.Clear++
		return true
	case d.only[w]:
		c.Only = true
	case w == "other" && r.lower(i+1) != "than" && r.lower(i-1) != "any" && r.lower(i-1) != "no":
	case d.limits[w]:
		c.Limits = append(c.Limits, w)
	}
	return false
}

// abbreviatesNumber tells "No. 5" from "no".
func (r *reader) abbreviatesNumber(i int) bool {
	return r.tokens[i].lower == "no" && (r.is(i+1, tokFigure) || r.lower(i+1) == "." && r.is(i+2, tokFigure))
}

// frenchPlus tells "ne … plus" (no longer) from "plus" (more).
func (r *reader) frenchPlus(i int) bool {
	if r.language() != "fr" || r.tokens[i].lower != "plus" && r.tokens[i].lower != "personne" {
		return false
	}
	for j := i - 1; j >= 0 && j >= i-4; j-- {
		if w := r.tokens[j].lower; w == "ne" || w == "n" {
			return true
		}
	}
	return false
}

func hasPrefixAny(w string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(w, p) {
			return true
		}
	}
	return false
}

// neutralTokens marks the words of phrases that deny nothing, nil for none.
func (r *reader) neutralTokens(phrases [][]string) map[int]bool {
	var out map[int]bool
	for i := range r.tokens {
		for _, words := range phrases {
			if r.tokens[i].lower != words[0] || !r.follows(i, words) {
				continue
			}
			if out == nil {
				out = map[int]bool{}
			}
			for k := range words {
				out[i+k] = true
			}
		}
	}
	return out
}

// follows reports whether the tokens from i on are the words.
func (r *reader) follows(i int, words []string) bool {
	for k, w := range words {
		if r.lower(i+k) != w {
			return false
		}
	}
	return true
}

func phrases(list ...string) [][]string {
	out := make([][]string, len(list))
	for i, p := range list {
		out[i] = strings.Fields(p)
	}
	return out
}
