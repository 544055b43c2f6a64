package answer

import (
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

// setting is what a claim is checked against.
type setting struct {
	name  string
	among int // passages of other cases beside its own
	cites bool
}

// passages returns those of cases[n], then those of the cases after it.
func (s setting) passages(cases []verifytest.Case, n int) (out []cairn.Passage, cites []int) {
	for i := 0; len(out) < len(cases[n].Passages)+s.among; i++ {
		c := cases[(n+i)%len(cases)]
		for _, p := range c.Passages {
			out = append(out, cairn.Passage{Text: p, Language: c.Lang})
			if i == 0 && s.cites {
				cites = append(cites, len(out))
			}
		}
	}
	return out, cites
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
	for _, s := range []setting{{name: "own passages"}, {name: "cited among ten others", among: 10, cites: true}, {name: "not cited among ten others", among: 10}} {
		t.Run(s.name, func(t *testing.T) {
			m := measure{embedder: embedder, setting: s, seed: verifySeed(t), show: os.Getenv("CAIRN_VERIFY_SHOW") != "", kinds: map[verifytest.Kind]tally{}}
			for n := range cases {
				m.count(t, cases, n)
			}
			m.report(t)
		})
	}
}

// measure counts what the verifier says of the material.
type measure struct {
	embedder llm.Embedder
	setting  setting
	seed     uint64
	show     bool
	faithful tally
	kinds    map[verifytest.Kind]tally
}

func (t tally) with(flagged bool) tally {
	t.all++
	if flagged {
		t.flagged++
	}
	return t
}

// count checks a case and three rounds of its mutations.
func (m *measure) count(t *testing.T, cases []verifytest.Case, n int) {
	c := cases[n]
	passages, cites := m.setting.passages(cases, n)
	v := verifier{evidence: readEvidence(t.Context(), passages, m.embedder), language: c.Lang}
	// Half of the cases were never looked at while the verifier was developed.
	show := m.show && n%2 == 0
	f := v.check(c.Sentence, cites)
	m.faithful = m.faithful.with(f.support != cairn.Supported)
	if show && f.support != cairn.Supported {
		t.Logf("faithful %s is %s (%s, %.2f): %s\n\t%s", c.ID, f.support, f.wrong, f.score, c.Sentence, strings.Join(c.Passages, "\n\t"))
	}
	rng := rand.New(rand.NewPCG(m.seed, uint64(n)))
	for range 3 {
		for _, mutant := range verifytest.Mutations(c, rng) {
			f := v.check(mutant.Sentence, cites)
			m.kinds[mutant.Kind] = m.kinds[mutant.Kind].with(f.support != cairn.Supported)
			if show && f.support == cairn.Supported {
				t.Logf("%s %s passes (%.2f): %s\n\t%s", mutant.Kind, c.ID, f.score, mutant.Sentence, strings.Join(c.Passages, "\n\t"))
			}
		}
	}
}

// report prints the figures and fails where they miss the targets.
func (m *measure) report(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%s, seed %d\n%-10s %5d sentences %6.1f %% flagged\n", m.setting.name, m.seed, "faithful", m.faithful.all, 100*m.faithful.share())
	if m.faithful.share() > .1 {
		t.Errorf("%.1f %% of the faithful paraphrases are flagged, at most 10 %% may be", 100*m.faithful.share())
	}
	for _, k := range verifytest.Kinds() {
		fmt.Fprintf(&table, "%-10s %5d sentences %6.1f %% flagged\n", k, m.kinds[k].all, 100*m.kinds[k].share())
		if m.kinds[k].all < 40 {
			t.Errorf("only %d mutations of %s", m.kinds[k].all, k)
		}
		if m.kinds[k].share() < .9 {
			t.Errorf("%.1f %% of the mutations of %s are flagged, want at least 90 %%", 100*m.kinds[k].share(), k)
		}
	}
	t.Log("\n" + table.String())
}
