// Package slacktest has a fake of Slack's Web API that refuses what Slack would: methods,
// parameters and blocks that it does not know.
//
// It is written from the method pages of the Web API reference at
// docs.slack.dev/reference/methods and from those of Block Kit, as of November 2026:
// auth.test, users.info, conversations.info, conversations.members, chat.postMessage,
// chat.postEphemeral, chat.update, chat.startStream, chat.appendStream, chat.stopStream,
// assistant.threads.setStatus, assistant.threads.setTitle, assistant.threads.setSuggestedPrompts,
// views.open, apps.connections.open, and the response_url of commands and clicks. Pages of
// members have two. Socket Mode is written from docs.slack.dev/apis/events-api/using-socket-mode.
package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Token is the bot token that the workspace knows.
const Token = "xoxb-fake-token-of-the-bot"

// Workspace is a fake workspace. It may be used by several goroutines at once.
type Workspace struct {
	*httptest.Server

	t testing.TB

	mu       sync.Mutex
	users    map[string]*User
	channels map[string]*Channel
	messages []*Message
	refused  map[string]string
	limited  map[string]int
	calls    map[string]int
	last     int
	joining  map[string][2]string // channel and user, by the method after whose next call
	threads  map[string]*Pane     // of the assistant's pane, by channel and thread
	forms    []Form
	seen     chan struct{} // closed and replaced when something was posted or shown
	sockets  sockets
}

// New serves a workspace until the test ends. It has the bot and nobody else.
func New(t testing.TB) *Workspace {
	t.Helper()
	w := &Workspace{
		t: t, users: map[string]*User{}, channels: map[string]*Channel{},
		refused: map[string]string{}, limited: map[string]int{}, calls: map[string]int{}, joining: map[string][2]string{},
		threads: map[string]*Pane{}, seen: make(chan struct{}), sockets: newSockets(),
	}
	w.Add(User{ID: BotID, Bot: true})
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(func() { w.hangUp(); w.Close() })
	return w
}

// APIURL is the address of the Web API.
func (w *Workspace) APIURL() string { return w.URL + "/api/" }

// method is a method of the Web API: its parameters, required ones with an exclamation
// mark, and what it answers.
type method struct {
	parameters string
	answer     func(w *Workspace, form url.Values) any
}

// methods are those that the bot may call.
var methods = map[string]method{
	"auth.test":             {"", (*Workspace).auth},
	"users.info":            {"user! include_locale", (*Workspace).userInfo},
	"conversations.info":    {"channel! include_locale include_num_members", (*Workspace).info},
	"conversations.members": {"channel! cursor limit", (*Workspace).members},
	"chat.postMessage":      {"channel! text blocks thread_ts unfurl_links! unfurl_media!", (*Workspace).post},
	"chat.postEphemeral":    {"channel! user! text blocks thread_ts", (*Workspace).post},
	"chat.update":           {"channel! ts! text blocks", (*Workspace).update},
	"chat.startStream":      {"channel! thread_ts! markdown_text recipient_user_id recipient_team_id", (*Workspace).start},
	"chat.appendStream":     {"channel! ts! markdown_text!", (*Workspace).appendTo},
	"chat.stopStream":       {"channel! ts! markdown_text blocks", (*Workspace).stop},

	"assistant.threads.setStatus":           {"channel_id! thread_ts! status!", (*Workspace).setStatus},
	"assistant.threads.setTitle":            {"channel_id! thread_ts! title!", (*Workspace).setTitle},
	"assistant.threads.setSuggestedPrompts": {"channel_id! thread_ts title prompts!", (*Workspace).setPrompts},
}

// bodies are methods whose parameters come as JSON.
var bodies = map[string]func(w *Workspace, token string, body []byte) any{
	"views.open":            (*Workspace).openView,
	"apps.connections.open": (*Workspace).openConnection,
}

// no is a refusal.
func no(code string) any { return map[string]any{"ok": false, "error": code} }

func (w *Workspace) serve(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path == linkPath {
		w.link(rw, r)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/respond/") {
		w.respond(rw, r)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/api/")
	m, known := methods[name]
	body := bodies[name]
	if !ok || !known && body == nil || r.Method != http.MethodPost {
		w.t.Errorf("slack: %s %s is no method that is known", r.Method, r.URL.Path)
		http.NotFound(rw, r)
		return
	}
	w.calls[name]++
	if w.limited[name] > 0 {
		w.limited[name]--
		rw.Header().Set("Retry-After", "1")
		rw.WriteHeader(http.StatusTooManyRequests)
		return
	}
	var out any
	if body != nil {
		out = w.answerBody(name, body, r)
	} else {
		if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
			w.t.Errorf("slack: %s: the parameters are no form in the body: %v", name, err)
		}
		out = w.answer(name, m, r)
	}
	if j, ok := w.joining[name]; ok {
		delete(w.joining, name)
		w.channels[j[0]].Members = append(w.channels[j[0]].Members, j[1])
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(out)
}

func (w *Workspace) answer(name string, m method, r *http.Request) any {
	form := r.PostForm
	if form.Get("token") != Token && r.Header.Get("Authorization") != "Bearer "+Token {
		return no("invalid_auth")
	}
	form.Del("token")
	if err := check(m, form); err != nil {
		w.t.Errorf("slack: %s: %v", name, err)
		return no("invalid_arguments")
	}
	if code := w.refused[name]; code != "" {
		return no(code)
	}
	return m.answer(w, form)
}

func (w *Workspace) answerBody(name string, answer func(*Workspace, string, []byte) any, r *http.Request) any {
	body, err := io.ReadAll(r.Body)
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if err != nil || !ok || r.URL.RawQuery != "" {
		w.t.Errorf("slack: %s: no token in the header, or parameters in the address: %v", name, err)
		return no("not_authed")
	}
	if code := w.refused[name]; code != "" {
		return no(code)
	}
	return answer(w, token, body)
}

// check refuses parameters that a method does not have, lacks, or that are too long.
func check(m method, form url.Values) error {
	allowed := map[string]bool{}
	for _, p := range strings.Fields(m.parameters) {
		name, required := strings.CutSuffix(p, "!")
		allowed[name] = true
		if required && form.Get(name) == "" {
			return fmt.Errorf("the parameter %s is missing", name)
		}
	}
	for name, values := range form {
		if !allowed[name] || len(values) != 1 {
			return fmt.Errorf("the parameter %s is not known, or given twice", name)
		}
	}
	if len(form.Get("markdown_text")) > 12_000 {
		return fmt.Errorf("markdown_text is too long")
	}
	for _, name := range []string{"unfurl_links", "unfurl_media"} {
		if allowed[name] && form.Get(name) != "false" {
			return fmt.Errorf("%s is not off", name)
		}
	}
	if form.Get("blocks") == "" {
		return nil
	}
	return checkBlocks([]byte(form.Get("blocks")))
}
