package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/creack/pty"
	"pgregory.net/rapid"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

func TestChatInLines(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	s.stdin = "How much?\n\n  And drinks? \n"
	code, out, stderr := s.run("chat", "--source", "handbook")
	if code != exitDone || strings.Count(out, "Meals: 40 €.[1]␛[2J Drinks too.[?]") != 2 || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	want := []string{
		`POST /api/v1/ask {"question":"How much?","sources":["handbook"],"stream":true}`,
		`POST /api/v1/ask {"question":"And drinks?","conversation_id":"C1","sources":["handbook"],"stream":true}`,
	}
	if !slices.Equal(s.Requests(), want) {
		t.Errorf("asked %q", s.Requests())
	}
	s.expectJSON(exitDone, `{"conversation_id":"C1","answers":[`+theAnswer+`,`+theAnswer+`]}`, "chat")
	s.stdin = ""
	s.expectJSON(exitDone, `{"conversation_id":"","answers":[]}`, "chat")
}

// session is a person at a terminal.
type session struct {
	t      *testing.T
	master *os.File
	cancel context.CancelFunc
	ended  chan int

	mu      sync.Mutex
	printed bytes.Buffer
}

// sit runs a command line at a terminal that the test types into.
func (s *shell) sit(args ...string) *session {
	s.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &session{t: s.t, master: master, cancel: cancel, ended: make(chan int, 1)}
	p.resize(100, 30)
	s.t.Setenv("TERM", "xterm-256color")
	go func() { _, _ = io.Copy(p, master) }()
	go func() { p.ended <- run(ctx, args, slave, slave, slave) }()
	s.t.Cleanup(func() { cancel(); slave.Close(); master.Close() })
	return p
}

// Write takes what is printed.
func (p *session) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.Write(b)
}

func (p *session) resize(columns, rows uint16) {
	p.t.Helper()
	if err := pty.Setsize(p.master, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *session) keys(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, text); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits for a text on the screen, and forgets what was printed until then.
func (p *session) sees(text string) {
	p.t.Helper()
	for range 500 {
		p.mu.Lock()
		at := strings.Index(p.printed.String(), text)
		seen := at >= 0
		if seen {
			p.printed.Next(at + len(text))
		}
		p.mu.Unlock()
		if seen {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%q is not on the screen: %+q", text, p.printed.String())
}

func (p *session) ends(code int) {
	p.t.Helper()
	select {
	case got := <-p.ended:
		if got != code {
			p.t.Errorf("exit code %d, want %d", got, code)
		}
	case <-time.After(5 * time.Second):
		p.t.Fatal("it does not end")
	}
}

// TestChatAtATerminal types into the program: an answer with its sources, a second one
// that is stopped, an earlier conversation.
func TestChatAtATerminal(t *testing.T) {
	s := newShell(t)
	stopped := make(chan bool, 1)
	slow := make(chan bool)
	s.Handle("POST /api/v1/ask", func(w http.ResponseWriter, r *http.Request) {
		if b, _ := io.ReadAll(r.Body); !strings.Contains(string(b), "slow") {
			stream(w, answerSuccess)
			return
		}
		stream(w, answerSuccess[:4])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-slow:
		}
	})
	t.Cleanup(func() { close(slow) })
	s.Handle("DELETE /api/v1/messages/{id}/stream", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		stopped <- true
	})
	const head = `"id":"C7","title":"Old \u001b]52;c;x\u0007","created_at":"2026-10-02T09:30:00Z","updated_at":"2026-10-02T09:30:00Z"`
	s.Reply("GET /api/v1/conversations", 200, `{"conversations":[{`+head+`}],"next_cursor":null}`)
	s.Reply("GET /api/v1/conversations/{id}", 200, `{`+head+`,"messages":[]}`)

	p := s.sit("chat")
	p.sees("Ask a question.")
	p.keys("How much?\r")
	p.sees("40 €.")
	p.keys("\t")
	p.sees("Sources")
	p.keys("slow\r")
	p.sees("slow")
	time.Sleep(100 * time.Millisecond) // for the first sentence
	p.keys("\x03")
	p.sees("Stopped.")
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		t.Error("the server was not told to stop")
	}
	p.resize(60, 20)
	p.keys("\x0f")
	p.sees("Conversations")
	p.sees("␛]52;c;x␇")
	p.keys("\r")
	p.sees("Ask a question.")
	p.keys("\x03")
	p.ends(exitDone)
	p.sees("--conversation C7")
}

// An answer that nobody waits for any more, because the program is ended, is stopped.
func TestChatThatIsEnded(t *testing.T) {
	s := newShell(t)
	s.Handle("POST /api/v1/ask", func(w http.ResponseWriter, r *http.Request) {
		stream(w, append(answerEvents[:3:3], event{"delta", delta("Slowly.", 0, 7, "supported")}))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	s.Reply("DELETE /api/v1/messages/{id}/stream", http.StatusNoContent, "")
	p := s.sit("chat")
	p.sees("Ask a question.")
	p.keys("How much?\r")
	p.sees("Slowly.")
	p.cancel()
	p.ends(exitFailed)
	s.asked("DELETE /api/v1/messages/M1/stream")
}

// screenOf returns the lines that a chat shows.
func screenOf(m *chat) []string { return strings.Split(m.View().Content, "\n") }

// Whatever is said, typed and asked for, the screen has its size, and nothing on it
// commands the terminal.
func TestChatScreenProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			parts := append([]string{"a", "word ", "**bold words**", "\n", "| a | b |\n", "```\ncode\n```\n", "日本語", "👩‍👧"}, hostile...)
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(t, "parts"), "")
		})
		m := newChat(t.Context(), nil, client.AskRequest{}, &terminal.Screen{Terminal: true, Colour: true})
		width, height := rapid.IntRange(smallestWidth, 130).Draw(t, "width"), rapid.IntRange(smallestHeight, 40).Draw(t, "height")
		m.Update(tea.WindowSizeMsg{Width: width, Height: height})
		for range rapid.IntRange(0, 3).Draw(t, "turns") {
			said := text.Draw(t, "answer")
			m.turns = append(m.turns, &turn{
				question: text.Draw(t, "question"), problem: text.Draw(t, "problem"),
				answer: client.Answer{
					Text: said, Notices: []client.Notice{{Message: text.Draw(t, "notice")}},
					Citations: []client.Citation{{Number: 1, AnswerEnd: len(said), Title: text.Draw(t, "title"), Source: text.Draw(t, "source"), Quote: text.Draw(t, "quote"), URL: text.Draw(t, "url")}},
				},
			})
		}
		m.conversations = []client.Conversation{{Title: text.Draw(t, "conversation")}, {Title: "x"}}
		m.Update(tea.PasteMsg{Content: text.Draw(t, "pasted")})
		m.panel = panel(rapid.IntRange(0, 2).Draw(t, "panel"))
		for _, code := range rapid.SliceOf(rapid.SampledFrom([]rune{tea.KeyUp, tea.KeyDown, tea.KeyPgUp, tea.KeyPgDown, tea.KeyLeft, tea.KeyBackspace, tea.KeyHome, tea.KeyEscape})).Draw(t, "keys") {
			m.Update(tea.KeyPressMsg{Code: code})
		}
		lines := screenOf(m)
		if len(lines) != height {
			t.Fatalf("%d lines on a screen of %d", len(lines), height)
		}
		for _, line := range lines {
			plain := allowedOnTerminals.ReplaceAllString(line, "")
			if n := terminal.Width(plain); n > width {
				t.Fatalf("%q has %d columns on a screen of %d", plain, n, width)
			}
			if strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("%+q is on the screen", line)
			}
		}
		if c := m.View().Cursor; c == nil || c.X < 0 || c.X >= width || c.Y >= height {
			t.Fatalf("the cursor is at %+v on a screen of %d columns", c, width)
		}
	})
}

func TestChatKeys(t *testing.T) {
	m := newChat(t.Context(), nil, client.AskRequest{}, &terminal.Screen{})
	if got := m.View().Content; got != "Too small" {
		t.Errorf("%q", got)
	}
	m.Update(tea.WindowSizeMsg{Width: 40, Height: 10})
	m.turns = []*turn{{question: "first"}, {question: "second"}}
	for _, step := range []struct {
		key  tea.KeyPressMsg
		want string
	}{
		{tea.KeyPressMsg{Code: tea.KeyUp}, "second"}, {tea.KeyPressMsg{Code: tea.KeyUp}, "first"}, {tea.KeyPressMsg{Code: tea.KeyUp}, "first"},
		{tea.KeyPressMsg{Code: tea.KeyDown}, "second"}, {tea.KeyPressMsg{Code: 'w', Mod: tea.ModCtrl}, ""},
		{tea.KeyPressMsg{Code: 'ü', Text: "ü"}, "ü"}, {tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}, "ü "}, {tea.KeyPressMsg{Code: tea.KeyHome}, "ü "},
		{tea.KeyPressMsg{Code: 'x', Text: "x"}, "xü "}, {tea.KeyPressMsg{Code: tea.KeyBackspace}, "ü "}, {tea.KeyPressMsg{Code: tea.KeyDelete}, " "},
	} {
		if m.Update(step.key); m.input.Text() != step.want {
			t.Errorf("after %s the input is %q, want %q", step.key, m.input.Text(), step.want)
		}
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); cmd == nil {
		t.Error("Ctrl-C does not quit")
	}
}
