package slacktest

import (
	"encoding/json"
	"net/url"
	"slices"
)

// Pane is a thread of the assistant's pane.
type Pane struct {
	Title    string
	Prompts  []string // the messages that are proposed
	Statuses []string // that were shown, in order
}

// OpenPane begins a thread of the pane and returns the body of its event.
func (w *Workspace) OpenPane(event, user, channel, thread string) string {
	w.mu.Lock()
	w.threads[channel+" "+thread] = &Pane{}
	w.mu.Unlock()
	return paneEvent(event, "assistant_thread_started", user, channel, thread)
}

// OpenHome returns the body of the event that somebody opens the conversation with the bot in
// the view of agents, in which every thread is one of the pane.
func (w *Workspace) OpenHome(event, user, channel string) string {
	w.mu.Lock()
	w.threads[channel+" "] = &Pane{}
	w.mu.Unlock()
	return callback(event, map[string]any{"type": "app_home_opened", "user": user, "channel": channel, "tab": "messages", "event_ts": "1700000000.000001"})
}

// MovePane returns the body of the event that somebody looks at another channel beside it.
func MovePane(event, user, channel, thread string) string {
	return paneEvent(event, "assistant_thread_context_changed", user, channel, thread)
}

func paneEvent(event, kind, user, channel, thread string) string {
	return callback(event, map[string]any{"type": kind, "event_ts": thread, "assistant_thread": map[string]any{
		"user_id": user, "channel_id": channel, "thread_ts": thread, "context": map[string]any{"channel_id": "C1", "team_id": TeamID, "enterprise_id": nil},
	}})
}

// Pane returns what a thread of the pane shows.
func (w *Workspace) Pane(channel, thread string) Pane {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.threads[channel+" "+thread]
	if p == nil {
		return Pane{}
	}
	return Pane{p.Title, slices.Clone(p.Prompts), slices.Clone(p.Statuses)}
}

// inPane does something to the thread of a request; others than those of the pane it refuses.
func (w *Workspace) inPane(form url.Values, do func(p *Pane)) any {
	at := form.Get("channel_id") + " " + form.Get("thread_ts")
	if w.threads[at] == nil && w.threads[form.Get("channel_id")+" "] != nil {
		w.threads[at] = &Pane{}
	}
	p := w.threads[at]
	if p == nil {
		return no("channel_not_supported")
	}
	do(p)
	w.shown()
	return map[string]any{"ok": true}
}

func (w *Workspace) setStatus(form url.Values) any {
	return w.inPane(form, func(p *Pane) { p.Statuses = append(p.Statuses, form.Get("status")) })
}

func (w *Workspace) setTitle(form url.Values) any {
	return w.inPane(form, func(p *Pane) { p.Title = form.Get("title") })
}

func (w *Workspace) setPrompts(form url.Values) any {
	var prompts []struct {
		Title   string `json:"title"`
		Message string `json:"message"`
	}
	if err := strictly([]byte(form.Get("prompts")), &prompts); err != nil || len(prompts) == 0 || len(prompts) > 4 {
		w.t.Errorf("slack: prompts are one to four: %s: %v", form.Get("prompts"), err)
		return no("invalid_arguments")
	}
	return w.inPane(form, func(p *Pane) {
		p.Prompts = nil
		for _, one := range prompts {
			if one.Title == "" || one.Message == "" {
				w.t.Errorf("slack: a prompt without a title or a message: %+v", one)
			}
			p.Prompts = append(p.Prompts, one.Message)
		}
	})
}

// Form is a form that was opened for somebody.
type Form struct {
	Trigger  string
	Callback string `json:"callback_id"`
	Metadata string `json:"private_metadata"`
	view     json.RawMessage
}

// Text returns the form as JSON.
func (f Form) Text() string { return string(f.view) }

// Forms returns the forms that were opened.
func (w *Workspace) Forms() []Form {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.forms)
}
