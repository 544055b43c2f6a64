package eval

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
)

// Gate is what a mode must reach on a set.
type Gate struct {
	Set     string // folder, relative to that of the table
	Mode    cairn.Mode
	Minimum float64 // of nDCG@10, 0..1
}

// hybridLoss is how far hybrid search may stay below its better leg, in nDCG@10.
const hybridLoss = .015

// LoadGates reads a table of gates: set, mode and least nDCG@10, separated by
// white space, after a line of headings; lines that begin with # are comments.
func LoadGates(path string) ([]Gate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "a table of gates: %v", err)
	}
	defer f.Close()
	var gates []Gate
	lines := bufio.NewScanner(f)
	headings := true
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if headings {
			headings = false
			continue
		}
		g, err := parseGate(fields)
		if err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "%s, line %d: %v", path, n, err)
		}
		gates = append(gates, g)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(gates) == 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s holds no gates", path)
	}
	return gates, nil
}

func parseGate(fields []string) (Gate, error) {
	if len(fields) != 3 {
		return Gate{}, fmt.Errorf("it has %d fields; write set, mode and least nDCG@10", len(fields))
	}
	g := Gate{Set: fields[0], Mode: cairn.Mode(fields[1])}
	if !slices.Contains(Modes(), g.Mode) {
		return Gate{}, fmt.Errorf("%q is no mode; it can be lexical, dense, hybrid", g.Mode)
	}
	var err error
	if g.Minimum, err = strconv.ParseFloat(fields[2], 64); err != nil || !(g.Minimum >= 0 && g.Minimum <= 1) {
		return Gate{}, fmt.Errorf("%q is no nDCG@10 from 0 to 1", fields[2])
	}
	return g, nil
}

// Modes returns the modes of a search, both legs before hybrid.
func Modes() []cairn.Mode { return []cairn.Mode{cairn.ModeLexical, cairn.ModeDense, cairn.ModeHybrid} }

// Check says in a sentence each what of one set is under its gates. runs hold
// every mode, with the whole set.
func Check(set string, gates []Gate, runs map[cairn.Mode]Run) ([]string, error) {
	var problems []string
	for _, g := range gates {
		if got := runs[g.Mode].Report.NDCG10; g.Set == set && got < g.Minimum {
			problems = append(problems, fmt.Sprintf("%s %s: nDCG@10 is %.4f, at least %.4f is demanded", set, g.Mode, got, g.Minimum))
		}
	}
	c, err := HybridAgainstLeg(runs)
	if err != nil {
		return nil, err
	}
	d := c.NDCG10()
	if c.SignificantlyWorse() {
		problems = append(problems, fmt.Sprintf("%s hybrid: significantly below %s: %+.4f, p %.4f", set, c.A.Mode, d.Mean, d.P))
	}
	if d.Mean < -hybridLoss {
		problems = append(problems, fmt.Sprintf("%s hybrid: %.4f below %s, at most %.4f is allowed", set, -d.Mean, c.A.Mode, hybridLoss))
	}
	return problems, nil
}

// HybridAgainstLeg sets the hybrid run against its better leg by nDCG@10.
func HybridAgainstLeg(runs map[cairn.Mode]Run) (Comparison, error) {
	leg := runs[cairn.ModeLexical]
	if dense := runs[cairn.ModeDense]; dense.Report.NDCG10 > leg.Report.NDCG10 {
		leg = dense
	}
	return Compare(leg, runs[cairn.ModeHybrid], string(leg.Mode), string(cairn.ModeHybrid))
}
