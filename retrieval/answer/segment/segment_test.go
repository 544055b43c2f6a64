package segment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/retrieval/answer/segment"
)

// texts returns the pieces of a text as strings.
func texts(text, language string) []string {
	var out []string
	for _, p := range segment.All(text, language) {
		out = append(out, text[p.Start:p.End])
	}
	return out
}

func TestAllCutsSentences(t *testing.T) {
	for _, tt := range []struct {
		name, language, text string
		want                 []string
	}{
		{"two", "en", "Leave is 30 days. Ask early.", []string{"Leave is 30 days.", "Ask early."}},
		{"decimal", "en", "It costs 1.5 million. Half of 3.0 is 1.5.", []string{"It costs 1.5 million.", "Half of 3.0 is 1.5."}},
		{"abbreviations", "en", "Ask Dr. Smith, e.g. by mail. See Fig. 3 and No. 7. The answer is no. Go on.",
			[]string{"Ask Dr. Smith, e.g. by mail.", "See Fig. 3 and No. 7.", "The answer is no.", "Go on."}},
		{"initials", "en", "J. R. Smith signs. Then you sign.", []string{"J. R. Smith signs.", "Then you sign."}},
		{"German date", "de", "Der Vertrag endet am 3. März 2026. Danach gilt der neue.",
			[]string{"Der Vertrag endet am 3. März 2026.", "Danach gilt der neue."}},
		{"German ordinal", "de", "Im 2. Quartal gilt z. B. Folgendes. Das 1. Treffen war kurz.",
			[]string{"Im 2. Quartal gilt z. B. Folgendes.", "Das 1. Treffen war kurz."}},
		{"date without language", "", "It ended on 3. März. Then it rained.", []string{"It ended on 3. März.", "Then it rained."}},
		{"address", "en", "Open https://a.example/x.y?z=1. Then sign in at b.example.", []string{"Open https://a.example/x.y?z=1.", "Then sign in at b.example."}},
		{"Chinese", "zh", "假期为三十天。请提前申请！好吗？", []string{"假期为三十天。", "请提前申请！", "好吗？"}},
		{"Japanese quotation", "ja", "「はい。」次へ。", []string{"「はい。」", "次へ。"}},
		{"quotation", "en", `She said "stop." Then she left.`, []string{`She said "stop."`, "Then she left."}},
		{"question in a sentence", "en", `"Really?" she asked. Yes!`, []string{`"Really?" she asked.`, "Yes!"}},
		{"marks after the stop", "en", "It is 5. [1] [2, 3] It was 4 [1]. Good.", []string{"It is 5. [1] [2, 3]", "It was 4 [1].", "Good."}},
		{"marks in Chinese", "zh", "三十天。【1】请申请【2†来源】。", []string{"三十天。【1】", "请申请【2†来源】。"}},
		{"list", "en", "Steps:\n1. Stop it. Wait.\n2. Start it\n- a\n  - b", []string{"Steps:", "1. Stop it.", "Wait.", "2. Start it", "- a", "- b"}},
		{"date is no item", "de", "3. März 2026 ist Stichtag.", []string{"3. März 2026 ist Stichtag."}},
		{"heading and table", "en", "## Fees. All\n| A | B |\n|---|---|\n| 1. x | 2 |\nDone.",
			[]string{"## Fees. All", "| A | B |", "|---|---|", "| 1. x | 2 |", "Done."}},
		{"code block", "en", "Run:\n```sh\nmake. Now\n\nls\n```\nThen stop.", []string{"Run:", "```sh\nmake. Now\n\nls\n```", "Then stop."}},
		{"open code block", "en", "```\nx. Y", []string{"```\nx. Y"}},
		{"code span", "en", "Call `a. B` first. Then go.", []string{"Call `a. B` first.", "Then go."}},
		{"wrapped", "en", "The quarterly review of the access list is done by the owner\nSmith and takes about one hour when nothing else is pending\nIt ends.",
			[]string{"The quarterly review of the access list is done by the owner\nSmith and takes about one hour when nothing else is pending\nIt ends."}},
		{"heading above wrapped text", "en", "WORKAROUND\nReturn to 3.1.4 in the console under devices and firmware. The logger\nMUST be online.",
			[]string{"WORKAROUND", "Return to 3.1.4 in the console under devices and firmware.", "The logger\nMUST be online."}},
		{"lines", "en", "Owner: Ann\nRoom: 4", []string{"Owner: Ann", "Room: 4"}},
		{"continued line", "en", "The owner is\nalways asked.", []string{"The owner is\nalways asked."}},
		{"paragraphs", "en", "no stop\n\nnor here", []string{"no stop", "nor here"}},
		{"ellipsis", "en", "Wait... then go. So… Go.", []string{"Wait... then go.", "So…", "Go."}},
		{"quotation block", "en", "> Quoted. Twice.\n\n---\n\nEnd", []string{"> Quoted.", "Twice.", "---", "End"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, texts(tt.text, tt.language)); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindsAndBodies(t *testing.T) {
	text := "# Top\n  * [x] item\n12) next\n| a |\n| - |\n```\nc\n```\nend"
	type piece struct {
		Kind   segment.Kind
		Body   string
		Indent int
	}
	var got []piece
	for _, p := range segment.All(text, "en") {
		got = append(got, piece{p.Kind, text[p.Body:p.End], p.Indent})
	}
	want := []piece{
		{segment.Heading, "Top", 0}, {segment.Item, "[x] item", 2}, {segment.Item, "next", 0},
		{segment.Row, "| a |", 0}, {segment.Rule, "| - |", 0}, {segment.Code, "```\nc\n```", 0}, {segment.Text, "end", 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
}

func TestMarkAt(t *testing.T) {
	for mark, want := range map[string][]int{
		"[1]": {1}, "[1, 2]": {1, 2}, "[1-3]": {1, 2, 3}, "[2–3]": {2, 3}, "[^1]": {1}, "[^1, ^2]": {1, 2}, "【1】": {1}, "【4†source】": {4},
		"[4†L1-L9]": {4}, "[Passage 2]": {2}, "[1; 3]": {1, 3}, "[1, p. 4]": {1}, "[#3]": {3},
		"[x]": nil, "[]": nil, "[1a]": nil, "[a 1]": nil, "[3-1]": nil, "[1-999]": nil, "[12345]": nil, "(1)": nil, "[1, two]": nil,
	} {
		got, end, is, known := segment.MarkAt(mark+" rest", 0, true)
		if !known || is != (want != nil) || (is && end != len(mark)) || !cmp.Equal(got, want) {
			t.Errorf("MarkAt(%q) = %v, end %d, is %v, known %v; want %v", mark, got, end, is, known, want)
		}
	}
	if _, _, _, known := segment.MarkAt("[1", 0, false); known {
		t.Error("an open bracket is decided before it closes")
	}
}

// pieceTexts is made of what decides on pieces, so that random texts reach the
// rules.
func pieceTexts() *rapid.Generator[string] {
	part := rapid.SampledFrom([]string{"a", "B", "Dr", "e.g", "no", "3", "12", "März", ".", "!", "…", "。", "\"", ")", " ", "  ", "\n", "\n\n", "\n- ",
		"\n1. ", "\n## ", "\n| ", "|", "\n---", "\n> ", "```", "\n```\n", "`", "[1]", "[1", "]", "[x]", "【1】", "-", "*", "é", "中", strings.Repeat("long ", 90)})
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(part, 0, 40).Draw(t, "parts"), "") })
}

func TestNextIsTrueWhateverFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := pieceTexts().Draw(t, "text")
		o := segment.Options{LineStart: true, Language: rapid.SampledFrom([]string{"en", "de"}).Draw(t, "language")}
		whole := o
		whole.Final = true
		want, _ := segment.Next(text, whole)
		for i := range text {
			if got, ok := segment.Next(text[:i], o); ok && got != want {
				t.Fatalf("after %q: %+v, in the end: %+v", text[:i], got, want)
			}
		}
	})
}

func TestAllCoversTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := pieceTexts().Draw(t, "text")
		at := 0
		for _, p := range segment.All(text, "en") {
			if p.Start < at || p.Body < p.Start || p.End < p.Body || p.End == p.Start {
				t.Fatalf("piece %+v after %d of %q", p, at, text)
			}
			if strings.TrimSpace(text[at:p.Start]) != "" {
				t.Fatalf("%q is in no piece", text[at:p.Start])
			}
			at = p.End
		}
		if strings.TrimSpace(text[at:]) != "" {
			t.Fatalf("%q is in no piece", text[at:])
		}
	})
}
