package answer

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

var handbook = []cairn.Passage{
	{Document: "travel", Version: "1", Title: "Travel", Language: "en", Score: 1, Heading: []string{"Travel"}, Modified: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Text: `# Travel

Everybody books in Tripdesk.

## Hotels

A hotel may cost up to 140 EUR a night. See the [price list](prices.md) for cities above that.

| City | Limit |
| --- | --- |
| Oslo | 180 EUR |
| Porto | 110 EUR |

## Claiming expenses

To claim expenses:

1. Photograph the receipt.
2. Open a claim in Payhub.
3. Send it to your team lead within 30 days.

Claims that come later are not paid.
`},
	{Document: "leave", Version: "1", Title: "Leave", Language: "en", Score: .6, Text: `Employees have 30 days of leave a year. Nadia Ferrand approves leave of more than three weeks.`},
	{Document: "old", Version: "1", Title: "Travel (2023, superseded)", Language: "en", Score: .5, Modified: time.Date(2023, 1, 5, 0, 0, 0, 0, time.UTC), Text: `A hotel may cost up to 110 EUR a night.`},
	{Document: "urlaub", Version: "1", Title: "Sonderurlaub", Language: "de", Score: .3, Text: `Für einen Umzug gibt es einen Tag Sonderurlaub. Der Antrag geht an die Personalabteilung.`},
}

func extractive(t *testing.T, question string, passages []cairn.Passage) cairn.Answer {
	t.Helper()
	embedder, err := builtin.New()
	if err != nil {
		t.Fatal(err)
	}
	_, got := collect(t, New(Config{Embedder: embedder}), question, passages)
	if got.Model != cairn.ExtractiveModel {
		t.Errorf("model %s", got.Model)
	}
	return got
}

func quotes(a cairn.Answer) []string {
	var out []string
	for _, c := range a.Citations {
		out = append(out, c.Quote)
	}
	return out
}

func TestExtractiveAnswers(t *testing.T) {
	for _, tt := range []struct{ question, quote string }{
		{"How much may a hotel cost per night?", "A hotel may cost up to 140 EUR a night."},
		{"What is the hotel limit in Oslo?", "| Oslo | 180 EUR |"},
		{"Who approves long leave?", "Nadia Ferrand approves leave of more than three weeks."},
		{"How many days of vacation do employees have?", "Employees have 30 days of leave a year."},
		{"Wie viel Sonderurlaub gibt es für einen Umzug?", "Für einen Umzug gibt es einen Tag Sonderurlaub."},
	} {
		got := extractive(t, tt.question, handbook)
		if got.Outcome == cairn.OutcomeNotFound || !strings.Contains(strings.Join(quotes(got), "\n"), tt.quote) {
			t.Errorf("%s: outcome %s, quotes %q, want %q among them", tt.question, got.Outcome, quotes(got), tt.quote)
		}
		if n := len(strings.Fields(got.Text)); n > answerWords+40 {
			t.Errorf("%s: %d words", tt.question, n)
		}
	}
}

func TestExtractiveGivesAllSteps(t *testing.T) {
	got := extractive(t, "How do I claim expenses?", handbook)
	for _, step := range []string{"1. Photograph the receipt.", "2. Open a claim in Payhub.", "3. Send it to your team lead within 30 days."} {
		if !strings.Contains(got.Text, step) {
			t.Errorf("%q is not in\n%s", step, got.Text)
		}
	}
	if !strings.Contains(got.Text, "**Travel › Claiming expenses**") {
		t.Errorf("the heading is not in\n%s", got.Text)
	}
}

func TestExtractiveTableKeepsItsHead(t *testing.T) {
	got := extractive(t, "What is the hotel limit in Oslo?", handbook)
	if !strings.Contains(got.Text, "| City | Limit |\n|---|---|\n| Oslo | 180 EUR |") {
		t.Errorf("text\n%s", got.Text)
	}
}

func TestExtractiveSaysThatNothingAnswers(t *testing.T) {
	for _, question := range []string{"When does the canteen in Lyon open?", "What is the password of the guest network?", "Welche Farbe hat das Firmenlogo?"} {
		got := extractive(t, question, handbook)
		if got.Outcome != cairn.OutcomeNotFound || len(got.Citations) != 0 {
			t.Errorf("%s: outcome %s\n%s", question, got.Outcome, got.Text)
		}
	}
	if got := extractive(t, "How many days of leave are there?", nil); got.Outcome != cairn.OutcomeNotFound {
		t.Errorf("without passages: outcome %s", got.Outcome)
	}
}

func TestSupersededDocumentIsToldOf(t *testing.T) {
	got := extractive(t, "How much may a hotel cost per night?", handbook)
	if got.Outcome != cairn.OutcomeAnswered || notices(got) != NoticeSuperseded || strings.Contains(got.Text, "110 EUR a night") {
		t.Errorf("outcome %s, notices %q\n%s", got.Outcome, notices(got), got.Text)
	}
}

func TestDisagreeingDocumentsAreAConflict(t *testing.T) {
	passages := []cairn.Passage{
		{Document: "a", Title: "Handbook", Language: "en", Modified: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Text: "A hotel may cost up to 140 EUR a night."},
		{Document: "b", Title: "Wiki", Language: "en", Modified: time.Date(2024, 1, 5, 0, 0, 0, 0, time.UTC), Text: "A hotel may cost up to 110 EUR a night."},
	}
	got := extractive(t, "How much may a hotel cost per night?", passages)
	if got.Outcome != cairn.OutcomeConflict || len(got.Citations) != 2 || notices(got) != NoticeConflict {
		t.Errorf("outcome %s, %d citations, notices %q\n%s", got.Outcome, len(got.Citations), notices(got), got.Text)
	}
	if m := got.Notices[0].Message; !strings.Contains(m, "2026-01-05") || !strings.Contains(m, "2024-01-05") {
		t.Errorf("the notice lacks the dates: %s", m)
	}
	passages[1].Text = "A train ticket may cost up to 110 EUR."
	if got := extractive(t, "How much may a hotel cost per night?", passages); got.Outcome != cairn.OutcomeAnswered {
		t.Errorf("another matter: outcome %s", got.Outcome)
	}
}

func TestExtractiveIsInert(t *testing.T) {
	passages := []cairn.Passage{{Document: "a", Title: "Leave <b>x</b> [y](http://evil.example)", Language: "en",
		Text: "Leave is 30 days, see ![pixel](https://evil.example/?q=1) and <script>alert(1)</script>[the page](https://evil.example)\u200b."}}
	got := extractive(t, "How many days of leave?", passages)
	for _, live := range []string{"](", "<script", "\u200b", "<b>"} {
		if strings.Contains(got.Text, live) {
			t.Errorf("%q is in\n%s", live, got.Text)
		}
	}
}

func TestExtractiveIsDeterministic(t *testing.T) {
	first := extractive(t, "How do I claim expenses?", handbook)
	for range 5 {
		again := extractive(t, "How do I claim expenses?", handbook)
		first.Took, again.Took = 0, 0
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	}
}
