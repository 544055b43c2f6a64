package langchain

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// openAIModel returns the library's client for an OpenAI-compatible endpoint
// and the options that its calls need. Everything that the library would take
// from the environment is set.
func openAIModel(c Config) (llms.Model, []llms.CallOption, error) {
	key := c.APIKey
	if key == "" {
		key = noKey
	}
	w := newWire(c, editOpenAI, newOpenAIDecoder)
	model, err := openai.New(openai.WithToken(key), openai.WithBaseURL(c.URL), openai.WithModel(c.Model),
		openai.WithOrganization(""), openai.WithHTTPClient(w))
	if err != nil {
		return nil, nil, err
	}
	options := []llms.CallOption{llms.WithTemperature(0)}
	if c.URL != own[OpenAI] {
		// Only OpenAI itself demands the newer name of max_tokens; many
		// compatible servers know only the older one.
		options = append(options, llms.WithMetadata(map[string]any{"openai:use_legacy_max_tokens": true}))
	}
	return model, options, nil
}

// fixedTemperature are models that reject any temperature but their own.
var fixedTemperature = regexp.MustCompile(`^(o[1-9]|gpt-[5-9])`)

// editOpenAI drops the temperature where it is not allowed; the library knows
// only some of these models.
func editOpenAI(fields map[string]json.RawMessage) error {
	var model string
	if err := json.Unmarshal(fields["model"], &model); err != nil {
		return err
	}
	if fixedTemperature.MatchString(model) {
		delete(fields, "temperature")
	}
	return nil
}

// openAIChunk is an event of a stream, or a whole reply.
type openAIChunk struct {
	Type    string // "error" on some servers
	Choices []struct {
		Index        int           `json:"index"`
		Delta        openAIMessage `json:"delta"`
		Message      openAIMessage `json:"message"`
		FinishReason string        `json:"finish_reason"`
	} `json:"choices"`
	Usage *openAIUsage    `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type openAIMessage struct {
	Content          json.RawMessage `json:"content"` // a string, a list of parts or null
	Refusal          string          `json:"refusal"`
	ReasoningContent string          `json:"reasoning_content"` // DeepSeek, llama.cpp, vLLM
	Reasoning        string          `json:"reasoning"`         // Ollama, OpenRouter
}

type openAIUsage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// text returns the text of a message; parts that are no text are thoughts.
func (m openAIMessage) text() (text string, thinking bool) {
	if json.Unmarshal(m.Content, &text) == nil {
		return text, m.ReasoningContent+m.Reasoning != ""
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	_ = json.Unmarshal(m.Content, &parts) // neither form: no text
	for _, p := range parts {
		if p.Type == "text" {
			text += p.Text
		} else {
			thinking = true
		}
	}
	return text, thinking
}

// openAIDecoder reads chat completions, streamed or whole.
type openAIDecoder struct {
	s      *stream
	reason string
	usage  *openAIUsage
}

func newOpenAIDecoder(s *stream) decoder { return &openAIDecoder{s: s} }

func (d *openAIDecoder) event(data []byte) (end bool, err error) {
	if string(data) == "[DONE]" {
		return true, nil
	}
	var c openAIChunk
	if err := json.Unmarshal(data, &c); err != nil {
		return false, d.s.malformed(err)
	}
	return false, d.chunk(c)
}

func (d *openAIDecoder) whole(data []byte) error {
	var c openAIChunk
	if err := json.Unmarshal(data, &c); err != nil {
		return d.s.malformed(err)
	}
	return d.chunk(c)
}

func (d *openAIDecoder) chunk(c openAIChunk) error {
	if len(c.Error) > 0 && string(c.Error) != "null" {
		return d.s.x.reported(problemOf(c.Error))
	}
	if c.Usage != nil {
		d.usage = c.Usage
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue
		}
		for _, m := range []openAIMessage{choice.Delta, choice.Message} {
			if err := d.message(m); err != nil {
				return err
			}
		}
		if choice.FinishReason != "" {
			d.reason = choice.FinishReason
		}
	}
	return nil
}

func (d *openAIDecoder) message(m openAIMessage) error {
	text, thinking := m.text()
	if m.Refusal != "" {
		text += m.Refusal
		d.reason = "content_filter"
	}
	if text == "" && !thinking {
		return nil
	}
	return d.s.text(text, func(piece string) error {
		return d.s.emit(d.emitted(piece, ""))
	})
}

func (d *openAIDecoder) complete() bool { return d.reason != "" }

func (d *openAIDecoder) finish() {
	_ = d.s.emit(d.emitted("", d.reason)) // strings and numbers: cannot fail
	if d.usage != nil {
		_ = d.s.emit(map[string]any{"usage": d.usage})
	}
}

// emitted is a chunk as the library reads it.
func (d *openAIDecoder) emitted(text, finish string) map[string]any {
	choice := map[string]any{"index": 0, "delta": map[string]any{"content": text}}
	if finish != "" {
		choice["finish_reason"] = finish
	}
	return map[string]any{"choices": []any{choice}}
}

// openAIStop maps finish_reason; "" stands for a reply that is not complete.
func openAIStop(reason string) llm.StopReason {
	switch {
	case reason == "", reason == "error", reason == "abort":
		return ""
	case strings.Contains(reason, "length"):
		return llm.StopLength
	case strings.Contains(reason, "filter"):
		return llm.StopFilter
	}
	return llm.StopEnd
}

// openAITokens reads the usage; prompt tokens include the cached ones.
func openAITokens(info map[string]any) cairn.Usage {
	return cairn.Usage{
		InputTokens:  number(info, "PromptTokens"),
		CachedTokens: number(info, "PromptCachedTokens"),
		OutputTokens: number(info, "CompletionTokens"),
	}
}
