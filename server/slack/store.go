package slack

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// Kind says what a task is.
type Kind string

// The kinds of tasks.
const (
	Mention  Kind = "mention"  // a question in a channel
	Direct   Kind = "direct"   // a question in a direct message
	Command  Kind = "command"  // a question by the slash command
	Pane     Kind = "pane"     // the assistant's pane was opened
	Shortcut Kind = "shortcut" // the form to ask about a message is to be shown
	About    Kind = "about"    // a question about a message
	Share    Kind = "share"    // an answer is to be shown to all
	Feedback Kind = "feedback" // an answer was rated
)

// Task is what one request of Slack asks for.
type Task struct {
	ID      string `json:"-"` // of the event or the click
	Kind    Kind   `json:"kind"`
	User    string `json:"user"`
	Channel string `json:"channel"`
	Thread  string `json:"thread,omitempty"` // first message of the thread
	First   bool   `json:"first,omitempty"`  // the question is that message: nobody has replied yet
	Text    string `json:"text,omitempty"`   // the question, or the message of the shortcut, as Slack writes it
	// About is the text of the message that is asked about: somebody else's words.
	About   string `json:"about,omitempty"`
	Trigger string `json:"trigger,omitempty"` // opens the form
	// Response is where the answer to a command or click may be sent.
	Response string `json:"response,omitempty"`
	Message  string `json:"message,omitempty"` // of ours, that was shared or rated
	Up       bool   `json:"up,omitempty"`      // how it was rated
	// Stranger says that Slack told of somebody of another workspace.
	Stranger bool `json:"stranger,omitempty"`

	Reply    string `json:"-"` // the message in Slack that answers it; empty before there is one
	Attempts int    `json:"-"` // this one included
	Claim    string `json:"-"` // of this process
}

// Store keeps tasks, and knows accounts and answers. It may be used by several goroutines
// at once.
type Store interface {
	// Add stores a task and queues its job in one transaction, and reports whether its id is
	// new; nothing is done for one that is not.
	Add(ctx context.Context, t Task) (fresh bool, err error)
	// Take claims a task, or returns ErrNotFound when it is done or somebody else's.
	Take(ctx context.Context, id string) (Task, error)
	// Keep gives a sign of life and stores Reply. Like Finish and Release it returns
	// ErrConflict when the task is somebody else's by now.
	Keep(ctx context.Context, t Task) error
	// Finish ends a task and forgets what was asked.
	Finish(ctx context.Context, t Task) error
	// Release gives a task back, to be taken again after a time.
	Release(ctx context.Context, t Task, after time.Duration) error

	// Holder returns the account that an administrator has given to an address in a workspace
	// or, byAddress, the one that has it; else ErrNotFound. The address is folded.
	Holder(ctx context.Context, workspace, email string, byAddress bool) (auth.Holder, error)
	// ThreadConversation returns the conversation of an account in a thread; empty: none.
	ThreadConversation(ctx context.Context, channel, thread string, account cairn.AccountID) (string, error)
	// SetThreadConversation notes it.
	SetThreadConversation(ctx context.Context, channel, thread string, account cairn.AccountID, conversation string) error
	// Titles returns the titles of the newest documents that the viewer may read.
	Titles(ctx context.Context, v cairn.Viewer, limit int) ([]string, error)
	// Readable reports whether v may read all of the documents now.
	Readable(ctx context.Context, v cairn.Viewer, documents []cairn.DocumentID) (bool, error)
	// Message returns an answer of the viewer's account, or ErrNotFound.
	Message(ctx context.Context, v cairn.Viewer, id string) (cairn.Message, error)
	// Rate stores what the viewer thinks of an answer of hers, or returns ErrNotFound.
	Rate(ctx context.Context, v cairn.Viewer, message string, up bool) error
}
