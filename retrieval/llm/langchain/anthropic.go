package langchain

import (
	"encoding/json"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/anthropic"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// anthropicMaxTokens is sent where a request leaves the length to the model:
// Anthropic demands a number.
const anthropicMaxTokens = 4096

// anthropicModel returns the library's client for Anthropic and the options
// that its calls need.
func anthropicModel(c Config) (llms.Model, []llms.CallOption, error) {
	key := c.APIKey
	if key == "" {
		key = noKey
	}
	w := newWire(c, editAnthropic, newAnthropicDecoder)
	model, err := anthropic.New(anthropic.WithToken(key), anthropic.WithBaseURL(c.URL),
		anthropic.WithModel(c.Model), anthropic.WithHTTPClient(w))
	return model, []llms.CallOption{llms.WithMaxTokens(anthropicMaxTokens)}, err
}

// editAnthropic makes the system prompt a block that the provider caches, which
// the library cannot, and drops the temperature, which the library always sends
// and newer models reject.
func editAnthropic(fields map[string]json.RawMessage) error {
	delete(fields, "temperature")
	if len(fields["system"]) == 0 {
		return nil
	}
	block := struct {
		Type         string            `json:"type"`
		Text         json.RawMessage   `json:"text"`
		CacheControl map[string]string `json:"cache_control"`
	}{"text", fields["system"], map[string]string{"type": "ephemeral"}}
	blocks, err := json.Marshal([]any{block})
	fields["system"] = blocks
	return err
}

// anthropicEvent is an event of a stream; a whole reply has the fields of
// anthropicMessage.
type anthropicEvent struct {
	Type    string            `json:"type"`
	Message *anthropicMessage `json:"message"`
	Block   anthropicBlock    `json:"content_block"`
	Delta   struct {
		Type       string `json:"type"`
		Text       string `json:"text"`
		StopReason string `json:"stop_reason"`
	} `json:"delta"`
	Usage anthropicUsage  `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type anthropicMessage struct {
	Content    []anthropicBlock `json:"content"`
	StopReason string           `json:"stop_reason"`
	Usage      anthropicUsage   `json:"usage"`
}

type anthropicBlock struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// anthropicUsage has pointers because later events repeat only some numbers.
type anthropicUsage struct {
	Input       *int `json:"input_tokens,omitempty"`
	CacheRead   *int `json:"cache_read_input_tokens,omitempty"`
	CacheCreate *int `json:"cache_creation_input_tokens,omitempty"`
	Output      *int `json:"output_tokens,omitempty"`
}

func (u *anthropicUsage) update(v anthropicUsage) {
	set := func(to **int, from *int) {
		if from != nil {
			*to = from
		}
	}
	set(&u.Input, v.Input)
	set(&u.CacheRead, v.CacheRead)
	set(&u.CacheCreate, v.CacheCreate)
	set(&u.Output, v.Output)
}

// anthropicDecoder reads messages, streamed or whole. It gives the library one
// block of text, whatever blocks came: the library makes an error of kinds that
// it does not know, and reports usage once for each block.
type anthropicDecoder struct {
	s      *stream
	opened bool
	reason string
	usage  anthropicUsage
}

func newAnthropicDecoder(s *stream) decoder { return &anthropicDecoder{s: s} }

func (d *anthropicDecoder) event(data []byte) (end bool, err error) {
	var ev anthropicEvent
	if err := json.Unmarshal(data, &ev); err != nil {
		return false, d.s.malformed(err)
	}
	switch ev.Type {
	case "error":
		return false, d.s.x.reported(problemOf(ev.Error))
	case "message_start":
		if ev.Message != nil {
			d.usage.update(ev.Message.Usage)
		}
	case "content_block_start":
		if ev.Block.Type == "text" && ev.Block.Text != "" {
			err = d.text(ev.Block.Text)
		}
	case "content_block_delta":
		err = d.text(ev.Delta.Text) // "" for thoughts, which is a sign of life
	case "message_delta":
		d.usage.update(ev.Usage)
		d.reason = ev.Delta.StopReason
	case "message_stop":
		end = true
	}
	return end, err
}

func (d *anthropicDecoder) whole(data []byte) error {
	var reply struct {
		anthropicMessage
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return d.s.malformed(err)
	}
	if len(reply.Error) > 0 {
		return d.s.x.reported(problemOf(reply.Error))
	}
	d.usage, d.reason = reply.Usage, reply.StopReason
	for _, block := range reply.Content {
		if err := d.text(block.Text); err != nil {
			return err
		}
	}
	return nil
}

// text emits text as part of the one block.
func (d *anthropicDecoder) text(text string) error {
	if err := d.open(); err != nil {
		return err
	}
	return d.s.text(text, func(piece string) error {
		return d.s.emit(map[string]any{
			"type": "content_block_delta", "index": 0, "delta": map[string]any{"type": "text_delta", "text": piece},
		})
	})
}

func (d *anthropicDecoder) open() error {
	if d.opened {
		return nil
	}
	d.opened = true
	start := map[string]any{"usage": map[string]any{"input_tokens": 0}}
	if err := d.s.emit(map[string]any{"type": "message_start", "message": start}); err != nil {
		return err
	}
	block := map[string]any{"type": "text", "text": ""}
	return d.s.emit(map[string]any{"type": "content_block_start", "index": 0, "content_block": block})
}

func (d *anthropicDecoder) complete() bool { return d.reason != "" }

func (d *anthropicDecoder) finish() {
	// Strings and numbers: emitting them cannot fail.
	_ = d.open()
	_ = d.s.emit(map[string]any{"type": "content_block_stop", "index": 0})
	_ = d.s.emit(map[string]any{"type": "message_delta", "delta": map[string]any{"stop_reason": d.reason}, "usage": d.usage})
	_ = d.s.emit(map[string]any{"type": "message_stop"})
}

// anthropicStop maps stop_reason; "" stands for a reply that is not complete.
func anthropicStop(reason string) llm.StopReason {
	switch reason {
	case "":
		return ""
	case "max_tokens", "model_context_window_exceeded":
		return llm.StopLength
	case "refusal":
		return llm.StopFilter
	}
	return llm.StopEnd
}

// anthropicTokens reads the usage. The provider counts what it read from and
// wrote to its cache apart from the rest of the input.
func anthropicTokens(info map[string]any) cairn.Usage {
	read := number(info, "CacheReadInputTokens")
	return cairn.Usage{
		InputTokens:  number(info, "InputTokens") + read + number(info, "CacheCreationInputTokens"),
		CachedTokens: read,
		OutputTokens: number(info, "OutputTokens"),
	}
}
