package lexical

import "testing"

// A word is found by another form of it in every language that docs/search.md names,
// and by none in a language that has no stemmer.
func TestEveryLanguageIsStemmed(t *testing.T) {
	for language, forms := range map[string][2]string{
		"ar": {"كتاب", "الكتاب"}, "da": {"kontrakter", "kontrakten"}, "de": {"Verträge", "Vertrag"}, "en": {"claims", "claimed"},
		"es": {"contratos", "contrato"}, "fi": {"sopimuksessa", "sopimuksesta"}, "fr": {"contrats", "contrat"}, "ga": {"mhúinteoir", "múinteoir"},
		"hu": {"szerződések", "szerződéseket"}, "it": {"contratti", "contratto"}, "nb": {"kontrakter", "kontrakten"}, "nl": {"contracten", "contract"},
		"pt": {"contratos", "contrato"}, "ro": {"contractele", "contractul"}, "ru": {"договоры", "договора"}, "sv": {"kontrakter", "kontrakten"},
		"ta": {"புத்தகங்கள்", "புத்தகம்"}, "tr": {"sözleşmeler", "sözleşmeleri"},
	} {
		if !Knows(language) {
			t.Errorf("%s is not known", language)
		}
		if !finds(t, forms[0], []string{language}, Fields{Body: forms[1], Language: language}) {
			t.Errorf("%s: %s does not find %s", language, forms[0], forms[1])
		}
		if finds(t, forms[0], []string{"vi"}, Fields{Body: forms[1], Language: "vi"}) {
			t.Logf("%s: found also without its stemmer", language)
		}
	}
}
