package langchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tmc/langchaingo/llms"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// NewLLM returns the model that the configuration describes, with limits,
// retries and a breaker. It does not reach out to the provider. Errors are
// ErrInvalid and say what to fix.
//
// InputTokens of the usage are all of the prompt, CachedTokens those of them
// that the provider read from its cache. CostUSD is left to who knows prices.
func NewLLM(c Config) (*reliable.LLM, error) {
	m, err := newModel(c)
	if err != nil {
		return nil, err
	}
	return reliable.NewLLM(m, c.Limits), nil
}

// model is a provider's model, without any patience.
type model struct {
	name    string
	key     string
	client  llms.Model
	options []llms.CallOption
	stop    func(reason string) llm.StopReason
	tokens  func(info map[string]any) cairn.Usage
}

func newModel(c Config) (*model, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	m := &model{name: c.Name, key: c.APIKey, stop: openAIStop, tokens: openAITokens}
	if c.Provider == Anthropic {
		m.stop, m.tokens = anthropicStop, anthropicTokens
		m.client, m.options, err = anthropicModel(c)
	} else {
		m.client, m.options, err = openAIModel(c)
	}
	if err != nil {
		return nil, fmt.Errorf("set up the client of model %s: %w", c.Name, err)
	}
	return m, nil
}

// newWire returns the wire for a configuration that was checked.
func newWire(c Config, edit func(map[string]json.RawMessage) error, decode func(*stream) decoder) *wire {
	connect := c.ConnectTimeout
	if connect == 0 {
		connect = defaultConnectTimeout
	}
	return &wire{
		client: httpClient(c.HTTPClient, connect), key: c.APIKey, connect: connect, edit: edit,
		reply: func(x *exchange, body io.ReadCloser) io.ReadCloser { return newStream(x, body, decode) },
	}
}

// Model implements llm.LLM.
func (m *model) Model() string { return m.name }

// Generate implements llm.LLM. Events with neither text nor stop reason are
// signs of life of a model that thinks.
func (m *model) Generate(ctx context.Context, req llm.Request) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		messages, err := messagesOf(req)
		if err != nil {
			yield(llm.Event{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		c := m.call(ctx, req, messages)
		defer c.wait()
		defer cancel()
		for text := range c.pieces {
			if !yield(llm.Event{Text: text}, nil) {
				return
			}
		}
		ev, err := m.last(ctx, c)
		yield(ev, err)
	}
}

// messagesOf returns the messages as the library takes them.
func messagesOf(req llm.Request) ([]llms.MessageContent, error) {
	var out []llms.MessageContent
	if req.System != "" {
		out = append(out, llms.TextParts(llms.ChatMessageTypeSystem, req.System))
	}
	for i, m := range req.Messages {
		if m.Text == "" {
			return nil, &llm.Error{Kind: llm.ErrRejected, Err: fmt.Errorf("message %d is empty", i)}
		}
		role := llms.ChatMessageTypeHuman
		if m.Assistant {
			role = llms.ChatMessageTypeAI
		}
		out = append(out, llms.TextParts(role, m.Text))
	}
	if len(req.Messages) == 0 {
		return nil, &llm.Error{Kind: llm.ErrRejected, Err: errors.New("there is no message to answer")}
	}
	return out, nil
}

// call is a call of the library, which runs in a goroutine of its own because
// the library hands out pieces in goroutines of its choice.
type call struct {
	x      *exchange
	pieces chan string // closed when the call has ended

	// Set when pieces is closed.
	reply *llms.ContentResponse
	err   error
}

func (m *model) call(ctx context.Context, req llm.Request, messages []llms.MessageContent) *call {
	c := &call{x: &exchange{}, pieces: make(chan string)}
	options := append([]llms.CallOption{}, m.options...)
	if req.MaxTokens > 0 {
		options = append(options, llms.WithMaxTokens(req.MaxTokens))
	}
	options = append(options, llms.WithStreamingFunc(func(_ context.Context, chunk []byte) error {
		select {
		case c.pieces <- string(chunk):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}))
	go func() {
		defer close(c.pieces)
		c.reply, c.err = m.client.GenerateContent(c.x.into(ctx), messages, options...)
	}()
	return c
}

// wait returns when the call has ended; its context must have.
func (c *call) wait() {
	for range c.pieces { // what was on its way when the caller left
	}
}

// last returns the event that ends a reply, or why there is none.
func (m *model) last(ctx context.Context, c *call) (llm.Event, error) {
	if failed := c.x.outcome(ctx, c.err); failed != nil {
		return llm.Event{}, failed
	}
	if c.reply == nil || len(c.reply.Choices) == 0 {
		return llm.Event{}, &llm.Error{Kind: llm.ErrUnavailable, Err: errUnfinished}
	}
	choice := c.reply.Choices[0]
	ev := llm.Event{Stop: m.stop(choice.StopReason)}
	if ev.Stop == "" {
		_ = c.x.broke(errUnfinished)
		return llm.Event{}, c.x.outcome(ctx, nil)
	}
	if usage := m.tokens(choice.GenerationInfo); usage != (cairn.Usage{}) {
		ev.Usage = &usage
	}
	return ev, nil
}

// number reads an int of the library's loose map; 0 when there is none.
func number(info map[string]any, name string) int {
	n, _ := info[name].(int)
	return n
}
