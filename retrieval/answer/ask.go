package answer

import "github.com/cairnhq/cairn"

// Ask is one question by one viewer.
type Ask struct {
	Viewer       cairn.Viewer
	Question     string
	Context      string // what the viewer gave with the question: her own words, never evidence, not stored
	Conversation string // empty: a new one
	Parent       string // the message that the question follows; empty: the last one of the conversation
	Filters      cairn.Filters
	Model        string // empty: the configured one

	// Ephemeral questions begin a conversation of their own, which is kept only while
	// they are answered: see Asker.Forget.
	Ephemeral bool
	History   []Turn // what was said before an ephemeral question, by the word of who asks
	Style     string // how the answer should be worded; see Question
	MaxTokens int    // see Question
}

// Started names a question that was stored and is being answered.
type Started struct {
	Conversation string
	Message      string
}
