package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

// wanted says what an answer must hold, by what the question asks for.
type wanted int

const (
	wantAnything wanted = iota
	wantNumber          // how much, how many
	wantTime            // when: a date, a time of day
	wantSpan            // how long, how often: a span of time
	wantPerson          // who
	wantPlace           // where
	wantSteps           // how does one do it
	wantReason          // why
	wantList            // which ones
)

// asked is a question, read.
type asked struct {
	text     string
	facts    claim.Facts
	wanted   wanted
	measure  string       // unit of the wanted number, as claim.Number has it; empty: any
	past     bool         // it asks for what held formerly
	subjects []claim.Word // its content words
}

// pastCues are words of questions about what held formerly, with spaces around.
var pastCues = []string{" previous ", " previously ", " former ", " formerly ", " old ", " older ", " earlier ", " originally ", " used to ", " back then ",
	" früher ", " frühere ", " früheren ", " alte ", " alten ", " ehemals ", " damals ", " ancien ", " ancienne ", " précédent ", " précédente ", " autrefois ",
	" anterior ", " antigua ", " antiguo ", " antes "}

// asksForPast reports whether a question names a year or says "formerly".
func (q asked) asksForPast(lower string) bool {
	for _, d := range q.facts.Dates {
		if d.Year > 0 {
			return true
		}
	}
	return containsAny(lower, pastCues...)
}

// cue is a phrase that tells what is wanted, with spaces around it.
type cue struct {
	phrase string
	wanted wanted
}

// cues are looked for in order; the first one found decides.
var cues = map[string][]cue{ //nolint:misspell // other languages
	"en": {
		{" how long ", wantSpan}, {" how often ", wantSpan}, {" how soon ", wantSpan}, {" how quickly ", wantSpan}, {" how fast ", wantSpan}, {" how late ", wantTime}, {" how early ", wantTime},
		{" how much ", wantNumber}, {" how many times ", wantNumber}, {" how many ", wantNumber}, {" what percentage ", wantNumber}, {" how far ", wantNumber}, {" how high ", wantNumber}, {" how large ", wantNumber},
		{" how big ", wantNumber}, {" how old ", wantNumber},
		{" what number ", wantNumber}, {" what price ", wantNumber}, {" what time ", wantTime}, {" what date ", wantTime}, {" which date ", wantTime}, {" what day ", wantTime},
		{" which day ", wantTime}, {" since when ", wantTime}, {" by when ", wantTime}, {" until when ", wantTime}, {" what year ", wantTime}, {" which year ", wantTime},
		{" who ", wantPerson}, {" whom ", wantPerson}, {" whose ", wantPerson}, {" where ", wantPlace},
		{" how do ", wantSteps}, {" how can ", wantSteps}, {" how should ", wantSteps}, {" how to ", wantSteps}, {" what steps ", wantSteps}, {" what do i do ", wantSteps},
		{" what should i do ", wantSteps}, {" what must i do ", wantSteps}, {" how would i ", wantSteps}, {" how does one ", wantSteps},
		{" why ", wantReason}, {" which ", wantList}, {" what are ", wantList}, {" list ", wantList},
	},
	"de": {
		{" wie lange ", wantSpan}, {" wie oft ", wantSpan}, {" wie schnell ", wantSpan}, {" wie viel ", wantNumber}, {" wie viele ", wantNumber}, {" wieviel ", wantNumber},
		{" wieviele ", wantNumber}, {" wie hoch ", wantNumber}, {" wie weit ", wantNumber}, {" wie groß ", wantNumber}, {" wann ", wantTime}, {" um wie viel uhr ", wantTime}, {" seit wann ", wantTime},
		{" bis wann ", wantTime}, {" ab wann ", wantTime}, {" wer ", wantPerson}, {" wem ", wantPerson}, {" wen ", wantPerson}, {" wo ", wantPlace}, {" wohin ", wantPlace},
		{" wie kann ", wantSteps}, {" wie muss ", wantSteps}, {" wie beantrage ", wantSteps}, {" wie mache ", wantSteps}, {" wie wird ", wantSteps},
		{" warum ", wantReason}, {" wieso ", wantReason}, {" weshalb ", wantReason}, {" welche ", wantList},
	},
	"fr": {
		{" combien de temps ", wantSpan}, {" à quelle fréquence ", wantSpan}, {" combien ", wantNumber}, {" quel pourcentage ", wantNumber}, {" quel montant ", wantNumber},
		{" quand ", wantTime}, {" à quelle heure ", wantTime}, {" quelle date ", wantTime}, {" quel jour ", wantTime}, {" qui ", wantPerson}, {" où ", wantPlace},
		{" comment ", wantSteps}, {" pourquoi ", wantReason}, {" quels ", wantList}, {" quelles ", wantList},
	},
	"es": {
		{" cuánto tiempo ", wantSpan}, {" con qué frecuencia ", wantSpan}, {" cuánto ", wantNumber}, {" cuánta ", wantNumber}, {" cuántos ", wantNumber}, {" cuántas ", wantNumber},
		{" qué porcentaje ", wantNumber}, {" cuándo ", wantTime}, {" a qué hora ", wantTime}, {" qué fecha ", wantTime}, {" quién ", wantPerson}, {" quiénes ", wantPerson},
		{" dónde ", wantPlace}, {" cómo ", wantSteps}, {" por qué ", wantReason}, {" cuáles ", wantList}, {" qué pasos ", wantSteps},
	},
}

// whenCues come after the others: "when" is mostly a conjunction.
var whenCues = map[string]bool{"when": true, "whens": true}

// readQuestion reads a question in its language.
func readQuestion(text, language string) asked {
	q := asked{text: text, facts: claim.Read(text, language)}
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return c == ' ' || c == '\n' || c == '\t' || strings.ContainsRune("?¿!.,;:()\"", c)
	})
	lower := " " + strings.Join(words, " ") + " "
	framing := q.readWanted(words, lower, language)
	q.past = q.asksForPast(lower)
	for _, w := range q.facts.Words {
		base, ok := claim.Measure(w.Lower, language)
		if ok && (q.wanted == wantNumber || q.wanted == wantSpan) && q.measure == "" && len(w.Lower) > 1 {
			q.measure = base // "how many days": the answer has them as a number's unit
			continue
		}
		if !slices.Contains(framing, w.Lower) {
			q.subjects = append(q.subjects, w)
		}
	}
	return q
}

// readWanted finds out what is asked for, and returns the words that say so:
// they need not be in an answer.
func (q *asked) readWanted(words []string, lower, language string) (framing []string) {
	list := cues[language]
	if list == nil {
		list = cues["en"]
	}
	for _, c := range list {
		if strings.Contains(lower, c.phrase) {
			q.wanted = c.wanted
			framing = strings.Fields(c.phrase)
			break
		}
	}
	if len(words) > 0 && whenCues[words[0]] {
		q.wanted = wantTime
	}
	if degree := degreeOf(words, language); degree != "" && q.wanted == wantAnything {
		q.wanted, q.measure = wantNumber, degrees[degree]
		framing = append(framing, degree)
	}
	if noun, ok := nounOf(words); ok && (q.wanted == wantAnything || q.wanted == wantList) {
		q.wanted, q.measure = noun.wanted, noun.measure
	}
	if q.wanted == wantNumber && q.measure == "" && slices.ContainsFunc(words, func(w string) bool { return moneyWords[claim.Stem(w, language)] }) {
		q.measure = money
	}
	return framing
}

// holds reports how far a sentence has what is wanted: 1 it has, 0 it has not,
// .5 it cannot be told.
func (q asked) holds(f claim.Facts, text string) float64 {
	yes := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	switch q.wanted {
	case wantNumber:
		if q.measure == money {
			if namesMoney(f, text) {
				return 1
			}
			return .3 * yes(hasNumber(f, func(claim.Number) bool { return true }))
		}
		if q.measure != "" && hasNumber(f, func(n claim.Number) bool { return n.Unit == q.measure }) {
			return 1
		}
		if q.measure != "" {
			return .6 * yes(hasNumber(f, func(n claim.Number) bool { return n.Unit == "" }))
		}
		return yes(hasNumber(f, func(claim.Number) bool { return true }))
	case wantSpan:
		return yes(hasNumber(f, func(n claim.Number) bool { return n.Unit == "minute" || n.Unit == "month" }) || len(f.Dates) > 0)
	case wantTime:
		return yes(len(f.Dates) > 0 || hasNumber(f, func(n claim.Number) bool { return n.Unit == "minute" || n.Unit == "month" }))
	case wantPerson:
		for _, n := range f.Names {
			if !n.Initial || n.Strong {
				return 1
			}
		}
		if containsAny(strings.ToLower(text), roles...) {
			return .7
		}
		return 0
	case wantPlace:
		if len(f.Names) > 0 {
			return .8
		}
		return .4
	case wantReason:
		if containsAny(" "+strings.ToLower(text), " because", " so that", " since ", " due to", " therefore", " reason", " weil", " damit", " grund", " wegen", " parce", " afin", " raison", " porque", " para que", " razón") {
			return 1
		}
		return .4
	}
	return .5
}

// roles are parts of words for people and teams who are not named.
var roles = []string{ //nolint:misspell // other languages
	"manager", "team", "lead", "officer", "director", "head of", "owner", "engineer", "supervisor", "department", "staff", "employee", "committee", "you", "everyone",
	"leitung", "abteilung", "vorgesetzt", "équipe", "responsable", "equipo", "directeur", "director", "mitarbeit", "@"}

func hasNumber(f claim.Facts, is func(claim.Number) bool) bool {
	for _, n := range f.Numbers {
		if is(n) && !n.Ordinal {
			return true
		}
	}
	return false
}
