package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

type conversation struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

func conversationOf(c cairn.Conversation) conversation {
	return conversation{c.ID, c.Title, c.Created.UTC(), c.Updated.UTC()}
}

type message struct {
	ID       string        `json:"id"`
	Parent   *string       `json:"parent_message_id"`
	Question string        `json:"question"`
	Withheld bool          `json:"withheld"`
	Created  time.Time     `json:"created_at"`
	Answer   answerBody    `json:"answer"`
	Feedback *feedbackBody `json:"feedback,omitempty"`
}

type feedbackBody struct {
	Rating  string `json:"rating"`
	Reason  string `json:"reason,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// messageOf shows of a withheld message nothing but that it exists.
func messageOf(m cairn.Message, given map[string]Feedback) message {
	out := message{ID: m.ID, Parent: after(m.Parent), Withheld: m.Withheld, Created: m.Created.UTC(), Answer: answerOfMessage(m)}
	if m.Withheld {
		return out
	}
	out.Question = m.Question
	if f, ok := given[m.ID]; ok {
		body := feedbackBody(f)
		out.Feedback = &body
	}
	return out
}

// messagesOf shows messages of v with what v said of them.
func (a *API) messagesOf(ctx context.Context, v cairn.Viewer, messages ...cairn.Message) ([]message, error) {
	given, err := a.Store.Feedback(ctx, v, mapped(messages, func(m cairn.Message) string { return m.ID }))
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		showMessage(ctx, m)
	}
	return mapped(messages, func(m cairn.Message) message { return messageOf(m, given) }), nil
}

// getMessage answers GET /messages/{id}.
func (a *API) getMessage(c *gin.Context) error {
	ctx := c.Request.Context()
	viewer := auth.FromContext(ctx).Viewer
	m, err := a.Store.Message(ctx, viewer, c.Param("id"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindMessage, m.ID)
	out, err := a.messagesOf(ctx, viewer, m)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, out[0])
}

// listConversations answers GET /conversations.
func (a *API) listConversations(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	conversations, next, err := a.Store.ListConversations(ctx, auth.FromContext(ctx).Viewer, p)
	if err != nil {
		return err
	}
	for _, conv := range conversations {
		audit.FromContext(ctx).Shown(conv.Evidence...)
	}
	out := struct {
		Conversations []conversation `json:"conversations"`
		Next          *string        `json:"next_cursor"`
	}{mapped(conversations, conversationOf), after(next)}
	return reply(c, http.StatusOK, out)
}

// getConversation answers GET /conversations/{id}.
func (a *API) getConversation(c *gin.Context) error {
	ctx := c.Request.Context()
	viewer := auth.FromContext(ctx).Viewer
	conv, messages, err := a.Store.Conversation(ctx, viewer, c.Param("id"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindConversation, conv.ID)
	shown, err := a.messagesOf(ctx, viewer, messages...)
	if err != nil {
		return err
	}
	out := struct {
		conversation
		Messages []message `json:"messages"`
	}{conversationOf(conv), shown}
	return reply(c, http.StatusOK, out)
}

// renameConversation answers PATCH /conversations/{id}.
func (a *API) renameConversation(c *gin.Context) error {
	var req struct {
		Title string `json:"title"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	title := strings.TrimSpace(req.Title)
	if err := checkLength("title", title, 1, 200); err != nil {
		return err
	}
	ctx := c.Request.Context()
	viewer := auth.FromContext(ctx).Viewer
	if err := a.Store.RenameConversation(ctx, viewer, c.Param("id"), title); err != nil {
		return err
	}
	conv, _, err := a.Store.Conversation(ctx, viewer, c.Param("id"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).Shown(conv.Evidence...)
	return reply(c, http.StatusOK, conversationOf(conv))
}

// deleteConversation answers DELETE /conversations/{id}.
func (a *API) deleteConversation(c *gin.Context) error {
	ctx := c.Request.Context()
	if err := a.Store.DeleteConversation(ctx, auth.FromContext(ctx).Viewer, c.Param("id")); err != nil {
		return err
	}
	return noContent(c)
}

// giveFeedback answers POST /messages/{id}/feedback.
func (a *API) giveFeedback(c *gin.Context) error {
	var req struct {
		Rating  string `json:"rating"`
		Reason  string `json:"reason"`
		Comment string `json:"comment"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if err := oneOf("rating", req.Rating, "up", "down"); err != nil {
		return err
	}
	if req.Reason != "" {
		if err := oneOf("reason", req.Reason, "wrong", "wrong_source", "outdated", "incomplete", "unsafe", "other"); err != nil {
			return err
		}
	}
	if err := checkLength("comment", req.Comment, 0, 4000); err != nil {
		return err
	}
	ctx := c.Request.Context()
	if err := a.Store.SetFeedback(ctx, auth.FromContext(ctx).Viewer, c.Param("id"), Feedback(req)); err != nil {
		return err
	}
	return noContent(c)
}

// listPage returns limit and cursor of a list without other parameters.
func listPage(c *gin.Context) (Page, error) {
	values, err := params(c, "limit", "cursor")
	if err != nil {
		return Page{}, err
	}
	return page(values)
}

func mapped[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
