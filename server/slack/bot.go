package slack

import (
	"context"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// Asker answers questions: see answer.Asker.
type Asker interface {
	Start(ctx context.Context, ask answer.Ask) (answer.Started, error)
	Events(ctx context.Context, v cairn.Viewer, message string, after int) iter.Seq2[answer.Event, error]
}

// Config is what a Bot works with.
type Config struct {
	Store  Store
	Auth   *auth.Authenticator // counts requests by address
	Asker  Asker
	Finder answer.Finder // tells whether the asker may read more than the channel
	HTTP   *http.Client  // reaches Slack
	// Dial connects with Slack for Socket Mode.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Audit *audit.Writer // nil: no log is kept
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now

	Workspace     string       // id of the only workspace that is answered: T…; empty: there is no bot
	SigningSecret cairn.Secret // of Slack's requests; unset: none is taken
	AppToken      cairn.Secret // for Socket Mode; unset: none is used
	Token         cairn.Secret // of the bot
	// Domains are those of the addresses by which the operator lets Slack say who somebody
	// is, in lower case; beside them people are answered whom an administrator has approved.
	Domains  []string
	Audience int    // members of a channel that is answered for all to see; 0: 50
	APIURL   string // of the Web API, with a slash at its end; empty: Slack's
	BaseURL  string // under which browsers reach Cairn; empty: there are no links to it
}

const (
	defaultAudience = 50
	defaultAPIURL   = "https://slack.com/api/"
)

// Bot answers in one workspace. It may be used by several goroutines at once.
type Bot struct {
	cfg Config
	api *slack.Client

	mu     sync.Mutex
	self   string             // the bot's own user id
	people map[string]profile // by user id, for a moment
}

// New returns a Bot.
func New(cfg Config) *Bot {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Audience == 0 {
		cfg.Audience = defaultAudience
	}
	if cfg.APIURL == "" {
		cfg.APIURL = defaultAPIURL
	}
	cfg.APIURL = strings.TrimSuffix(cfg.APIURL, "/") + "/"
	return &Bot{
		cfg: cfg, people: make(map[string]profile),
		api: slack.New(cfg.Token.Reveal(), slack.OptionAppLevelToken(cfg.AppToken.Reveal()), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(cfg.HTTP)),
	}
}

// on reports whether there is a bot.
func (b *Bot) on() bool { return b.cfg.Workspace != "" }
