package verifytest

import (
	"math/rand/v2"
	"regexp"
)

// A negationRule replaces a match by to, which may use the groups of re.
type negationRule struct {
	re *regexp.Regexp
	to string
}

// A polarity holds the negation rules of one language.
type polarity struct {
	marker *regexp.Regexp // matches a sentence that is negative already
	remove []negationRule // for such sentences
	insert []negationRule // for all others
}

func rule(re, to string) negationRule {
	return negationRule{regexp.MustCompile(re), to}
}

// polarities has the rules by language. Rules that weaken a sentence without
// contradicting it, such as dropping "only", are left out on purpose: what they
// give is still true.
var polarities = map[string]polarity{
	"en": {
		marker: regexp.MustCompile(`(?i)\b(not|no|never|cannot|without|none|nobody|nothing|neither|nor|unless)\b`),
		remove: []negationRule{
			rule(`\b(is|are|was|were|must|may|can|will|should) not\b`, `$1`),
			rule(`\bcannot\b`, `can`),
			rule(`\b(is|are) never\b`, `$1`),
			rule(`\bdoes not need\b`, `needs`),
			rule(`\bdo not need\b`, `need`),
		},
		insert: []negationRule{
			rule(`\b(must|may|will|should|would) `, `$1 not `),
			rule(`\bmust `, `need not `),
			rule(`\bcan `, `cannot `),
			rule(`\b(is|are|was|were) `, `$1 not `),
			rule(`\b(has|have|had) been `, `$1 not been `),
			rule(`\bhas to `, `does not have to `),
			rule(`\bhave to `, `do not have to `),
		},
	},
	"de": {
		marker: regexp.MustCompile(`(?i)\b(nicht|kein\pL*|ohne|nie|niemals)\b`),
		remove: []negationRule{rule(` nicht\b`, ``)},
		insert: []negationRule{
			rule(` (ist|sind|war|waren|wird|werden|muss|müssen|kann|können|darf|dürfen) `, ` $1 nicht `),
		},
	},
	"fr": {
		marker: regexp.MustCompile(`(?i)(\b(ne|pas|jamais|aucune?|sans)\b|\bn['’])`),
		remove: []negationRule{rule(`\bn['’](est|a) pas `, `$1 `), rule(`\bne (doit|peut|sont) pas `, `$1 `)},
		insert: []negationRule{
			rule(` (est|a) `, ` n'$1 pas `),
			rule(` (doit|doivent|peut|peuvent|sont|sera|seront) `, ` ne $1 pas `),
		},
	},
	"es": {
		marker: regexp.MustCompile(`(?i)\b(no|nunca|sin|ningún|ninguna)\b`),
		remove: []negationRule{rule(` no `, ` `)},
		insert: []negationRule{
			rule(` (es|son|está|están|debe|deben|puede|pueden|fue|fueron|será|serán|tiene|tienen) `, ` no $1 `),
		},
	},
}

// mutateNegation turns the polarity of one verb: it takes a negation out of a
// sentence that has one and puts one into a sentence that has none, so that no
// double negation arises.
func mutateNegation(c Case, rng *rand.Rand) (edit, bool) {
	p, ok := polarities[c.Lang]
	if !ok {
		return edit{}, false
	}
	rules := p.insert
	if p.marker.MatchString(c.Sentence) {
		rules = p.remove
	}
	var groups [][]edit
	for _, r := range rules {
		for _, m := range r.re.FindAllStringSubmatchIndex(c.Sentence, -1) {
			to := r.re.ExpandString(nil, r.to, c.Sentence, m)
			groups = append(groups, []edit{{m[0], m[1], string(to)}})
		}
	}
	return pick(groups, rng)
}
