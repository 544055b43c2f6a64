package lexical

import "testing"

func TestFunctionLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"Tern T2 420 EUR":           "",
		"de":                        "", // of many languages
		"What is this and who said": "en",
		"Jeg har spurgt efter det, og hvad blev svaret af dem?": "da",
		"Jeg har spurt etter det, og hva ble svaret fra dem?":   "no",
	} {
		got, share := FunctionLanguage(text)
		if got != want || want != "" && (share <= 0.5 || share > 1) {
			t.Errorf("%q: %q by %.2f, want %q", text, got, share, want)
		}
	}
}
