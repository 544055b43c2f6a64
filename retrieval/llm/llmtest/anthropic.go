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

// Anthropic starts an endpoint with Anthropic's POST /v1/messages, written
// after the published API reference. Replies come from respond; nil says
// nothing.
func Anthropic(t testing.TB, respond func(Call) Reply) *Endpoint {
	return serve(t, respond, map[string]func(*exchange){"POST /v1/messages": (*exchange).anthropicMessages})
}

type anthropicRequest struct {
	Model       string             `json:"model"`
	System      anthropicSystem    `json:"system"`
	Messages    []anthropicMessage `json:"messages"`
	MaxTokens   int                `json:"max_tokens"`
	Stream      bool               `json:"stream"`
	Temperature *float64           `json:"temperature"`
	TopP        *float64           `json:"top_p"`
	Stop        []string           `json:"stop_sequences"`
}

// anthropicSystem is a string or a list of blocks that may be cached.
type anthropicSystem struct{ text string }

// UnmarshalJSON checks that cache_control is what the API knows.
func (s *anthropicSystem) UnmarshalJSON(b []byte) error {
	var blocks []struct {
		CacheControl *struct {
			Type string `json:"type"`
		} `json:"cache_control"`
	}
	if json.Unmarshal(b, &blocks) == nil {
		for _, block := range blocks {
			if block.CacheControl != nil && block.CacheControl.Type != "ephemeral" {
				return fmt.Errorf("cache_control has the type %q", block.CacheControl.Type)
			}
		}
	}
	text, err := contentText(b)
	s.text = text
	return err
}

type anthropicMessage struct {
	Role string
	Text string
}

// UnmarshalJSON takes content as a string or as a list of text blocks.
func (m *anthropicMessage) UnmarshalJSON(b []byte) error {
	var raw openAIMessage // the shape is the same
	if err := raw.UnmarshalJSON(b); err != nil {
		return err
	}
	m.Role, m.Text = raw.Role, raw.Content
	return nil
}

// anthropicError is the shape of all errors of the API, in replies and streams.
func anthropicError(kind, message string) map[string]any {
	return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": message}, "request_id": "req_1"}
}

func (x *exchange) anthropicMessages() {
	if x.r.Header.Get("X-Api-Key") != Key {
		x.json(http.StatusUnauthorized, anthropicError("authentication_error", "invalid x-api-key"))
		return
	}
	var req anthropicRequest
	body, err := io.ReadAll(x.r.Body)
	if err == nil {
		err = x.decode(body, &req)
	}
	if err == nil {
		err = req.check()
	}
	if version := x.r.Header.Get("Anthropic-Version"); err == nil && version != "2023-06-01" {
		err = fmt.Errorf("anthropic-version is %q", version)
	}
	if err != nil {
		x.e.t.Errorf("%s %s: %v", x.r.Method, x.r.URL.Path, err)
		x.json(http.StatusBadRequest, anthropicError("invalid_request_error", err.Error()))
		return
	}
	call := Call{Path: x.r.URL.Path, Model: req.Model, Request: req.request(), Header: x.r.Header.Clone(), Body: body}
	reply := x.e.answer(call)
	switch {
	case x.anthropicFault(reply):
	case !req.Stream || reply.Whole:
		x.anthropicWhole(req, reply, reply.usage(call.Request))
	default:
		x.anthropicStream(req, reply, reply.usage(call.Request))
	}
}

func (r anthropicRequest) check() error {
	switch {
	case r.Model == "":
		return fmt.Errorf("model: Field required")
	case r.MaxTokens < 1:
		return fmt.Errorf("max_tokens: Field required")
	case len(r.Messages) == 0 || r.Messages[0].Role != "user":
		return fmt.Errorf("messages: the first message must use the user role")
	}
	for i, m := range r.Messages {
		if m.Role != "user" && m.Role != "assistant" {
			return fmt.Errorf("messages.%d: unexpected role %q", i, m.Role)
		}
		if strings.TrimSpace(m.Text) == "" {
			return fmt.Errorf("messages.%d: text content blocks must be non-empty", i)
		}
	}
	return nil
}

func (r anthropicRequest) request() llm.Request {
	req := llm.Request{System: r.System.text, MaxTokens: r.MaxTokens}
	for _, m := range r.Messages {
		req.Messages = append(req.Messages, llm.Message{Assistant: m.Role == "assistant", Text: m.Text})
	}
	return req
}

// anthropicFault answers with the faults that come instead of a stream.
func (x *exchange) anthropicFault(r Reply) bool {
	if r.RetryAfter != "" {
		x.w.Header().Set("Retry-After", r.RetryAfter)
	}
	switch r.Fault {
	case RateLimited:
		x.json(http.StatusTooManyRequests, anthropicError("rate_limit_error", "This request would exceed your organization's rate limit"))
	case Failed:
		x.json(http.StatusInternalServerError, anthropicError("api_error", "Internal server error"))
	case Overloaded:
		x.json(529, anthropicError("overloaded_error", "Overloaded"))
	case Refused:
		x.json(http.StatusUnauthorized, anthropicError("authentication_error", "invalid x-api-key"))
	default:
		return false
	}
	return true
}

func anthropicStop(s llm.StopReason) string {
	switch s {
	case llm.StopLength:
		return "max_tokens"
	case llm.StopFilter:
		return "refusal"
	}
	return "end_turn"
}

// anthropicUsage: the provider counts what it read from its cache apart.
func anthropicUsage(u cairn.Usage) map[string]any {
	return map[string]any{
		"input_tokens": u.InputTokens - u.CachedTokens, "cache_read_input_tokens": u.CachedTokens,
		"cache_creation_input_tokens": 0, "output_tokens": u.OutputTokens, "service_tier": "standard",
	}
}

func (x *exchange) anthropicWhole(req anthropicRequest, r Reply, usage cairn.Usage) {
	if !x.pause(r.First) {
		return
	}
	x.json(http.StatusOK, map[string]any{
		"id": "msg_1", "type": "message", "role": "assistant", "model": req.Model,
		"content":     []any{map[string]any{"type": "text", "text": strings.Join(r.Pieces, "")}},
		"stop_reason": anthropicStop(r.stop()), "stop_sequence": nil, "usage": anthropicUsage(usage),
	})
}

func (x *exchange) anthropicStream(req anthropicRequest, r Reply, usage cairn.Usage) {
	begin := anthropicUsage(usage)
	begin["output_tokens"] = 1
	x.event("message_start", map[string]any{"type": "message_start", "message": map[string]any{
		"id": "msg_1", "type": "message", "role": "assistant", "model": req.Model, "content": []any{},
		"stop_reason": nil, "stop_sequence": nil, "usage": begin,
	}})
	index := x.anthropicThinking(r.Thinking)
	x.anthropicBlock(index, map[string]any{"type": "text", "text": ""})
	x.event("ping", map[string]any{"type": "ping"})
	for i, p := range r.Pieces {
		if !x.pause(r.pause(i)) {
			return
		}
		r.hold(i)
		x.anthropicDelta(index, map[string]any{"type": "text_delta", "text": p})
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
		x.event("error", anthropicError("overloaded_error", "Overloaded"))
	case None:
		x.event("content_block_stop", map[string]any{"type": "content_block_stop", "index": index})
		x.event("message_delta", map[string]any{
			"type": "message_delta", "delta": map[string]any{"stop_reason": anthropicStop(r.stop()), "stop_sequence": nil},
			"usage": map[string]any{"output_tokens": usage.OutputTokens},
		})
		x.event("message_stop", map[string]any{"type": "message_stop"})
	}
}

// anthropicThinking sends a block of thinking with its signature and a redacted
// one, and returns the index of the block that follows.
func (x *exchange) anthropicThinking(pieces []string) int {
	if len(pieces) == 0 {
		return 0
	}
	x.anthropicBlock(0, map[string]any{"type": "thinking", "thinking": "", "signature": ""})
	for _, p := range pieces {
		x.anthropicDelta(0, map[string]any{"type": "thinking_delta", "thinking": p})
	}
	x.anthropicDelta(0, map[string]any{"type": "signature_delta", "signature": "EqQBCgIYAhIM"})
	x.event("content_block_stop", map[string]any{"type": "content_block_stop", "index": 0})
	x.anthropicBlock(1, map[string]any{"type": "redacted_thinking", "data": "EmwKAhgB"})
	x.event("content_block_stop", map[string]any{"type": "content_block_stop", "index": 1})
	return 2
}

func (x *exchange) anthropicBlock(index int, block map[string]any) {
	x.event("content_block_start", map[string]any{"type": "content_block_start", "index": index, "content_block": block})
}

func (x *exchange) anthropicDelta(index int, delta map[string]any) {
	x.event("content_block_delta", map[string]any{"type": "content_block_delta", "index": index, "delta": delta})
}
