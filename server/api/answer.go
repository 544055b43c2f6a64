package api

import (
	"time"

	"github.com/cairnhq/cairn"
)

// answerBody is an answer as it is sent.
type answerBody struct {
	Conversation string             `json:"conversation_id"`
	Message      string             `json:"message_id"`
	State        cairn.MessageState `json:"state"`
	Outcome      cairn.Outcome      `json:"outcome"`
	Text         string             `json:"text"`
	Sentences    []sentence         `json:"sentences"`
	Citations    []citation         `json:"citations"`
	Nearest      []passage          `json:"nearest"`
	Model        string             `json:"model"`
	Usage        usage              `json:"usage"`
	Notices      []notice           `json:"notices"`
	Took         int64              `json:"took_ms"`
}

type sentence struct {
	Start   int           `json:"start"`
	End     int           `json:"end"`
	Support cairn.Support `json:"support"`
}

type citation struct {
	Number      int                 `json:"number"`
	AnswerStart int                 `json:"answer_start"`
	AnswerEnd   int                 `json:"answer_end"`
	Document    cairn.DocumentID    `json:"document_id"`
	Version     cairn.Version       `json:"version"`
	Start       int                 `json:"start"`
	End         int                 `json:"end"`
	Quote       string              `json:"quote"`
	Title       string              `json:"title"`
	URL         string              `json:"url"`
	Heading     []string            `json:"heading"`
	Source      string              `json:"source"`
	Updated     *time.Time          `json:"updated_at"`
	Support     cairn.Support       `json:"support"`
	State       cairn.CitationState `json:"state"`
}

type usage struct {
	InputTokens  int     `json:"input_tokens"`
	CachedTokens int     `json:"cached_tokens"`
	OutputTokens int     `json:"output_tokens"`
	CostUSD      float64 `json:"cost_usd"`
}

type notice struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func answerOf(a cairn.Answer) answerBody {
	out := answerBody{
		Conversation: a.Conversation, Message: a.Message, State: a.State, Outcome: a.Outcome, Text: a.Text,
		Sentences: make([]sentence, len(a.Sentences)), Citations: make([]citation, len(a.Citations)),
		Nearest: passagesOf(a.Nearest, nil), Model: a.Model, Usage: usage(a.Usage),
		Notices: noticesOf(a.Notices), Took: a.Took.Milliseconds(),
	}
	for i, s := range a.Sentences {
		out.Sentences[i] = sentence(s)
	}
	for i, c := range a.Citations {
		out.Citations[i] = citationOf(c)
	}
	return out
}

func noticesOf(notices []cairn.Notice) []notice {
	out := make([]notice, len(notices))
	for i, n := range notices {
		out[i] = notice(n)
	}
	return out
}

// citationOf shows nothing of a document that is gone, whatever the store left in c.
func citationOf(c cairn.Citation) citation {
	out := citation{
		Number: c.Number, AnswerStart: c.AnswerStart, AnswerEnd: c.AnswerEnd, Document: c.Document, Version: c.Version,
		Start: c.Start, End: c.End, Heading: []string{}, Support: c.Support, State: c.State,
	}
	if c.State == cairn.CitationGone {
		return out
	}
	if out.State == "" {
		out.State = cairn.CitationCurrent
	}
	out.Quote, out.Title, out.URL, out.Heading = c.Quote, c.Title, c.URL, list(c.Heading)
	out.Source, out.Updated = c.Source, moment(c.Modified)
	return out
}

// withheld is the notice of an answer that the caller may no longer read.
var withheld = cairn.Notice{
	Code:    "withheld",
	Message: "This answer was made from documents that you may no longer read, so its text is not shown. Ask the question again.",
}

// answerOfMessage shows of a withheld message nothing but that it exists.
func answerOfMessage(m cairn.Message) answerBody {
	if !m.Withheld {
		return answerOf(m.Answer)
	}
	return answerOf(cairn.Answer{
		Conversation: m.Conversation, Message: m.ID, State: m.Answer.State, Model: m.Answer.Model,
		Notices: []cairn.Notice{withheld},
	})
}
