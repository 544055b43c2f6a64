package verifytest

import "strings"

// A numeral is a number word and its value.
type numeral struct {
	word  string
	value int64
}

// small holds the number words of each language that a sentence may exchange
// for one another, from two on: "one" is as often a pronoun as a number.
var small = map[string][]numeral{
	"en": numerals("two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty", "twenty thirty forty fifty sixty seventy eighty ninety"),
	"de": numerals("zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig", "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"),
	"fr": numerals("deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt", "vingt trente quarante cinquante soixante"),
	"es": numerals("dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte", "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
}

// numerals gives the words of ones the values from 2 on, and those of tens
// 20, 30 and so on. The words between two tens are formed with a hyphen, as
// English and French do; those that a language does not form do no harm, since
// they occur in no text, and are not offered as replacements.
func numerals(ones, tens string) []numeral {
	var ns []numeral
	for i, w := range strings.Fields(ones) {
		ns = append(ns, numeral{w, 2 + int64(i)})
	}
	base := append([]numeral{{"one", 1}}, ns[:8]...) // to nine
	for i, w := range strings.Fields(tens) {
		if i > 0 {
			ns = append(ns, numeral{w, 20 + 10*int64(i)})
		}
		for _, b := range base {
			ns = append(ns, numeral{w + "-" + b.word, 20 + 10*int64(i) + b.value})
		}
	}
	return ns
}

// extra holds words with a value that only count as taken: singular words,
// ordinals and fractions of the passages, in all languages.
var extra = map[string]int64{
	"one": 1, "ein": 1, "eine": 1, "einen": 1, "un": 1, "une": 1, "uno": 1, "una": 1,
	"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6,
	"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
	"once": 1, "twice": 2, "double": 2, "both": 2, "either": 2, "half": 2, "quarter": 4,
	"erste": 1, "zweite": 2, "dritte": 3, "premier": 1, "deuxième": 2, "primero": 1, "segundo": 2,
}

// scales are the words that multiply the number before them.
var scales = map[string]int64{
	"hundred": 100, "thousand": 1000, "million": 1_000_000,
	"hundert": 100, "tausend": 1000, "millionen": 1_000_000,
	"cent": 100, "cents": 100, "mille": 1000, "millions": 1_000_000,
	"mil": 1000, "millones": 1_000_000,
}

// wordFor returns the word of lang for v that is one word without a hyphen, or,
// in English, with one.
func wordFor(v int64, lang string) (string, bool) {
	for _, n := range small[lang] {
		if n.value == v && (lang == "en" || !strings.Contains(n.word, "-") || v < 20) {
			return n.word, true
		}
	}
	return "", false
}

// valueOf returns the value of a number word of any language.
func valueOf(word string) (int64, bool) {
	for _, ns := range small {
		for _, n := range ns {
			if n.word == word {
				return n.value, true
			}
		}
	}
	v, ok := extra[word]
	return v, ok
}
