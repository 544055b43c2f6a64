package slack_test

import (
	"fmt"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/connectors/slack/slacktest"
)

// BenchmarkSync reads 200 threads of four messages whole, one request a thread.
func BenchmarkSync(b *testing.B) {
	const threads = 200
	s := slacktest.New(b)
	s.SetPages(999)
	s.Change(func(w *slacktest.World) {
		c := w.Channel("ops")
		for n := range threads {
			root := w.Post(c, &slacktest.Message{TS: w.Stamp(ago(n % 20)), User: w.Person("ann@example.com").ID, Text: fmt.Sprintf("Question %d", n)})
			for range 3 {
				w.Post(c, &slacktest.Message{Thread: root.TS, User: root.User, Text: "A *reply* of a few words with `code` and <https://example.com|a link>."})
			}
		}
	})
	connectortest.BenchmarkSync(b, threads, func() connectors.Connector {
		return connectortest.Open(b, slack.Kind(), s.Env, s.Settings())
	})
}
