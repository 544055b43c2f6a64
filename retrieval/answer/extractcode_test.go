package answer

import (
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

var parcels = []cairn.Passage{
	{Document: "send", Version: "1", Title: "send.go", Kind: cairn.KindCode, Language: "en", Score: 1, Text: `// maxRetries bounds how often a parcel label is printed again.
const maxRetries = 5

// labelTimeout ends a hanging printer.
const labelTimeout = 20
`},
	{Document: "shop", Version: "1", Title: "Shop", Language: "en", Score: .9, Text: "Parcels leave the shop at noon. The printer of the shop is from 2019."},
}

func TestExtractiveReadsCode(t *testing.T) {
	got := extractive(t, "How many retries does printing a parcel label have?", parcels)
	if got.Outcome != cairn.OutcomeAnswered || !strings.Contains(got.Text, "maxRetries = 5") {
		t.Errorf("%s: %s", got.Outcome, got.Text)
	}
	ev := readEvidence(t.Context(), parcels, nil)
	if u := ev.units[0]; !u.stems["retri"] && !u.stems["retry"] {
		t.Errorf("the words inside identifiers are not found: %v", u.stems)
	}
	if !hasNumber(ev.units[0].facts, hasValue(5)) && !hasNumber(ev.units[1].facts, hasValue(5)) {
		t.Error("numbers in code are not read")
	}
}

func hasValue(v float64) func(claim.Number) bool {
	return func(n claim.Number) bool { return n.Plain == v }
}
