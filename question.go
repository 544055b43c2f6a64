package cairn

import "time"

// Mode says which legs of retrieval take part.
type Mode string

// The modes of a search.
const (
	ModeHybrid  Mode = "hybrid"
	ModeLexical Mode = "lexical"
	ModeDense   Mode = "dense"
)

// Query is one search by one viewer.
type Query struct {
	Viewer  Viewer
	Text    string
	Mode    Mode // empty: hybrid
	Filters Filters
	Limit   int  // results wanted, 1..100
	Offset  int  // results to leave out before them
	Explain bool // say how each result got its score
	// Literal takes Text as a question in plain words: quotation marks and minus
	// signs in it are no operators.
	Literal bool
}

// Filters narrow results; they never change statistics. The zero value narrows nothing.
type Filters struct {
	Sources       []string // names
	Kind          Kind
	Author        string
	UpdatedAfter  time.Time
	UpdatedBefore time.Time
	Attributes    map[string]string
}

// Zero reports whether f narrows nothing.
func (f Filters) Zero() bool {
	return len(f.Sources) == 0 && f.Kind == "" && f.Author == "" &&
		f.UpdatedAfter.IsZero() && f.UpdatedBefore.IsZero() && len(f.Attributes) == 0
}

// Passage is a byte range of one version of a document that a viewer may read,
// with what a person needs to recognise it.
type Passage struct {
	Number   int // position in a prompt or list of results, from 1
	Document DocumentID
	Version  Version
	Source   string // name
	Kind     Kind
	Title    string
	URL      string // with the anchor of the section
	Author   string
	Language string
	Heading  []string
	Start    int // bytes of the body
	End      int
	Text     string // body[Start:End]
	Score    float64
	Modified time.Time
	Places   []Place `json:"-"` // the sections that it touches, in order; may be empty
	AlsoIn   []Copy  `json:"-"` // other documents that hold it and that the viewer may read
	// AlsoInMore counts those that AlsoIn does not name.
	AlsoInMore int `json:"-"`
}

// Copy is a document that holds a passage too, or an older version of it.
type Copy struct {
	Document DocumentID
	Title    string
	Source   string // name
	URL      string
	Modified time.Time
	Older    bool // a version that differs, rather than a copy
}

// Place is a section that a passage touches, as a link to it.
type Place struct {
	Start   int // bytes of the body; it goes on to the next place
	Heading []string
	URL     string // with the anchor of the section
}

// At returns heading and address of the section that a byte of the body lies
// in; those of the whole passage when it does not know its sections.
func (p Passage) At(offset int) (heading []string, url string) {
	heading, url = p.Heading, p.URL
	for _, place := range p.Places {
		if place.Start > offset {
			break
		}
		heading, url = place.Heading, place.URL
	}
	return heading, url
}

// Outcome is how an answer ended.
type Outcome string

// The outcomes.
const (
	OutcomeAnswered Outcome = "answered"
	OutcomePartial  Outcome = "partial"   // a part of the question was answered, or the answer was cut short
	OutcomeNotFound Outcome = "not_found" // nothing that the viewer may read answers it
	OutcomeConflict Outcome = "conflict"  // the sources disagree
	OutcomeBlocked  Outcome = "blocked"   // a rule forbids the question or the answer
)

// Support says how well passages bear out a sentence.
type Support string

// The levels of support. SupportNone is for text that claims nothing.
const (
	Supported   Support = "supported"
	Partial     Support = "partial"
	Unsupported Support = "unsupported"
	SupportNone Support = "none"
)

// Sentence is a checked piece of an answer: a sentence, list item, table row or
// code block.
type Sentence struct {
	Start   int     `json:"start"` // bytes of Answer.Text, half-open
	End     int     `json:"end"`
	Support Support `json:"support"`
}

// Citation ties a place of an answer to the passage that supports it.
type Citation struct {
	Number      int // from 1, in order of first use in the answer
	AnswerStart int // bytes of Answer.Text that the passage supports
	AnswerEnd   int
	Document    DocumentID
	Version     Version
	Start       int // bytes of that version's body
	End         int
	Quote       string // body[Start:End]; empty when the state is CitationGone
	Support     Support

	// The rest describes the document for people and is empty when it is gone.
	Title    string
	URL      string
	Heading  []string
	Source   string
	Modified time.Time
	State    CitationState
}

// CitationState compares a citation with its document of today.
type CitationState string

// The states of a citation.
const (
	CitationCurrent CitationState = "current"
	CitationChanged CitationState = "changed" // the document has a newer version
	CitationGone    CitationState = "gone"    // deleted, or no longer readable by the viewer
)

// MessageState is where the writing of an answer is.
type MessageState string

// The states of a message.
const (
	MessageRunning  MessageState = "running"
	MessageComplete MessageState = "complete"
	MessageStopped  MessageState = "stopped" // by the person
	MessageFailed   MessageState = "failed"  // checked sentences are kept
)

// Notice tells the reader of an answer something about how it came about.
type Notice struct {
	Code    string `json:"code"` // stable, for programs: "model_unavailable", "truncated", …
	Message string `json:"message"`
}

// Usage is what the model calls of an answer consumed.
type Usage struct {
	InputTokens  int     `json:"input_tokens"`
	CachedTokens int     `json:"cached_tokens"`
	OutputTokens int     `json:"output_tokens"`
	CostUSD      float64 `json:"cost_usd"`
}

// Add returns the sums of u and v.
func (u Usage) Add(v Usage) Usage {
	return Usage{u.InputTokens + v.InputTokens, u.CachedTokens + v.CachedTokens, u.OutputTokens + v.OutputTokens, u.CostUSD + v.CostUSD}
}

// ExtractiveModel is the name under which answers made without a model appear.
const ExtractiveModel = "extractive"

// Answer is what a question gets.
type Answer struct {
	Conversation string
	Message      string
	State        MessageState
	Outcome      Outcome
	Text         string // Markdown without citation marks
	Sentences    []Sentence
	Citations    []Citation
	Nearest      []Passage // when nothing was found: what came closest
	Model        string    // ExtractiveModel, or the model's name
	Usage        Usage
	Notices      []Notice
	Took         time.Duration
	// Evidence is every document that the answer was made from, cited or not, those of
	// the history used included.
	Evidence []DocumentID
}

// Conversation is a thread of questions and answers of one account.
type Conversation struct {
	ID      string
	Account AccountID
	Title   string
	Created time.Time
	Updated time.Time
	// Evidence is what the first answer was made from; the title goes with its question.
	Evidence []DocumentID
}

// Message is one question with its answer in a conversation. Messages form a
// tree: a question asked again from the same parent is a branch.
type Message struct {
	ID           string // of the answer; what the API calls message_id
	Conversation string
	Parent       string // the message before it; empty for the first
	Question     string
	Answer       Answer
	Withheld     bool // its evidence is no longer all readable; texts are empty
	Created      time.Time
}
