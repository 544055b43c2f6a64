package answer

import (
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

func TestExtractiveDeclinesWhatNothingSays(t *testing.T) {
	for _, question := range []string{
		"How often are the rooms of the team lead painted?",
		"Who is the head of accounting?",
		"What commission do our partners receive?",
	} {
		if got := extractive(t, question, handbook); got.Outcome != cairn.OutcomeNotFound {
			t.Errorf("%s: %s", question, got.Text)
		}
	}
}

// TestConfidenceFallsWithWhatIsMissing asks for something, and for something
// like it that no sentence has.
func TestConfidenceFallsWithWhatIsMissing(t *testing.T) {
	for _, c := range [][2]string{
		{"How many days of leave do employees have?", "How many days of leave do employees have for a wedding?"},
		{"How much may a hotel cost per night?", "How much may a parking permit at the hotel cost?"},
		{"Who approves leave of more than three weeks?", "Who approves leave of more than three weeks at the brewery?"},
		{"How much may a hotel cost?", "How many minutes before noon does a hotel clean the rooms?"},
	} {
		if there, missing := confidenceIn(t, c[0]), confidenceIn(t, c[1]); missing >= there {
			t.Errorf("%q: %.2f, %q: %.2f", c[0], there, c[1], missing)
		}
	}
}

func confidenceIn(t *testing.T, question string) float64 {
	t.Helper()
	embedder, err := builtin.New()
	if err != nil {
		t.Fatal(err)
	}
	ev := readEvidence(t.Context(), handbook, embedder)
	g := newGrader(ev, readQuestion(question, "en"), ev.meaning.sentence(llm.RoleQuery, question))
	return g.confidence(g.rank()[0])
}

var dispenser = []cairn.Passage{
	{Document: "dispenser", Version: "1", Title: "Dispenser", Language: "en", Score: 1, Text: "The dispenser was moved to hall 3. Visitors had taken cups from it. They left them on the stairs. Somebody fell over one in May."},
	{Document: "halls", Version: "1", Title: "Halls", Language: "en", Score: .3, Text: "Hall 3 has a dispenser of paper towels. It is open from 8:00."},
}

func TestExtractiveShowsWhatFollowsWhenReasonsAreAsked(t *testing.T) {
	got := extractive(t, "Why was the dispenser moved to hall 3?", dispenser)
	if len(got.Citations) < 4 || got.Citations[3].Document != "dispenser" {
		t.Errorf("the reasons after the sentence are missing: %s", got.Text)
	}
}

func TestExtractiveLeavesOutWeakerDocuments(t *testing.T) {
	got := extractive(t, "Why was the dispenser moved to hall 3?", dispenser)
	for _, c := range got.Citations {
		if c.Document == "halls" {
			t.Errorf("%q is of another matter", c.Quote)
		}
	}
}
