package claim

import "strings"

// spoken has the numbers that are one word in a language.
var spoken = map[string]map[string]float64{ //nolint:misspell // other languages
	"en": count(`zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen`,
		`twenty thirty forty fifty sixty seventy eighty ninety`, map[string]float64{"hundred": 100, "thousand": 1000, "dozen": 12, "half": .5}),
	"de": count(`null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn`,
		`zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig`, map[string]float64{"hundert": 100, "tausend": 1000, "dutzend": 12, "zweier": 2, "beiden": 2}),
	"fr": count(`zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf`,
		`vingt trente quarante cinquante soixante soixante-dix quatre-vingt quatre-vingt-dix`, map[string]float64{"cent": 100, "cents": 100, "mille": 1000, "quatre-vingts": 80}),
	"es": count(`cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve`,
		`veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa`, map[string]float64{"cien": 100, "ciento": 100, "mil": 1000, "doscientos": 200,
			"trescientos": 300, "cuatrocientos": 400, "quinientos": 500, "seiscientos": 600, "veintiuno": 21, "veintiún": 21, "veintidós": 22,
			"veintitrés": 23, "veinticuatro": 24, "veinticinco": 25, "veintiséis": 26, "veintisiete": 27, "veintiocho": 28, "veintinueve": 29}),
}

// count numbers the words of small from 0 and those of tens from 20 by tens.
func count(small, tens string, more map[string]float64) map[string]float64 {
	for i, w := range strings.Fields(small) {
		more[w] = float64(i)
	}
	for i, w := range strings.Fields(tens) {
		more[w] = float64(20 + 10*i)
	}
	return more
}

// ordinals has the ordinal numbers that are one word.
var ordinals = map[string]map[string]float64{
	"en": ranks("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"),
	"de": ranks("erst zweit dritt viert fünft sechst siebt acht neunt zehnt elft zwölft"),
	"fr": ranks("premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième"),
	"es": ranks("primer segund tercer cuart quint sext séptim octav noven décim"),
}

func ranks(words string) map[string]float64 {
	m := map[string]float64{}
	for i, w := range strings.Fields(words) {
		m[w] = float64(i + 1)
	}
	return m
}

// ordinalWord returns the rank that a word in lower case names, 0 for none.
func ordinalWord(lower, language string) float64 {
	words := ordinals[language]
	switch language {
	case "de":
		for _, ending := range []string{"er", "en", "em", "es", "e"} {
			if base, ok := strings.CutSuffix(lower, ending); ok && base != "acht" {
				return words[base]
			}
		}
		return 0
	case "es":
		return words[strings.TrimRight(lower, "aeos")]
	case "fr":
		if lower == "première" || lower == "premières" || lower == "premiers" {
			return 1
		}
		return words[strings.TrimSuffix(lower, "s")]
	}
	return words[lower]
}

// repetitions are adverbs that say how often.
var repetitions = map[string]float64{"once": 1, "twice": 2, "thrice": 3, "einmal": 1, "zweimal": 2, "dreimal": 3, "viermal": 4}

// spokenNumber returns the value of one word, also of a compound such as
// "twenty-five", "fünfundzwanzig", "vingt-cinq" or "zweihundert".
func spokenNumber(lower, language string) (float64, bool) {
	words := spoken[language]
	if v, ok := words[lower]; ok {
		return v, true
	}
	switch language {
	case "de":
		return germanNumber(lower)
	case "fr":
		if i := strings.LastIndex(lower, "-"); i > 0 {
			tens, ok := words[strings.TrimSuffix(lower[:i], "-et")]
			unit, ok2 := words[lower[i+1:]]
			if ok && ok2 && tens >= 20 {
				return tens + unit, true
			}
		}
	}
	return 0, false
}

// germanNumber reads compounds: [n]hundert[und][n], [n]tausend[n], fünfundzwanzig.
func germanNumber(lower string) (float64, bool) {
	words := spoken["de"]
	if v, ok := words[lower]; ok {
		return v, true
	}
	if lower == "ein" {
		return 1, true
	}
	for _, power := range []string{"tausend", "hundert"} {
		before, after, ok := strings.Cut(lower, power)
		if !ok {
			continue
		}
		factor, rest := 1.0, 0.0
		if before != "" {
			if factor, ok = germanNumber(before); !ok {
				return 0, false
			}
		}
		if after = strings.TrimPrefix(after, "und"); after != "" {
			if rest, ok = germanNumber(after); !ok {
				return 0, false
			}
		}
		return factor*words[power] + rest, true
	}
	for one, v := range words {
		if tens, ok := strings.CutPrefix(lower, one+"und"); ok && v < 10 && words[tens] >= 20 {
			return v + words[tens], true
		}
	}
	if tens, ok := strings.CutPrefix(lower, "einund"); ok && words[tens] >= 20 {
		return 1 + words[tens], true
	}
	return 0, false
}
