package segment

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

var (
	// After these a sentence goes on, whatever follows.
	titles = wordSet(`mr mrs ms dr prof st e.g i.e cf vs approx ca z.b d.h u.a bzw vgl sog inkl zzgl ggf evtl
		m mm mme mlle p.ex c.-à-d sr sra srta d dª p.ej gen col lt jr mt messrs hr fr dipl ing`)
	// After these it goes on when a number follows.
	counters = wordSet(`no nr nos fig figs p pp s sec sect ch art abs vol eq tab kap núm num pág pag ext tel v ver ed rev`)
	// Words that begin a German sentence more often than they follow an ordinal.
	germanStarters = wordSet(`der die das ein eine einen wir sie es er ich bei in im am an auf für mit nach vor wenn
		alle jede jeder dies diese dieser danach dann dabei bitte wer was wie wo zum zur ab bis seit nur auch`)
	months = wordSet(`january february march april may june july august september october november december
		januar jänner februar märz mai juni juli oktober dezember
		janvier février mars avril juin juillet août septembre octobre novembre décembre
		enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre`)
)

func isMonth(word string) bool { return months[strings.ToLower(word)] }

// neverEnds reports whether a full stop after word belongs to it, before next.
func neverEnds(word, next string) bool {
	w := strings.ToLower(word)
	return titles[w] || next != "" && counters[w]
}

// abbreviates reports whether the full stop after word is part of it: before is
// the word, next the letters that follow, first the character that follows.
func (r *reader) abbreviates(before, next string, first rune) bool {
	lower := strings.ToLower(before)
	if titles[lower] || counters[lower] && unicode.IsDigit(first) {
		return true
	}
	c, size := utf8.DecodeRuneInString(before)
	if size == len(before) && unicode.IsLetter(c) && next != "" {
		spaced := utf8.RuneCountInString(next) == 1 // "z. B."
		initial := unicode.IsUpper(c) && c != 'I'
		if spaced || initial {
			return true
		}
	}
	if allDigits(before) && len(before) <= 2 {
		if isMonth(next) {
			return true
		}
		return r.o.Language == "de" && next != "" && !germanStarters[strings.ToLower(next)]
	}
	return false
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
