package answer

import (
	"slices"
	"testing"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

func TestWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		language, text string
		wanted         wanted
		measure        string
	}{
		{"en", "How warm may the cellar get?", wantNumber, "celsius"},
		{"en", "How steep is the ramp?", wantNumber, ""},
		{"en", "How do I order a chair?", wantSteps, ""},
		{"en", "How quickly must I answer a complaint?", wantSpan, ""},
		{"en", "How many times may I sit the exam?", wantNumber, ""},
		{"en", "How many weeks of notice do I have to give?", wantNumber, "minute"},
		{"en", "How much does a parking space cost?", wantNumber, money},
		{"en", "What is the monthly fee for the gym?", wantNumber, money},
		{"en", "What was the cause of the fire in hall 2?", wantReason, ""},
		{"en", "What is the deadline for the tax form?", wantTime, ""},
		{"en", "What is the person in the price office called?", wantAnything, ""},
		{"de", "Wie warm darf der Keller werden?", wantNumber, "celsius"},
		{"de", "Wie hoch ist die Miete?", wantNumber, money},
		{"fr", "Quelle est la durée du stage ?", wantSpan, ""},
	} {
		q := readQuestion(c.text, c.language)
		if q.wanted != c.wanted || q.measure != c.measure {
			t.Errorf("%s: wanted %d %q, want %d %q", c.text, q.wanted, q.measure, c.wanted, c.measure)
		}
	}
}

func TestWordsThatFrameAQuestionAreNoContent(t *testing.T) {
	for _, c := range []struct {
		language, text string
		content        []string
	}{
		{"en", "How quickly must a complaint be answered?", []string{"complaint", "answered"}},
		{"en", "How warm does the cellar get?", []string{"cellar"}},
		{"fr", "Combien de temps dure le stage ?", []string{"dure", "stage"}},
		{"en", "Is the office warm enough?", []string{"office", "warm", "enough"}},
	} {
		var got []string
		for _, w := range readQuestion(c.text, c.language).subjects {
			got = append(got, w.Lower)
		}
		if !slices.Equal(got, c.content) {
			t.Errorf("%s: content %q, want %q", c.text, got, c.content)
		}
	}
}

func TestSentencesHoldWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		question, more, less string
	}{
		{"How much does a parking space cost?", "A space is let for 40 EUR.", "There are 40 spaces behind the hall."},
		{"How much does a parking space cost?", "| Space | Price in EUR: 40 |", "There are 40 spaces behind the hall."},
		{"How warm may the cellar get?", "It must stay under 18 °C.", "It holds 18 racks."},
		{"How many days of notice do I have to give?", "Give notice 14 days before.", "Give notice for 100 EUR."},
	} {
		q := readQuestion(c.question, "en")
		more, less := q.holds(claim.Read(c.more, "en"), c.more), q.holds(claim.Read(c.less, "en"), c.less)
		if more <= less {
			t.Errorf("%s: %q holds %.1f, %q holds %.1f", c.question, c.more, more, c.less, less)
		}
	}
}
