package extract

import (
	"strings"
	"testing"
)

// Only what is English without doubt is taken for it without the statistics.
func TestPlainlyEnglish(t *testing.T) {
	english := "The travel policy says that employees book flights with the agency, and the agency sends receipts to the finance team. " +
		"Costs are refunded within two weeks from the day on which the claim was approved. "
	for text, want := range map[string]bool{
		strings.Repeat(english, 2): true,
		english:                    false, // too short to tell
		// Words that English shares with its neighbours.
		strings.Repeat("De reis is goed en het was van de baas of van ons, want we have die for and in de stad gezien. ", 5):         false,
		strings.Repeat("Vi have en god have, for vi kan lide at arbejde i den, and der er mange planter og trær i den. ", 5):         false,
		strings.Repeat("Die Reise wurde genehmigt, und der Bericht mit dem Titel The Big Picture liegt bei der Personalstelle. ", 5): false,
		strings.Repeat("x1 y2 z3 foo bar baz ", 40): false,
	} {
		if got := plainlyEnglish(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func BenchmarkLanguage(b *testing.B) {
	t := &Text{Kind: "page", Body: []byte(strings.Repeat("The policy says that employees book flights with the agency on their own. ", 18))}
	for b.Loop() {
		if language(t) != "en" {
			b.Fatal("not English")
		}
	}
}
