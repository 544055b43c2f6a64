package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

const (
	maxBody  = 1 << 20
	readBody = 10 * time.Second // to send it
	window   = 5 * time.Minute  // how far the time of a signature may be from ours
)

// Routes returns the routes that Slack sends to. Who can sign may use them.
func (b *Bot) Routes() []server.Route {
	post := func(path string, read func(ctx context.Context, body []byte) (any, error)) server.Route {
		return server.Route{Method: http.MethodPost, Path: path, Public: true, Handle: func(c *gin.Context) error {
			body, err := b.signed(c)
			if err != nil {
				return err
			}
			answer, err := read(c.Request.Context(), body)
			if err != nil {
				return err
			}
			return reply(c, answer)
		}}
	}
	return []server.Route{
		post("/slack/events", b.event),
		post("/slack/interactions", b.interactionForm),
		post("/slack/commands", b.commandForm),
	}
}

// signed returns the body of a request that Slack has signed within the window.
func (b *Bot) signed(c *gin.Context) ([]byte, error) {
	if !b.on() || !b.cfg.SigningSecret.Set() { // or it hears from Slack over a socket alone
		return nil, cairn.ErrNotFound
	}
	if err := b.cfg.Auth.AllowHook(c.Request, "/slack"); err != nil {
		return nil, err
	}
	body, err := server.ReadBody(c, maxBody, readBody)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, cairn.Errorf(cairn.ErrTooLarge, "the body is larger than %d MiB", maxBody>>20)
	case err != nil:
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body could not be read to its end")
	}
	if !b.verified(c.Request.Header, body) {
		return nil, cairn.Errorf(cairn.ErrUnauthenticated, "this is not signed with the app's signing secret, or too long ago")
	}
	return body, nil
}

// verified checks version v0 of Slack's signatures, over the time and the body.
func (b *Bot) verified(h http.Header, body []byte) bool {
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || b.cfg.Now().Sub(time.Unix(seconds, 0)).Abs() > window {
		return false
	}
	mac := hmac.New(sha256.New, []byte(b.cfg.SigningSecret.Reveal()))
	_, _ = mac.Write([]byte("v0:" + stamp + ":"))
	_, _ = mac.Write(body)
	return hmac.Equal([]byte("v0="+hex.EncodeToString(mac.Sum(nil))), []byte(h.Get("X-Slack-Signature")))
}

// errForeign refuses what another workspace sends, whose app has the same secret.
var errForeign = cairn.Errorf(cairn.ErrDenied, "this workspace is not the one that is answered")

// home refuses what is not of the workspace.
func (b *Bot) home(team string) error {
	if team != b.cfg.Workspace {
		return errForeign
	}
	return nil
}

// add stores a task. A repeated one is done once, whichever way it comes. What Slack does
// not name is named by a hash of what it has sent.
func (b *Bot) add(ctx context.Context, t Task, id string, body []byte) error {
	if id == "" || len(id) > 200 {
		sum := sha256.Sum256(body)
		id = hex.EncodeToString(sum[:])
	}
	t.ID = string(t.Kind) + ":" + id
	_, err := b.cfg.Store.Add(ctx, t)
	return err
}

// reply answers a request at once; nil: without a body.
func reply(c *gin.Context, v any) error {
	if v == nil {
		c.Status(http.StatusOK)
		return nil
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(c.Writer).Encode(v)
}
