package langchain

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// FuzzStream feeds anything to the readers of replies: they must end, must not
// let a line through that the library cannot read, and must note a failure
// unless the reply told a stop reason.
func FuzzStream(f *testing.F) {
	f.Add(true, []byte(`data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n"))
	f.Add(true, []byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"length"}],"usage":{"prompt_tokens":1}}`))
	f.Add(true, []byte(`error: {"message":"x"}`))
	f.Add(false, []byte(`data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}`+"\r\n"+`data: {"type":"message_stop"}`))
	f.Add(false, []byte(`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}`))
	f.Fuzz(func(t *testing.T, openAI bool, input []byte) {
		decode := newAnthropicDecoder
		if openAI {
			decode = newOpenAIDecoder
		}
		x := &exchange{}
		s := newStream(x, io.NopCloser(iotest.OneByteReader(bytes.NewReader(input))), decode)
		out, err := io.ReadAll(s)
		for line := range strings.Lines(string(out)) {
			if len(line) > 64<<10 || !strings.HasPrefix(line, "data: ") && line != "\n" {
				t.Fatalf("the library cannot read a line of %d bytes: %.80q", len(line), line)
			}
		}
		failed := x.outcome(t.Context(), err)
		if !s.decoder.complete() && failed == nil {
			t.Fatalf("no failure although no stop reason came: %q", input)
		}
		if failed != nil && failed.Kind == "" {
			t.Fatalf("a failure without a kind: %v", failed)
		}
	})
}

func TestScrub(t *testing.T) {
	x := &exchange{key: "sk-live-1", texts: []string{"The merger with Nordwind closes on 3 March."}}
	for message, want := range map[string]string{
		"":                       "",
		"model overloaded":       "model overloaded",
		"key sk-live-1 is wrong": "key [key] is wrong",
		"got 'merger with Nordwind closes' as input": "(a message that repeats the request)",
		"got 'merger with\n Nordwind closes'":        "(a message that repeats the request)",
	} {
		if got := x.scrub(message); got != want {
			t.Errorf("scrub(%q) = %q, want %q", message, got, want)
		}
	}
}

var _ llm.LLM = (*model)(nil)
