package answer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer/verifytest"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

// defaultSeed is not the one that the verifier was developed with.
const defaultSeed = 20261123

// verifySeed returns the seed of the mutations: CAIRN_VERIFY_SEED, or the default.
func verifySeed(t *testing.T) uint64 {
	s := os.Getenv("CAIRN_VERIFY_SEED")
	if s == "" {
		return defaultSeed
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("CAIRN_VERIFY_SEED is %q: set it to a number", s)
	}
	return n
}

// tally counts what was flagged of one kind.
type tally struct{ all, flagged int }

func (t tally) share() float64 { return float64(t.flagged) / float64(max(t.all, 1)) }

func casePassages(c verifytest.Case) []cairn.Passage {
	var out []cairn.Passage
	for _, p := range c.Passages {
		out = append(out, cairn.Passage{Text: p, Language: c.Lang})
	}
	return out
}

func verdict(embedder llm.Embedder, c verifytest.Case, sentence string) finding {
	ev := readEvidence(context.Background(), casePassages(c), embedder)
	v := verifier{evidence: ev, language: c.Lang}
	return v.check(sentence, nil)
}

// TestVerifierFlagsMutants holds the targets: of each kind of mutation nine
// tenths are not called supported, of the faithful paraphrases at most one tenth.
func TestVerifierFlagsMutants(t *testing.T) {
	cases, err := verifytest.Load()
	if err != nil {
		t.Fatal(err)
	}
	embedder, err := builtin.New()
	if err != nil {
		t.Fatal(err)
	}
	seed := verifySeed(t)
	show := os.Getenv("CAIRN_VERIFY_SHOW")
	faithful := tally{}
	kinds := map[verifytest.Kind]tally{}
	count := func(s tally, flagged bool) tally {
		s.all++
		if flagged {
			s.flagged++
		}
		return s
	}
	for n, c := range cases {
		f := verdict(embedder, c, c.Sentence)
		faithful = count(faithful, f.support != cairn.Supported)
		if f.support != cairn.Supported && shown(show, n) {
			t.Logf("faithful %s is %s (%s, %.2f): %s\n\t%s", c.ID, f.support, f.wrong, f.score, c.Sentence, strings.Join(c.Passages, "\n\t"))
		}
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		for range 3 {
			for _, m := range verifytest.Mutations(c, rng) {
				f := verdict(embedder, c, m.Sentence)
				kinds[m.Kind] = count(kinds[m.Kind], f.support != cairn.Supported)
				if f.support == cairn.Supported && shown(show, n) {
					t.Logf("%s %s passes (%.2f): %s\n\t%s", m.Kind, c.ID, f.score, m.Sentence, strings.Join(c.Passages, "\n\t"))
				}
			}
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "seed %d\n%-10s %5d sentences %6.1f %% flagged\n", seed, "faithful", faithful.all, 100*faithful.share())
	if faithful.share() > .1 {
		t.Errorf("%.1f %% of the faithful paraphrases are flagged, at most 10 %% may be", 100*faithful.share())
	}
	for _, k := range verifytest.Kinds() {
		fmt.Fprintf(&table, "%-10s %5d sentences %6.1f %% flagged\n", k, kinds[k].all, 100*kinds[k].share())
		if kinds[k].all < 40 {
			t.Errorf("only %d mutations of %s", kinds[k].all, k)
		}
		if kinds[k].share() < .9 {
			t.Errorf("%.1f %% of the mutations of %s are flagged, want at least 90 %%", 100*kinds[k].share(), k)
		}
	}
	t.Log("\n" + table.String())
}

// shown picks half of the cases for looking at: those of the other half are never
// looked at while the verifier is developed.
func shown(show string, n int) bool { return show != "" && n%2 == 0 }
