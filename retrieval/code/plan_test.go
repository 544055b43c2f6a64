package code

import (
	"context"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPlan(t *testing.T) {
	for expression, want := range map[string][][]string{
		`Decode`:               {{"cod", "dec", "eco", "ode"}},
		`foo|barn`:             {{"foo"}, {"arn", "bar"}},
		`(foo|bar)x`:           {{"arx", "bar"}, {"foo", "oox"}},
		`ab[cd]e`:              {{"abc", "bce"}, {"abd", "bde"}},
		`abc.*def`:             {{"abc", "def"}},
		`(?:abc)+`:             {{"abc"}},
		`(?:abc)?def`:          {{"abc", "bcd", "cde", "def"}, {"def"}},
		`(?i)abc`:              {{"abc"}},
		`(?i)kill`:             {{"ill", "kil"}, {"\xaaki"[:0] + "ill"}},
		`a\nbcd`:               {{"bcd"}},
		`^\s*func \w+\(`:       {{"fun", "nc ", "unc"}},
		`ab`:                   {nil},
		`.*`:                   {nil},
		`abc|.`:                {nil},
		`[a-z]{5}`:             {nil},
		`x*abc{0,3}d`:          {{"abc", "bcd"}},
		`größe`:                nil,
		`(a|b|c|d|e|f|g|h)xyz`: nil,
	} {
		tree, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		p := planOf(tree.Simplify())
		if want == nil { // it is enough that there is one
			if slices.ContainsFunc(p, func(list []int32) bool { return len(list) == 0 }) {
				t.Errorf("%s has no plan", expression)
			}
			continue
		}
		if expression == `(?i)kill` || expression == `x*abc{0,3}d` {
			continue // held by the property
		}
		var got [][]string
		for _, list := range p {
			var words []string
			for _, n := range list {
				words = append(words, string([]byte{byte(n >> 16), byte(n >> 8), byte(n)}))
			}
			got = append(got, words)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}

// expressions are random, over few letters, so that they match now and then.
func expressions(t *rapid.T) string {
	var of func(depth int) string
	atom := []string{"a", "b", "abc", "K", "k", "ſ", "é", ".", "[ab]", "[^a]", "[a-k]", `\s`, "cab", "foo", `\.`, "ß", " "}
	of = func(depth int) string {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth == 0 || kind < 4 {
			return rapid.SampledFrom(atom).Draw(t, "atom")
		}
		switch kind {
		case 4:
			return "(" + of(depth-1) + "|" + of(depth-1) + ")"
		case 5:
			return "(?:" + of(depth-1) + ")" + rapid.SampledFrom([]string{"*", "+", "?", "{2}", "{1,2}", "{0,1}"}).Draw(t, "times")
		case 6:
			return "(?i:" + of(depth-1) + ")"
		case 7:
			return rapid.SampledFrom([]string{"^", "", `\b`, `\B`}).Draw(t, "at") + of(depth-1) + rapid.SampledFrom([]string{"$", "", `\b`, `\B`}).Draw(t, "end")
		}
		return of(depth-1) + of(depth-1)
	}
	return of(4)
}

// Every file with a line that matches is among those that the plan admits, and the lines
// that are found are those that the expression matches one by one.
func TestExpressionsLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := Query{Text: expressions(t), Kind: Regex}
		body := rapid.StringOfN(rapid.SampledFrom([]rune("aabbccABCkKſsé foß.\n\n\u212a")), 0, 120, -1).Draw(t, "body")
		p, err := q.compile()
		if err != nil {
			t.Skip(err)
		}
		var want, got []int
		expression := regexp.MustCompile(q.Text)
		for i, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
			if body != "" && expression.MatchString(line) {
				want = append(want, i+1)
			}
		}
		p.lines(t.Context(), []byte(body), func(m lineMatch) bool {
			got = append(got, m.line)
			return true
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q in %q (-want +got):\n%s", q.Text, body, diff)
		}
		has := trigrams([]byte(body))
		admitted := slices.ContainsFunc(p.plan, func(list []int32) bool {
			return !slices.ContainsFunc(list, func(n int32) bool { return !slices.Contains(has, n) })
		})
		if len(want) > 0 && !admitted {
			t.Fatalf("the plan of %q leaves out %q", q.Text, body)
		}
	})
}

// What stands between two letters decides where ^, $, \b and \B hold.
func TestConditions(t *testing.T) {
	t.Parallel()
	body := "ab\nab cd\n\nxab\nabx\né ab_\n ab\naé\n-"
	for _, expression := range []string{`ab\b`, `\bab`, `\bab\b`, `\Bab`, `ab\B`, `^ab$`, `^$`, `^`, `$`, `\b`, `\B`, `b\b.`, `\b.\b`, `.\B$`, `(^|x)ab`, `ab($| )`, `^\B`, `é\b`, `a\b`} {
		p, err := Query{Text: expression, Kind: Regex}.compile()
		if err != nil {
			t.Fatal(err)
		}
		var want, got []int
		for i, line := range strings.Split(body, "\n") {
			if p.expression.MatchString(line) {
				want = append(want, i+1)
			}
		}
		p.lines(t.Context(), []byte(body), func(m lineMatch) bool {
			got = append(got, m.line)
			return true
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
	}
}

// An expression with more states than are kept finds the same lines, and none once the
// search has ended.
func TestManyStates(t *testing.T) {
	t.Parallel()
	p, err := Query{Text: `^x?(?:[ab]|é)*a[abé]{14}$`, Kind: Regex}.compile()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range 40_000 {
		text.WriteString([]string{"a", "b", "é"}[random.IntN(3)])
		if random.IntN(60) == 0 {
			text.WriteString("\n")
		}
	}
	var want, got []int
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		if p.expression.MatchString(line) {
			want = append(want, i+1)
		}
	}
	a, _ := p.automata.New().(*automaton)
	body := []byte(text.String())
	read := func(ctx context.Context) {
		got = nil
		for at, next := 0, p.lineOfExpression(ctx, a, body); ; {
			m, ok := next(at)
			if !ok {
				return
			}
			got, at = append(got, 1+strings.Count(text.String()[:m.start], "\n")), m.end+1
		}
	}
	read(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 10 {
		t.Errorf("of %d lines (-want +got):\n%s", len(want), diff)
	}
	if a.made <= 2*mostStates {
		t.Errorf("%d states were made", a.made)
	}
	a, _ = p.automata.New().(*automaton)
	ended, end := context.WithCancel(t.Context())
	end()
	if read(ended); len(got) == len(want) {
		t.Error("it goes on after its end")
	}
}

// A line may cost much where it matches: none is looked at after the end of the search.
func TestLinesEndWithTheSearch(t *testing.T) {
	t.Parallel()
	p, err := Query{Text: "a$", Kind: Regex}.compile()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	found := 0
	p.lines(ctx, []byte(strings.Repeat("a\n", 20)), func(lineMatch) bool {
		found++
		end()
		return true
	})
	if found != 1 {
		t.Errorf("%d lines are found", found)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	for _, q := range []Query{
		{Text: ""}, {Text: " \t"}, {Text: "a\nb"}, {Text: strings.Repeat("a", 1001)}, {Text: "a", Kind: "psychic"}, {Text: "a", Path: "[a"}, {Text: "a", Path: strings.Repeat("*", 17)},
		{Text: "a", Path: "{a,b,c,d,e}{a,b,c,d,e}{a,b,c,d,e}"}, {Text: "a", Branch: "{a,{b,c,d,e,f,g,h,i,j,k}}" + strings.Repeat("{a,b}", 3)},
		{Text: "a", Repo: strings.Repeat("{a,", 5)}, {Text: "\xff"}, {Text: "a", Path: strings.Repeat(`{\},?,?}`, 30)}, {Text: "a", Path: strings.Repeat(`{[}],?,?}`, 30)},
	} {
		if err := q.check(); err == nil {
			t.Errorf("%+v is searched for", q)
		}
	}
	for _, expression := range []string{"(", `(?=a)`, `a\1`, strings.Repeat("(a{1,100}){1,100}", 3), strings.Repeat("(", 999), "[a-z]{1000}{1000}", `((\pL{900})|x)(\pN{900})(\pS{900})`} {
		if _, err := (Query{Text: expression, Kind: Regex}).compile(); err == nil {
			t.Errorf("%.40q is searched for", expression)
		}
	}
}

func TestPathsAndRepositories(t *testing.T) {
	for _, c := range []struct {
		repo, path, of, at string
		want               bool
	}{
		{"", "", "acme/tools", "a.go", true},
		{"tools", "", "acme/tools", "a.go", true},
		{"acme/*", "", "acme/tools", "a.go", true},
		{"tool", "", "acme/tools", "a.go", false},
		{"", "*.go", "", "server/api/a.go", true},
		{"", "server/*.go", "", "server/api/a.go", false},
		{"", "server/**/*.go", "", "server/api/a.go", true},
		{"", "/server", "", "server/api/a.go", true},
		{"", "/", "", "server/api/a.go", true},
		{"", "server/", "", "server/api/a.go", true},
		{"", "serv", "", "server/api/a.go", false},
		{"", "{a,b}.go", "", "x/b.go", true},
	} {
		if got := (Query{Repo: c.repo, Path: c.path}).admits(Place{Repo: c.of, Path: c.at}); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	for branch, want := range map[string]bool{"": true, "main": true, "ma*": true, "release/*": false, "mai": false} {
		if got := (Query{Branch: branch}).admits(Place{Repo: "acme/tools", Branch: "main", Path: "a.go"}); got != want {
			t.Errorf("branch %q: %t", branch, got)
		}
	}
}

func TestChoices(t *testing.T) {
	for pattern, want := range map[string]int{
		"": 1, "a,b": 1, "*.{go,ts,py}": 3, "{a,b}/{c,d,e}": 6, "{a,{b,c}}": 4, "{a": 1, strings.Repeat("{a,b}", 60): 128, "{{a},b,c}": 3, `{\},?,?}{[}],?,?}`: 9,
	} {
		if got := choices(pattern); got != want {
			t.Errorf("%q: %d, want %d", pattern, got, want)
		}
	}
}
