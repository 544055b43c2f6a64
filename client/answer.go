package client

import (
	"context"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// AskRequest is a question. Only Question is required.
type AskRequest struct {
	Question string `json:"question"`
	// Context is text that belongs to the question, such as an error message: the
	// caller's own words, from which nothing is cited. It is not kept.
	Context        string   `json:"context,omitempty"`
	ConversationID string   `json:"conversation_id,omitempty"` // empty: a new one
	Sources        []string `json:"sources,omitempty"`         // names; none: all
	Model          string   `json:"model,omitempty"`
}

// Answer is an answer. Offsets in it are bytes of Text, those of a citation's
// quote bytes of the document's text.
type Answer struct {
	ConversationID string             `json:"conversation_id"`
	MessageID      string             `json:"message_id"`
	State          cairn.MessageState `json:"state"`
	Outcome        cairn.Outcome      `json:"outcome"`
	Text           string             `json:"text"` // Markdown without citation marks
	Sentences      []Sentence         `json:"sentences"`
	Citations      []Citation         `json:"citations"`
	Nearest        []Passage          `json:"nearest"` // when nothing was found
	Model          string             `json:"model"`
	Usage          Usage              `json:"usage"`
	Notices        []Notice           `json:"notices"`
	TookMS         int64              `json:"took_ms"`
	Reply
}

// Sentence is a checked part of an answer.
type Sentence struct {
	Start   int           `json:"start"`
	End     int           `json:"end"`
	Support cairn.Support `json:"support"`
}

// Citation points from an answer to the passage that supports it. Its mark
// belongs after Text[:AnswerEnd].
type Citation struct {
	Number      int           `json:"number"`
	AnswerStart int           `json:"answer_start"`
	AnswerEnd   int           `json:"answer_end"`
	DocumentID  string        `json:"document_id"`
	Version     string        `json:"version"`
	Start       int           `json:"start"`
	End         int           `json:"end"`
	Quote       string        `json:"quote"`
	Title       string        `json:"title"`
	URL         string        `json:"url"`
	Heading     []string      `json:"heading"`
	Source      string        `json:"source"`
	UpdatedAt   *time.Time    `json:"updated_at"`
	Support     cairn.Support `json:"support"`
	State       string        `json:"state"` // "current", "changed" or "gone"
}

// Usage is what an answer took of a model.
type Usage struct {
	InputTokens  int     `json:"input_tokens"`
	CachedTokens int     `json:"cached_tokens"`
	OutputTokens int     `json:"output_tokens"`
	CostUSD      float64 `json:"cost_usd"`
}

// Notice is something that the reader of an answer or of results should know.
type Notice struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// StopAnswer ends the making of an answer.
func (c *Client) StopAnswer(ctx context.Context, message string) error {
	if err := required("id of a message", message); err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, api("messages", message, "stream"), nil, nil)
}

// Model is a model that can be asked for by name.
type Model struct {
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

// Models is the list of models.
type Models struct {
	Models []Model `json:"models"`
	Reply
}

// Models lists the models.
func (c *Client) Models(ctx context.Context) (Models, error) {
	return fetch[Models](ctx, c, http.MethodGet, api("models"), nil)
}
