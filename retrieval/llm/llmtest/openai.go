package llmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// OpenAI starts an endpoint with OpenAI's POST /v1/chat/completions and
// POST /v1/embeddings, written after the published API reference. Replies come
// from respond, nil says nothing. Embeddings are those of Words with 64
// coordinates, sent in reverse order with their index, as the format allows; a
// Truncated reply lacks the last of them.
func OpenAI(t testing.TB, respond func(Call) Reply) *Endpoint {
	return serve(t, respond, map[string]func(*exchange){
		"POST /v1/chat/completions": (*exchange).openAIChat,
		"POST /v1/embeddings":       (*exchange).openAIEmbeddings,
	})
}

type openAIRequest struct {
	Model         string          `json:"model"`
	Messages      []openAIMessage `json:"messages"`
	Stream        bool            `json:"stream"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Temperature         *float64 `json:"temperature"`
	TopP                *float64 `json:"top_p"`
	MaxTokens           int      `json:"max_tokens"`
	MaxCompletionTokens int      `json:"max_completion_tokens"`
	Stop                []string `json:"stop"`
	Seed                *int     `json:"seed"`
}

type openAIMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// openAIError is the shape of all errors of the API, in replies and streams.
func openAIError(kind, code, message string) map[string]any {
	return map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": code}}
}

// reject answers a malformed request and fails the test.
func (x *exchange) openAIReject(err error) {
	x.e.t.Errorf("%s %s: %v", x.r.Method, x.r.URL.Path, err)
	x.json(http.StatusBadRequest, openAIError("invalid_request_error", "invalid_value", err.Error()))
}

// authorized answers 401 unless the request carries the key.
func (x *exchange) openAIAuthorized() bool {
	if x.r.Header.Get("Authorization") == "Bearer "+Key {
		return true
	}
	x.json(http.StatusUnauthorized, openAIError("invalid_request_error", "invalid_api_key",
		"Incorrect API key provided: "+strings.TrimPrefix(x.r.Header.Get("Authorization"), "Bearer ")+"."))
	return false
}

func (x *exchange) openAIChat() {
	if !x.openAIAuthorized() {
		return
	}
	var req openAIRequest
	body, err := io.ReadAll(x.r.Body)
	if err == nil {
		err = x.decode(body, &req)
	}
	if err == nil {
		err = req.check()
	}
	if err != nil {
		x.openAIReject(err)
		return
	}
	call := Call{Path: x.r.URL.Path, Model: req.Model, Request: req.request(), Header: x.r.Header.Clone(), Body: body}
	reply := x.e.answer(call)
	usage := openAIUsage(reply.usage(call.Request))
	switch {
	case x.openAIFault(reply):
	case !req.Stream || reply.Whole:
		x.openAIWhole(req, reply, usage)
	default:
		x.openAIStream(req, reply, usage)
	}
}

func (r openAIRequest) check() error {
	switch {
	case r.Model == "":
		return fmt.Errorf("model is missing")
	case len(r.Messages) == 0:
		return fmt.Errorf("messages are missing")
	case r.MaxTokens != 0 && r.MaxCompletionTokens != 0:
		return fmt.Errorf("max_tokens and max_completion_tokens exclude each other")
	case r.Stream && (r.StreamOptions == nil || !r.StreamOptions.IncludeUsage):
		return fmt.Errorf("a stream without stream_options.include_usage has no usage")
	case !r.Stream && r.StreamOptions != nil:
		return fmt.Errorf("stream_options go with stream only")
	}
	for i, m := range r.Messages {
		switch {
		case m.Role != "system" && m.Role != "user" && m.Role != "assistant":
			return fmt.Errorf("message %d has the role %q", i, m.Role)
		case m.Role == "system" && i > 0:
			return fmt.Errorf("message %d: the system prompt is not the first message", i)
		case m.Content == "":
			return fmt.Errorf("message %d is empty", i)
		}
	}
	return nil
}

func (r openAIRequest) request() llm.Request {
	req := llm.Request{MaxTokens: r.MaxTokens + r.MaxCompletionTokens}
	for _, m := range r.Messages {
		if m.Role == "system" {
			req.System = m.Content
			continue
		}
		req.Messages = append(req.Messages, llm.Message{Assistant: m.Role == "assistant", Text: m.Content})
	}
	return req
}

// openAIFault answers with the faults that come instead of a stream.
func (x *exchange) openAIFault(r Reply) bool {
	if r.RetryAfter != "" {
		x.w.Header().Set("Retry-After", r.RetryAfter)
	}
	switch r.Fault {
	case RateLimited:
		x.json(http.StatusTooManyRequests, openAIError("requests", "rate_limit_exceeded", "Rate limit reached for requests"))
	case Failed:
		x.json(http.StatusInternalServerError, openAIError("server_error", "", "The server had an error while processing your request. Sorry about that!"))
	case Overloaded:
		x.json(http.StatusServiceUnavailable, openAIError("server_error", "", "The engine is currently overloaded, please try again later"))
	case Refused:
		x.json(http.StatusUnauthorized, openAIError("invalid_request_error", "invalid_api_key", "Incorrect API key provided: "+Key+"."))
	default:
		return false
	}
	return true
}

func openAIStop(s llm.StopReason) string {
	switch s {
	case llm.StopLength:
		return "length"
	case llm.StopFilter:
		return "content_filter"
	}
	return "stop"
}

func openAIUsage(u cairn.Usage) map[string]any {
	return map[string]any{
		"prompt_tokens": u.InputTokens, "completion_tokens": u.OutputTokens, "total_tokens": u.InputTokens + u.OutputTokens,
		"prompt_tokens_details":     map[string]any{"cached_tokens": u.CachedTokens, "audio_tokens": 0},
		"completion_tokens_details": map[string]any{"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
	}
}

func (x *exchange) openAIWhole(req openAIRequest, r Reply, usage map[string]any) {
	if !x.pause(r.First) {
		return
	}
	x.json(http.StatusOK, map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": req.Model, "service_tier": "default",
		"choices": []any{map[string]any{
			"index": 0, "logprobs": nil, "finish_reason": openAIStop(r.stop()),
			"message": map[string]any{"role": "assistant", "content": strings.Join(r.Pieces, ""), "refusal": nil, "annotations": []any{}},
		}},
		"usage": usage,
	})
}

func (x *exchange) openAIStream(req openAIRequest, r Reply, usage map[string]any) {
	chunk := func(delta map[string]any, finish any) map[string]any {
		return map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": req.Model,
			"service_tier": "default", "system_fingerprint": "fp_1", "usage": nil, "obfuscation": "x",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}},
		}
	}
	x.event("", chunk(map[string]any{"role": "assistant", "content": "", "refusal": nil}, nil))
	for _, p := range r.Thinking {
		x.event("", chunk(map[string]any{"reasoning_content": p}, nil))
	}
	for i, p := range r.Pieces {
		if !x.pause(r.pause(i)) {
			return
		}
		r.hold(i)
		x.write(": keep-alive\n\n")
		x.event("", chunk(map[string]any{"content": p}, nil))
	}
	if len(r.Pieces) == 0 && !x.pause(r.First) {
		return
	}
	switch r.Fault {
	case Cut:
		x.cut()
	case Stall:
		x.stall()
	case ErrorEvent:
		x.event("", openAIError("server_error", "", "The server had an error while processing your request"))
		x.event("", "[DONE]")
	case None:
		x.event("", chunk(map[string]any{}, openAIStop(r.stop())))
		last := chunk(nil, nil)
		last["choices"], last["usage"] = []any{}, usage
		x.event("", last)
		x.event("", "[DONE]")
	}
}

type openAIEmbeddingsRequest struct {
	Model          string   `json:"model"`
	Input          []string `json:"input"`
	Dimensions     int      `json:"dimensions"`
	EncodingFormat string   `json:"encoding_format"`
}

func (x *exchange) openAIEmbeddings() {
	if !x.openAIAuthorized() {
		return
	}
	var req openAIEmbeddingsRequest
	body, err := io.ReadAll(x.r.Body)
	if err == nil {
		err = x.decode(body, &req)
	}
	if err == nil {
		err = req.check()
	}
	if err != nil {
		x.openAIReject(err)
		return
	}
	reply := x.e.answer(Call{Path: x.r.URL.Path, Model: req.Model, Inputs: req.Input, Header: x.r.Header.Clone(), Body: body})
	if x.openAIFault(reply) || !x.pause(reply.First) {
		return
	}
	switch reply.Fault {
	case Cut:
		x.cut()
	case Stall:
		x.stall()
		return
	}
	x.json(http.StatusOK, openAIVectors(req, reply.Fault == Truncated))
}

func (r openAIEmbeddingsRequest) check() error {
	switch {
	case r.Model == "":
		return fmt.Errorf("model is missing")
	case len(r.Input) == 0 || len(r.Input) > 2048:
		return fmt.Errorf("%d inputs; 1 to 2048 are allowed", len(r.Input))
	case r.EncodingFormat != "" && r.EncodingFormat != "float":
		return fmt.Errorf("encoding_format is %q", r.EncodingFormat)
	}
	for i, text := range r.Input {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("input %d is empty", i)
		}
	}
	return nil
}

func openAIVectors(r openAIEmbeddingsRequest, lacking bool) map[string]any {
	dim := 64
	if r.Dimensions > 0 {
		dim = r.Dimensions
	}
	n := len(r.Input)
	if lacking {
		n--
	}
	data := make([]any, 0, n)
	for i := n - 1; i >= 0; i-- {
		vector := NewWords(dim).embed(r.Input[i])
		for j := range vector {
			vector[j] *= 2 // the format does not promise length 1
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector})
	}
	return map[string]any{
		"object": "list", "data": data, "model": r.Model,
		"usage": map[string]any{"prompt_tokens": 1, "total_tokens": 1},
	}
}

// UnmarshalJSON takes content as a string or as a list of text parts.
func (m *openAIMessage) UnmarshalJSON(b []byte) error {
	var raw struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	m.Role = raw.Role
	text, err := contentText(raw.Content)
	m.Content = text
	return err
}

// contentText reads content as both providers allow it: a string, or a list of
// blocks of type text.
func contentText(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var blocks []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return "", fmt.Errorf("content is neither a string nor a list of blocks: %w", err)
	}
	for _, b := range blocks {
		if b.Type != "text" || b.Text == "" {
			return "", fmt.Errorf("a content block of type %q is not text, or empty", b.Type)
		}
		text += b.Text
	}
	return text, nil
}
