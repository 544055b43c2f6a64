package extract

import (
	"regexp"
	"strings"

	"github.com/abadojack/whatlanggo"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// How many bytes of a body decide its language, in pieces of which size.
const (
	languageSample = 5 << 10
	languagePiece  = 1 << 10
	languageLeast  = 100
)

// likely are the languages that documents of companies are written in. Their
// relatives with few speakers make the statistics unsure of clear cases.
var likely = map[whatlanggo.Lang]bool{
	whatlanggo.Eng: true, whatlanggo.Deu: true, whatlanggo.Fra: true, whatlanggo.Spa: true, whatlanggo.Ita: true, whatlanggo.Por: true,
	whatlanggo.Nld: true, whatlanggo.Swe: true, whatlanggo.Dan: true, whatlanggo.Nob: true, whatlanggo.Fin: true, whatlanggo.Pol: true,
	whatlanggo.Ces: true, whatlanggo.Hun: true, whatlanggo.Ron: true, whatlanggo.Tur: true, whatlanggo.Hrv: true, whatlanggo.Slv: true,
	whatlanggo.Est: true, whatlanggo.Lit: true, whatlanggo.Lav: true, whatlanggo.Rus: true, whatlanggo.Ukr: true, whatlanggo.Bul: true,
	whatlanggo.Srp: true, whatlanggo.Ell: true, whatlanggo.Arb: true, whatlanggo.Heb: true, whatlanggo.Pes: true, whatlanggo.Hin: true,
	whatlanggo.Ben: true, whatlanggo.Tam: true, whatlanggo.Tel: true, whatlanggo.Cmn: true, whatlanggo.Jpn: true, whatlanggo.Kor: true,
	whatlanggo.Vie: true, whatlanggo.Ind: true, whatlanggo.Tha: true,
}

var notProse = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|https?://\\S+|[\\w.+-]+@[\\w.-]+|\\]\\([^)]*\\)|<[^>]*>")

// language returns the language of a text as ISO 639-1 code, empty when the
// statistics are not sure. Of code and data it looks at nothing: names are no
// prose. The statistics are surest about one or two kilobytes, so they are
// asked about several pieces and the most frequent answer counts, until the
// pieces that are left cannot change it.
func language(t *Text) string {
	switch t.Kind {
	case cairn.KindCode, cairn.KindData, cairn.KindSpreadsheet:
		return ""
	}
	sample := string(canon.Cut(t.Body, languageSample))
	if strings.ContainsAny(sample, "`@<") || strings.Contains(sample, "://") || strings.Contains(sample, "](") {
		sample = notProse.ReplaceAllString(sample, " ") // else there is nothing to find
	}
	sample = strings.Join(strings.Fields(sample), " ")
	if t.Language != "" && len(sample) < languagePiece/2 {
		return "" // what the document says of itself is surer than statistics of a few words
	}
	votes := map[string]int{}
	best, lead := "", 0 // lead of the best over the others
	for len(sample) >= languageLeast && lead*languagePiece < len(sample) {
		piece := canon.Cut([]byte(sample), languagePiece)
		sample = sample[len(piece):]
		code := languageOf(string(piece))
		if code == "" {
			continue
		}
		if votes[code]++; votes[code] > votes[best] {
			best = code
		}
		lead = leadOf(votes, best)
	}
	return best
}

// languageOf returns the language of a piece of prose, empty when that is not sure.
func languageOf(piece string) string {
	if plainlyEnglish(piece) {
		return "en"
	}
	info := whatlanggo.DetectWithOptions(piece, whatlanggo.Options{Whitelist: likely})
	code := info.Lang.Iso6391()
	if info.IsReliable() || saidByFunctionWords(piece, code) {
		return code
	}
	return ""
}

// leastFunctionWords is which share of the words of prose carry grammar at least.
const leastFunctionWords = 0.25

// saidByFunctionWords reports whether what a text has most of are function words of the
// language that the statistics of trigrams found likeliest. Alone these are seldom sure
// of a language with a near relative: of a kilobyte of Danish they are not.
func saidByFunctionWords(piece, code string) bool {
	language, share := lexical.FunctionLanguage(piece)
	if language == "no" {
		language = "nb" // as the statistics call it
	}
	return language == code && share >= leastFunctionWords
}

// plainlyEnglish reports whether every twelfth of at least fifty words is one of
// those that are frequent in English, an eighth of all together, and no words of
// other languages. It spares most English texts the statistics of trigrams, which
// take longer than everything else that is done with them.
func plainlyEnglish(piece string) bool {
	words, found := 0, 0
	for word := range strings.FieldsSeq(piece) {
		words++
		switch word {
		case "the", "The", "and", "that", "with", "this", "This", "from", "are", "which":
			found++
		}
	}
	return words >= 50 && 12*found >= words
}

// leadOf returns how many more votes one has than any other.
func leadOf(votes map[string]int, best string) int {
	second := 0
	for code, n := range votes {
		if code != best {
			second = max(second, n)
		}
	}
	return votes[best] - second
}
