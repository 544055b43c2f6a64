package main

import (
	"cmp"
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// chatScreen runs the chat on the whole terminal until the person quits.
func (e *environment) chatScreen(ctx context.Context, c *client.Client, req client.AskRequest) error {
	m := newChat(ctx, c, req, e.screen())
	// The library draws; what others wrote has passed a guard before, in View.
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(e.stdin),
		tea.WithOutput(terminal.Unguarded(e.stdout)), tea.WithoutSignalHandler()).Run()
	if tell := m.stop(); tell != nil {
		tell()
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	if err == nil && m.req.ConversationID != "" {
		e.note("Go on with: cairn chat --conversation %s", terminal.Line(m.req.ConversationID))
	}
	return err
}

// panel is what stands beside the conversation.
type panel int

const (
	noPanel panel = iota
	sourcesPanel
	historyPanel
)

// turn is a question with what has come of its answer.
type turn struct {
	question string
	answer   client.Answer
	phase    string // while nothing of the answer has come
	problem  string // why the answer ended; empty: it did not, or is whole

	lines []string // as they were laid out last
	width int      // for which
}

// asking is an answer that is being made.
type asking struct {
	cancel  context.CancelFunc
	events  chan tea.Msg
	message string // its id, once known
}

// chat is the state of the screen.
type chat struct {
	ctx    context.Context //nolint:containedctx // the library has none to hand on
	client *client.Client
	req    client.AskRequest
	look   *terminal.Screen // what the terminal can do

	width, height int
	turns         []*turn
	input         terminal.Editor
	recalled      int // how many questions back the input is; 0: it is new
	scroll        int // lines above the end
	panel         panel
	conversations []client.Conversation
	selected      int
	now           *asking // nil: nothing is being answered
	note          string  // in the last line
}

func newChat(ctx context.Context, c *client.Client, req client.AskRequest, look *terminal.Screen) *chat {
	return &chat{ctx: ctx, client: c, req: req, look: look}
}

// What the program is told.
type (
	answerEvent struct {
		of    *asking
		event client.Event
		err   error // with it the answer ends
	}
	listed struct {
		conversations []client.Conversation
		err           error
	}
	opened struct {
		conversation client.Conversation
		err          error
	}
)

// Init implements tea.Model.
func (m *chat) Init() tea.Cmd {
	if m.req.ConversationID != "" {
		return m.open(m.req.ConversationID)
	}
	return nil
}

// Update implements tea.Model.
func (m *chat) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.PasteMsg:
		m.input.Insert(msg.Content)
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case answerEvent:
		return m, m.event(msg)
	case listed:
		m.conversations, m.selected = msg.conversations, 0
		m.tell(msg.err)
	case opened:
		m.show(msg)
	}
	return m, nil
}

// tell shows an error in the last line.
func (m *chat) tell(err error) {
	if err != nil {
		m.note = terminal.Line(err.Error())
	}
}

// key does what a key is for.
func (m *chat) key(k tea.KeyPressMsg) tea.Cmd {
	m.note = ""
	switch k.String() {
	case "ctrl+c":
		if m.now != nil {
			return m.stop()
		}
		return tea.Quit
	case "ctrl+d":
		if m.input.Text() == "" && m.now == nil {
			return tea.Quit
		}
	case "enter":
		return m.enter()
	case "tab":
		m.toggle(sourcesPanel)
	case "ctrl+o":
		if m.toggle(historyPanel) {
			return m.list()
		}
	case "ctrl+n":
		if m.now == nil {
			m.turns, m.req.ConversationID, m.scroll = nil, "", 0
		}
	case "esc":
		m.panel = noPanel
	case "pgup", "pgdown":
		m.page(k.String() == "pgup")
	case "up", "down":
		m.move(k.String() == "up")
	default:
		m.input.Key(k.String(), k.Text)
	}
	return nil
}

// toggle opens or closes a panel, and reports whether it is open now.
func (m *chat) toggle(p panel) bool {
	if m.panel == p {
		p = noPanel
	}
	m.panel = p
	return p != noPanel
}

// page scrolls by half a page; View keeps it within what there is.
func (m *chat) page(up bool) {
	step := max(1, m.height/2)
	if !up {
		step = -step
	}
	m.scroll = max(0, m.scroll+step)
}

// move goes through the conversations, or through the questions that were asked.
func (m *chat) move(up bool) {
	if m.panel == historyPanel {
		step := 1
		if up {
			step = -1
		}
		m.selected = min(max(m.selected+step, 0), max(0, len(m.conversations)-1))
		return
	}
	step := -1
	if up {
		step = 1
	}
	m.recalled = min(max(m.recalled+step, 0), len(m.turns))
	text := ""
	if m.recalled > 0 {
		text = m.turns[len(m.turns)-m.recalled].question
	}
	m.input.Set(text)
}

func (m *chat) enter() tea.Cmd {
	if m.panel == historyPanel {
		m.panel = noPanel
		if m.now != nil || m.selected >= len(m.conversations) {
			return nil
		}
		return m.open(m.conversations[m.selected].ID)
	}
	question := terminal.Line(m.input.Text())
	switch {
	case question == "":
		return nil
	case m.now != nil:
		m.note = "An answer is being made; Ctrl-C stops it."
		return nil
	}
	m.input.Set("")
	m.recalled, m.scroll = 0, 0
	m.turns = append(m.turns, &turn{question: question, phase: "asking"})
	return m.ask(question)
}

// ask begins an answer. Its events come one by one.
func (m *chat) ask(question string) tea.Cmd {
	ctx, cancel := context.WithCancel(m.ctx)
	now := &asking{cancel: cancel, events: make(chan tea.Msg)}
	m.now = now
	req := m.req
	req.Question = question
	go func() {
		defer close(now.events)
		for event, err := range m.client.Ask(ctx, req) {
			select {
			case now.events <- answerEvent{now, event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return now.next
}

// next waits for the next event.
func (a *asking) next() tea.Msg {
	if msg, ok := <-a.events; ok {
		return msg
	}
	return answerEvent{of: a, err: errors.New("the answer has no end; ask again")}
}

// event takes an event of the answer that is being made.
func (m *chat) event(e answerEvent) tea.Cmd {
	if e.of != m.now {
		return nil // of one that was stopped
	}
	t := m.turns[len(m.turns)-1]
	t.width = 0 // to be laid out anew
	err := e.err
	if err == nil {
		err = m.take(t, e.event)
	}
	if err != nil || e.event.Name == "done" {
		if err != nil {
			t.problem = cmp.Or(terminal.Line(advise(err, "Sign in with cairn login.").Error()), "It failed")
		}
		m.now.cancel()
		m.now = nil
		return nil
	}
	return m.now.next
}

// take adds what an event tells to a turn.
func (m *chat) take(t *turn, e client.Event) error {
	switch e.Name {
	case "start":
		var s client.Started
		if err := e.Decode(&s); err != nil {
			return err
		}
		m.now.message, m.req.ConversationID = s.MessageID, s.ConversationID
	case "status":
		var s client.Status
		if err := e.Decode(&s); err != nil {
			return err
		}
		t.phase = s.Phase
	case "delta":
		var d client.Delta
		if err := e.Decode(&d); err != nil {
			return err
		}
		t.answer.Text += d.Text
		t.answer.Sentences = append(t.answer.Sentences, client.Sentence{Start: d.Start, End: d.End, Support: d.Support})
	case "citation":
		var c client.Citation
		if err := e.Decode(&c); err != nil {
			return err
		}
		t.answer.Citations = append(t.answer.Citations, c)
	case "reset":
		t.answer = client.Answer{}
	case "done":
		t.phase, t.answer = "", client.Answer{}
		if err := e.Decode(&t.answer); err != nil {
			return err
		}
		return failed(t.answer)
	}
	return nil
}

// failed returns why an answer is not whole. That nothing was found is no failure here.
func failed(a client.Answer) error {
	if err := outcome(a); !errors.Is(err, errNothingFound) {
		return err
	}
	return nil
}

// stop ends the answer that is being made; what has come of it stays.
func (m *chat) stop() tea.Cmd {
	if m.now == nil {
		return nil
	}
	now := m.now
	m.now = nil
	now.cancel()
	t := m.turns[len(m.turns)-1]
	t.problem, t.width = "stopped", 0
	m.note = "Stopped. Ctrl-C again quits."
	if now.message == "" {
		return nil
	}
	return func() tea.Msg { stopAnswer(m.ctx, m.client, now.message); return nil }
}

// list reads the person's conversations.
func (m *chat) list() tea.Cmd {
	return func() tea.Msg {
		l, err := m.client.Conversations(m.ctx)
		return listed{l.Items, err}
	}
}

func (m *chat) open(id string) tea.Cmd {
	return func() tea.Msg {
		c, err := m.client.Conversation(m.ctx, id)
		return opened{c, missing(err, "conversation", id)}
	}
}

// show puts a conversation in the place of the one on the screen.
func (m *chat) show(o opened) {
	if m.tell(o.err); o.err != nil || m.now != nil {
		return
	}
	m.turns, m.scroll, m.recalled = nil, 0, 0
	m.req.ConversationID = o.conversation.ID
	for _, message := range o.conversation.Messages {
		t := &turn{question: message.Question, answer: message.Answer}
		switch {
		case message.Withheld:
			t.question, t.problem = cmp.Or(t.question, "…"), "withheld: you may no longer read all that it was made from"
		case message.Answer.State == cairn.MessageRunning:
			t.problem = "still being made; open the conversation again"
		}
		m.turns = append(m.turns, t)
	}
}
