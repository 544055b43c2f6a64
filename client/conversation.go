package client

import (
	"context"
	"net/http"
	"time"
)

// Conversation is what the caller asked one after the other.
type Conversation struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Messages  []Message `json:"messages"` // oldest first; none in a list
	Reply
}

// Message is a question with its answer.
type Message struct {
	ID       string `json:"id"`
	ParentID string `json:"parent_message_id"` // empty: the first
	Question string `json:"question"`
	// Withheld says that the caller may no longer read everything that the answer
	// was made from; its texts are empty.
	Withheld  bool      `json:"withheld"`
	CreatedAt time.Time `json:"created_at"`
	Answer    Answer    `json:"answer"`
	Feedback  *Feedback `json:"feedback"` // nil: none was given
}

// Feedback is what the caller said of an answer.
type Feedback struct {
	Rating  string `json:"rating"`           // "up" or "down"
	Reason  string `json:"reason,omitempty"` // "wrong", "wrong_source", "outdated", "incomplete", "unsafe", "other" or empty
	Comment string `json:"comment,omitempty"`
}

// Conversations lists the caller's conversations, last used first, without
// their messages.
func (c *Client) Conversations(ctx context.Context) (List[Conversation], error) {
	return list[Conversation](ctx, c, api("conversations"), "conversations", 0)
}

// Conversation reads a conversation of the caller's.
func (c *Client) Conversation(ctx context.Context, id string) (Conversation, error) {
	if err := required("id of a conversation", id); err != nil {
		return Conversation{}, err
	}
	return fetch[Conversation](ctx, c, http.MethodGet, api("conversations", id), nil)
}

// GiveFeedback says what the caller thinks of an answer, in place of what was
// said before.
func (c *Client) GiveFeedback(ctx context.Context, message string, f Feedback) error {
	if err := required("id of a message", message); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, api("messages", message, "feedback"), f, nil)
}
