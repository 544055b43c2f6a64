package verifytest

import (
	"slices"
	"strings"
	"testing"
)

func load(t *testing.T) []Case {
	t.Helper()
	cases, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// longestSharedRun returns the longest run of words that a and b share.
func longestSharedRun(a, b string) []string {
	x, y := words(a), words(b)
	var best []string
	for i := range x {
		for j := range y {
			n := 0
			for i+n < len(x) && j+n < len(y) && x[i+n] == y[j+n] {
				n++
			}
			if n > len(best) {
				best = x[i : i+n]
			}
		}
	}
	return best
}

func TestLongestSharedRun(t *testing.T) {
	got := longestSharedRun("So: keep it for 30 days, please", "We Keep it, for 30 years")
	if want := []string{"keep", "it", "for", "30"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCasesAreParaphrases(t *testing.T) {
	cases := load(t)
	if len(cases) < 60 {
		t.Errorf("%d cases, want at least 60", len(cases))
	}
	for _, c := range cases {
		for _, p := range c.Passages {
			if run := longestSharedRun(c.Sentence, p); len(run) >= 6 {
				t.Errorf("%s shares %q with a passage", c.ID, strings.Join(run, " "))
			}
		}
	}
}

func TestCasesAreComplete(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range load(t) {
		if seen[c.ID] || !strings.HasPrefix(c.ID, c.Lang+"-") {
			t.Errorf("%s: ID is used twice or does not begin with %q", c.ID, c.Lang)
		}
		seen[c.ID] = true
		if _, ok := polarities[c.Lang]; !ok {
			t.Errorf("%s: no rules for language %q", c.ID, c.Lang)
		}
		if len(c.Passages) == 0 || c.Sentence == "" || c.Negated == c.Sentence {
			t.Errorf("%s: passages or sentence missing, or Negated is the sentence", c.ID)
		}
		for _, n := range c.Names {
			checkName(t, c, n)
		}
		checkBounds(t, c)
	}
}

// checkBounds reports a bound of something that is no number and no part of a
// date of the sentence, and a direction that allows does not know.
func checkBounds(t *testing.T, c Case) {
	t.Helper()
	found := make(map[string]bool)
	for _, n := range findNumbers(c) {
		found[c.Sentence[n.start:n.end]] = true
	}
	parts, _ := findDates(c.Sentence, c.Lang)
	for _, p := range parts {
		found[p.text] = true
	}
	for text, direction := range c.Bounds {
		if !found[text] {
			t.Errorf("%s: bound of %q, which is not in the sentence", c.ID, text)
		}
		if !slices.Contains([]string{"less", "more", "fixed"}, direction) {
			t.Errorf("%s: unknown direction %q", c.ID, direction)
		}
	}
}

// checkName reports a marked name that the generator could not swap cleanly, or
// that the passages do not hold.
func checkName(t *testing.T, c Case, n Name) {
	t.Helper()
	if len(namePool[n.Kind]) == 0 {
		t.Errorf("%s: no names of kind %q", c.ID, n.Kind)
	}
	want := " " + strings.Join(words(n.Text), " ") + " "
	in := func(s string) int { return strings.Count(" "+strings.Join(words(s), " ")+" ", want) }
	if in(c.Sentence) != 1 {
		t.Errorf("%s: %q stands %d times in the sentence, want once", c.ID, n.Text, in(c.Sentence))
	}
	if in(strings.Join(c.Passages, " ")) == 0 {
		t.Errorf("%s: %q is not in the passages", c.ID, n.Text)
	}
}
