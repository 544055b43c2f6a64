package slack

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/slack/slacktest"
)

// TestInert takes the sting out of what documents may hold, piece by piece as well as at
// once.
func TestInert(t *testing.T) {
	for _, text := range []string{
		"<!channel>", "<!here|x>", "<@U1>", "<#C1>", "<https://evil.example|docs>", "@channel", "hi @here", "(@everyone)", "[x](https://evil.example)", "![x](//evil.example)",
		"[x][1]", "[1]: //evil.example", "see https://evil.example", "www.evil.example", "&lt;!channel&gt;",
	} {
		got := inert(text)
		for _, sting := range []string{"<!", "<@", "<#", "<h", "@c", "@h", "@e", "](", "][", "]:", "://", "www.e", "&l"} {
			if strings.Contains(got, sting) {
				t.Errorf("%q becomes %q, which holds %q", text, got, sting)
			}
		}
	}
	for _, text := range []string{"Ann wrote to bob@acme.test: 3 < 4, [1] and a & b.", "It costs 180 €. See # 5."} {
		if got := inert(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"<", "@", "!", "]", "(", ":", "/", "w", "www.", ".", " ", "a", "here", "&", "é", "https:"})).Draw(t, "parts"), "")
		end := rapid.IntRange(0, len(text)).Draw(t, "end")
		for end < len(text) && text[end]&0xC0 == 0x80 {
			end++
		}
		if whole, part := inert(text), inert(text[:end]); !strings.HasPrefix(whole, part) {
			t.Fatalf("%q is not the beginning of %q", part, whole)
		}
	})
}

func TestQuestion(t *testing.T) {
	for in, want := range map[string]string{
		"<@U0CAIRN> What is   new?": "What is new?", "<@U1|ann> in <#C1|general>": "ann in #general", "see <https://a.test|the page> &amp; <https://b.test>": "see the page & https://b.test",
		"<!channel> hi": "hi", "<@U0CAIRN>": "",
	} {
		if got := question(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// kept is a Store that takes signs of life.
type kept struct{ Store }

func (kept) Keep(context.Context, Task) error { return nil }

func newTestStream(t *testing.T) (*slacktest.Workspace, string, *work, *Bot) {
	w := slacktest.New(t)
	channel := w.Channel()
	b := New(Config{
		Store: kept{}, HTTP: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Workspace: slacktest.TeamID,
		Token: cairn.NewSecret(slacktest.Token), APIURL: w.APIURL(),
	})
	return w, channel, &work{b: b, task: Task{Kind: Mention, User: "U1", Channel: channel, Thread: "1.1"}}, b
}

// only returns what the only message of a channel shows.
func only(t *testing.T, w *slacktest.Workspace, channel string) slacktest.Message {
	t.Helper()
	all := w.Messages(channel)
	if len(all) != 1 {
		t.Fatalf("%d messages", len(all))
	}
	return all[0]
}

// TestStream writes a message piece by piece: at once the first, then what a second or
// 512 bytes bring.
func TestStream(t *testing.T) {
	t.Parallel()
	w, channel, work, b := newTestStream(t)
	s := b.newStream(t.Context(), work)
	add := func(text string) {
		t.Helper()
		s.text += text
		if err := s.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	add("First.")
	if m := only(t, w, channel); m.Text != "First." || !m.Streaming {
		t.Errorf("the first piece waits: %+v", m)
	}
	add(" Second.")
	if m := only(t, w, channel); m.Text != "First." {
		t.Errorf("the second piece does not wait: %+v", m)
	}
	add(strings.Repeat(" more", 110))
	if m := only(t, w, channel); m.Appends != 1 || !strings.HasPrefix(m.Text, "First. Second. more") {
		t.Errorf("%+v", m)
	}
	add(" Last.")
	if err := s.finish(t.Context(), rating("m")); err != nil {
		t.Fatal(err)
	}
	if m := only(t, w, channel); m.Streaming || !strings.HasSuffix(m.Text, "more Last.") || !strings.Contains(m.Blocks, "feedback_buttons") {
		t.Errorf("%+v", m)
	}
}

// TestStreamAnew begins a message again: after a second attempt at an answer, and in
// another process after a restart. It stays one message.
func TestStreamAnew(t *testing.T) {
	t.Parallel()
	w, channel, work, b := newTestStream(t)
	s := b.newStream(t.Context(), work)
	s.text = "Wrong."
	if err := s.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.reset(t.Context())
	s.text = "Right."
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := only(t, w, channel); m.Text != "" || !strings.Contains(m.Blocks, "Right.") || strings.Contains(m.Blocks, "Wrong") {
		t.Errorf("%+v", m)
	}
	again := b.newStream(t.Context(), work)
	again.text = "After a restart."
	again.last = time.Now().Add(-time.Minute)
	if err := again.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := only(t, w, channel); !strings.Contains(m.Blocks, "After a restart.") {
		t.Errorf("%+v", m)
	}
}
