package answer

import (
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

// money is the measure of an amount in any currency.
const money = "money"

// currencies are the units of claim.Number that are money.
var currencies = []string{"EUR", "USD", "GBP", "CHF", "JPY"}

// namesMoney reports whether a sentence has an amount of money, or a number
// beside a currency, as a column "Price EUR" gives it.
func namesMoney(f claim.Facts, text string) bool {
	if hasNumber(f, func(n claim.Number) bool { return slices.Contains(currencies, n.Unit) }) {
		return true
	}
	return hasNumber(f, func(claim.Number) bool { return true }) && containsAny(text, append(currencies, "€", "$", "£")...)
}

// moneyWords are stems of words of questions that ask "how much" for money.
var moneyWords = stems(map[string]string{
	"en": "cost costs price pay paid charge charged fee spend spent budget salary wage earn revenue income profit turnover refund reimburse rent bonus expensive claim euros dollars",
	"de": "kosten kostet preis bezahlen zahlt gebühr ausgeben budget gehalt lohn verdienen umsatz einnahmen gewinn erstatten miete bonus teuer",
	"fr": "coûter coûte prix payer paie frais dépenser budget salaire gagner revenu bénéfice rembourser loyer prime cher",
	"es": "costar cuesta precio pagar paga tarifa gastar presupuesto salario sueldo ganar ingresos beneficio reembolsar alquiler caro",
})

// stems returns the stems of lists of words by language.
func stems(words map[string]string) map[string]bool {
	m := map[string]bool{}
	for language, list := range words {
		for w := range strings.FieldsSeq(list) {
			m[claim.Stem(w, language)] = true
		}
	}
	return m
}

// degrees maps adjectives that follow "how" to the unit of the number that
// answers; any other adjective asks for a number of any unit.
var degrees = map[string]string{
	"warm": "celsius", "hot": "celsius", "cold": "celsius", "cool": "celsius",
	"heavy": "gram", "tall": "metre", "deep": "metre", "wide": "metre", "old": "month", "expensive": money,
	"kalt": "celsius", "heiß": "celsius", "schwer": "gram", "tief": "metre", "breit": "metre", "alt": "month", "teuer": money,
	"groß": "", "hoch": "", "viel": "", "weit": "", "stark": "", "voll": "", "laut": "",
}

// afterHow are the words after "how" that ask for a manner rather than a degree.
var afterHow = strings.Fields(`do does did is are was were can could should would will may might must to have has had am about come exactly i we you
	much many long often soon quickly fast late early`)

// degreeOf returns the adjective of "how warm", "wie warm", empty when there is none.
func degreeOf(words []string, language string) string {
	for i := 0; i+1 < len(words); i++ {
		next := words[i+1]
		switch {
		case words[i] == "how" && !slices.Contains(afterHow, next):
			return next
		case words[i] == "wie" && language == "de":
			if _, ok := degrees[next]; ok {
				return next
			}
		}
	}
	return ""
}

// noun says what a question "what is the <noun> of" wants.
type noun struct {
	wanted  wanted
	measure string
}

// kindsOfNoun lists the nouns that tell the kind of the answer.
var kindsOfNoun = []struct {
	noun  noun
	words string
}{
	{noun{wantNumber, money}, `price cost costs fee salary budget revenue rent deposit fine preis gebühr gehalt budget umsatz miete kaution prix frais salaire loyer precio tarifa salario`},
	{noun{wantNumber, ""}, `allowance discount commission bonus percentage rate limit maximum minimum number amount capacity weight size height length width depth threshold
		rabatt provision anteil grenze höchstzahl anzahl betrag gewicht größe höhe länge remise commission taux limite nombre montant poids taille descuento límite número cantidad`},
	{noun{wantNumber, "celsius"}, `temperature temperatur température temperatura`},
	{noun{wantTime, ""}, `date deadline day datum frist termin échéance fecha plazo`},
	{noun{wantSpan, ""}, `duration period dauer zeitraum durée période duración periodo`},
	{noun{wantReason, ""}, `cause reason ursache grund raison causa razón motivo`},
}

var nouns = func() map[string]noun {
	m := map[string]noun{}
	for _, kind := range kindsOfNoun {
		for w := range strings.FieldsSeq(kind.words) {
			m[w] = kind.noun
		}
	}
	return m
}()

// Words around the noun that a question asks for: "what IS THE unit price OF".
var (
	nounAskers = strings.Fields(`what which what's was welche welcher welches welchen quel quelle quels quelles qué cuál cuáles`)
	nounEnds   = strings.Fields(`of for in at on to when if that which who from with by under per do does did can may must should will has have i we you
		von für in im am bei zum zur wenn der des darf muss hat haben ich wir de du des pour dans à au quand si en para cuando`)
)

// nounOf returns what the noun of a question wants: "what is the price of".
func nounOf(words []string) (noun, bool) {
	at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(nounAskers, w) })
	if at < 0 || at > 3 {
		return noun{}, false
	}
	var found noun
	ok := false
	for _, w := range words[at+1:] {
		if slices.Contains(nounEnds, w) {
			break
		}
		if n, is := nouns[w]; is {
			found, ok = n, true
		}
	}
	return found, ok
}
