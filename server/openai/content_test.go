package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

// made returns what a content gives of events.
func made(t interface{ Fatal(...any) }, c *content, all []answer.Event) (text string, annotations []annotation) {
	c.give = func(more string, a []annotation) error {
		text += more
		annotations = append(annotations, a...)
		return nil
	}
	for _, e := range all {
		if err := c.event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.release(true); err != nil {
		t.Fatal(err)
	}
	return text, annotations
}

func TestContent(t *testing.T) {
	const one = " ([Travel 1](https://wiki.acme.test/1))"
	for name, test := range map[string]struct {
		pieces []string
		want   string
	}{
		"sentences":            {[]string{"One.", " Two."}, "One." + one + " Two." + one},
		"nothing found":        {[]string{"-I found nothing."}, "I found nothing."},
		"an unsupported one":   {[]string{"One.", "! Two.", " Three."}, "One." + one + " Three." + one},
		"the first of them":    {[]string{"!One.", "\n\n Two."}, "Two." + one},
		"a list":               {[]string{"-Rates:", "\n- a", "\n- b"}, "Rates:\n- a" + one + "\n- b" + one},
		"a table":              {[]string{"| a | b |", "-\n|---|---|", "\n| c | d |"}, "| a | b" + one + " |\n|---|---|\n| c | d" + one + " |"},
		"code":                 {[]string{"-Run this:", "\n\n```sh\nmake\n```", "\n\nThen wait."}, "Run this:\n\n```sh\nmake\n```\n\n([Travel 1](https://wiki.acme.test/1))\n\nThen wait." + one},
		"a second attempt":     {[]string{"One.", " Two.", "reset", "Three."}, "One." + one + "\n\nThree." + one}, // One. is with the reader
		"only a first attempt": {[]string{"!One.", "reset", "Two."}, "Two." + one},
	} {
		all := []answer.Event{}
		for _, part := range strings.Split(strings.Join(test.pieces, "\x00"), "\x00reset\x00") {
			if len(all) > 0 {
				all = append(all, answer.Event{Type: answer.EventReset})
			}
			all = append(all, events(strings.Split(part, "\x00")...)...)
		}
		text, annotations := made(t, &content{inline: true}, all)
		if text != test.want {
			t.Errorf("%s: %q, want %q", name, text, test.want)
		}
		for _, a := range annotations {
			if got := string([]rune(text)[a.Citation.Start:a.Citation.End]); got != one[1:] {
				t.Errorf("%s: an annotation is of %q", name, got)
			}
			sentence := string([]rune(text)[a.Cairn.SentenceStart:a.Cairn.SentenceEnd])
			if strings.HasPrefix(sentence, "|") != strings.HasSuffix(sentence, "|") || strings.HasSuffix(sentence, " ") || strings.Contains(sentence, "(") && !strings.HasPrefix(sentence, "|") {
				t.Errorf("%s: a sentence is %q", name, sentence)
			}
		}
		// Without links, annotations are of the sentence.
		text, annotations = made(t, &content{}, all)
		for _, a := range annotations {
			if got := string([]rune(text)[a.Citation.Start:a.Citation.End]); got == "" || strings.HasPrefix(got, " ") || a.Citation.Start != a.Cairn.SentenceStart {
				t.Errorf("%s: an annotation is of %q in %q", name, got, text)
			}
		}
		if want := strings.NewReplacer(one, "", "\n\n"+one[1:], "").Replace(test.want); text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
}

// Pauses between events make no difference, but for links in rows and below code, which
// cannot follow them.
func TestPauses(t *testing.T) {
	for _, pieces := range [][]string{{"++Zürich.", " Two."}, {"++Zürich.", "\n\n++Two.", "!Three."}, {"-Rates:", "\n- a", "\n- b"}} {
		whole, annotations := made(t, &content{inline: true}, events(pieces...))
		c := &content{inline: true}
		var text string
		var paused []annotation
		c.give = func(more string, a []annotation) error {
			text += more
			paused = append(paused, a...)
			return nil
		}
		for _, e := range events(pieces...) {
			if err := errors.Join(c.event(e), c.idle()); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.release(true); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(annotations, paused); text != whole || diff != "" {
			t.Errorf("%q, want %q: %s", text, whole, diff)
		}
	}
	c := &content{inline: true}
	var last []annotation
	c.give = func(_ string, a []annotation) error { last = append(last, a...); return nil }
	for _, e := range events("++| a |") {
		if err := errors.Join(c.event(e), c.idle()); err != nil {
			t.Fatal(err)
		}
	}
	if len(last) != 2 || last[1].Citation.Start != last[1].Cairn.SentenceStart || last[1].Citation.Title != "Travel 2" {
		t.Errorf("%+v", last)
	}
}

// What is borne out in part is marked.
func TestInPart(t *testing.T) {
	all := events("One.")
	all[2].Sentence.Support = cairn.Partial
	text, annotations := made(t, &content{inline: true}, all)
	if text != "One. [~] ([Travel 1](https://wiki.acme.test/1))" || annotations[0].Citation.Start != 9 {
		t.Errorf("%q %+v", text, annotations)
	}
	if rest := ownLinks.ReplaceAllString(text, ""); rest != "One." {
		t.Errorf("of an earlier answer is left %q", rest)
	}
	if text, _ := made(t, &content{}, all); text != "One." {
		t.Errorf("%q", text)
	}
}

// However an answer is cut into pieces, it ends before the stop text that is complete first,
// and not a character sooner.
func TestStops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringMatching(`[ab][abé ]{0,4}`), 1, 8).Draw(t, "pieces")
		stops := rapid.SliceOfN(rapid.StringMatching(`[abé ]{1,4}`), 0, 3).Draw(t, "stops")
		// As with a model that writes byte by byte: what is complete first ends it.
		whole := strings.Join(pieces, "")
		first := len(whole)
		for n := 0; n <= len(whole) && first == len(whole); n++ {
			for _, s := range stops {
				if strings.HasSuffix(whole[:n], s) {
					first = min(first, n-len(s))
				}
			}
		}
		c := &content{stops: stops}
		text, annotations := made(t, c, events(pieces...))
		if text != whole[:first] {
			t.Fatalf("%q, want %q", text, whole[:first])
		}
		if (c.truncated == finishStop) != (first < len(whole) || anyIn(whole, stops)) {
			t.Fatalf("%q ends with %q", text, c.truncated)
		}
		for _, a := range annotations {
			if a.Citation.End > len([]rune(text)) || a.Citation.Start >= a.Citation.End {
				t.Fatalf("%+v in %q", a.Citation, text)
			}
		}
	})
}

func anyIn(text string, stops []string) bool {
	for _, s := range stops {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// A title cannot make more of its link, whatever it holds, and neither can an address.
func TestLinks(t *testing.T) {
	for _, test := range []struct{ title, address, want, url string }{
		{"Travel", "https://a.test/x?q=1#p", `([Travel](https://a.test/x?q=1#p))`, "https://a.test/x?q=1#p"},
		{"a](https://evil.test) ![x", "https://a.test/(b)", `([a\]\(https://evil.test\) \!\[x](https://a.test/%28b%29))`, "https://a.test/(b)"},
		{"Zeile\none\u202e\u200b\U000e0041", "javascript:alert(1)", `([Zeile one](https://cairn.test/d/D))`, "https://cairn.test/d/D"},
		{"", "/relative", `([document](https://cairn.test/d/D))`, "https://cairn.test/d/D"},
		{"<b> & `c` | *d*", "file:///etc/passwd", "([\\<b\\> \\& \\`c\\` \\| \\*d\\*](https://cairn.test/d/D))", "https://cairn.test/d/D"},
		{strings.Repeat("é", 90), "http://a.test", "([" + strings.Repeat("é", 79) + "…](http://a.test))", "http://a.test"},
	} {
		c := cairn.Citation{Document: "D", Title: test.title, URL: test.address}
		if got := addressOf(c, "https://cairn.test"); got != test.url {
			t.Errorf("%q: %s, want %s", test.address, got, test.url)
		}
		if got := markdownLink(titleOf(c), addressOf(c, "https://cairn.test")); got != test.want {
			t.Errorf("%q: %s, want %s", test.title, got, test.want)
		}
		if rest := ownLinks.ReplaceAllString("Yes. "+test.want+" No.", ""); rest != "Yes. No." {
			t.Errorf("%q: of an earlier answer is left %q", test.title, rest)
		}
	}
}
