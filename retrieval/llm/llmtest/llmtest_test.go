package llmtest_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

func TestScript(t *testing.T) {
	llmtest.TestLLM(t, func(_ *testing.T, replies ...llmtest.Reply) (llm.LLM, func() []llm.Request) {
		s := llmtest.NewScript(replies...)
		return s, s.Requests
	})
}

func TestWords(t *testing.T) {
	llmtest.TestEmbedder(t, llmtest.NewWords(256))
}

func TestScriptCountsOpenCalls(t *testing.T) {
	s := llmtest.NewScript(llmtest.Text("one two"))
	for range s.Generate(t.Context(), llmtest.Question("?")) {
		if s.Open() != 1 {
			t.Errorf("%d calls are open during one", s.Open())
		}
	}
	if s.Open() != 0 {
		t.Errorf("%d calls are open after it", s.Open())
	}
}

func TestCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		at := rapid.SliceOf(rapid.IntRange(0, len(text))).Draw(t, "at")
		slices.Sort(at)
		s := llmtest.NewScript(llmtest.Reply{Pieces: llmtest.Cuts(text, at...)})
		if got := llmtest.Collect(t.Context(), s, llmtest.Question("?")); got.Text != text || got.Stop != llm.StopEnd {
			t.Fatalf("got %+v, want the text %q", got, text)
		}
	})
}
