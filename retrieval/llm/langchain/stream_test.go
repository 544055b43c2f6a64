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

// TestProblemsQuoteNothing reads what providers say of errors: what programs call them is
// told, and no word of a message.
func TestProblemsQuoteNothing(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"message":"no such word: merger","type":"invalid_request_error","code":"model_not_found"}}`: "model_not_found",
		`{"error":{"message":"merger","type":"overloaded_error"}}`:                                             "overloaded_error",
		`{"error":{"message":"merger","code":"merger with Nordwind","type":"server_error"}}`:                   "server_error",
		`{"error":{"message":"merger","code":429}}`:                                                            "",
		`{"error":{"code":"` + strings.Repeat("x", 41) + `"}}`:                                                 "",
		`{"error":"merger"}`:   "",
		`{"message":"merger"}`: "",
		`<html>merger`:         "",
	} {
		if got := readProblem([]byte(body)).name(); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

var _ llm.LLM = (*model)(nil)
