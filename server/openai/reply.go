package openai

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

// completion is a chat completion, whole or a chunk of one.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   any      `json:"usage,omitempty"`
	Cairn   *about   `json:"cairn,omitempty"`
}

type choice struct {
	Index    int     `json:"index"`
	Message  *reply  `json:"message,omitempty"` // of a whole completion
	Delta    *delta  `json:"delta,omitempty"`   // of a chunk
	Logprobs *int    `json:"logprobs"`          // null
	Finish   *string `json:"finish_reason"`     // null until the end
}

type reply struct {
	Role        string       `json:"role"`
	Content     string       `json:"content"`
	Refusal     *string      `json:"refusal"` // null
	Annotations []annotation `json:"annotations"`
}

type delta struct {
	Role        string       `json:"role,omitempty"`
	Content     *string      `json:"content,omitempty"`
	Annotations []annotation `json:"annotations,omitempty"`
}

// about is what Cairn knows of an answer beyond OpenAI's API.
type about struct {
	Outcome cairn.Outcome  `json:"outcome"`
	Notices []cairn.Notice `json:"notices"`
}

func aboutOf(a cairn.Answer) *about {
	return &about{a.Outcome, append([]cairn.Notice{}, a.Notices...)}
}

type usage struct {
	Prompt     int           `json:"prompt_tokens"`
	Completion int           `json:"completion_tokens"`
	Total      int           `json:"total_tokens"`
	Details    promptDetails `json:"prompt_tokens_details"`
}

type promptDetails struct {
	Cached int `json:"cached_tokens"`
}

// usageOf returns the tokens that the model has counted. An answer without a model has
// used none: its tokens are those of what was asked and given, estimated.
func usageOf(u cairn.Usage, asked, given int) usage {
	if u == (cairn.Usage{}) {
		u.InputTokens, u.OutputTokens = tokens(asked), tokens(given)
	}
	return usage{u.InputTokens, u.OutputTokens, u.InputTokens + u.OutputTokens, promptDetails{u.CachedTokens}}
}

// finishOf says why an answer ends whose text was given whole.
func finishOf(a cairn.Answer) string {
	switch {
	case a.Outcome == cairn.OutcomeBlocked:
		return finishFilter
	case a.State != cairn.MessageComplete || hasNotice(a, "truncated"):
		return finishLength
	}
	return finishStop
}

func hasNotice(a cairn.Answer, code string) bool {
	for _, n := range a.Notices {
		if n.Code == code {
			return true
		}
	}
	return false
}

// sink takes a completion as it is made.
type sink interface {
	// give takes what comes next of the content.
	give(text string, annotations []annotation) error
	// end takes the end: why, what is known of the answer, its tokens.
	end(finish string, a cairn.Answer, u usage) error
	// beat shows that the answer is still being made.
	beat() error
	// restart takes back what was given. It is called only before begun.
	restart()
	// begun reports whether something is with the reader.
	begun() bool
	// fail ends a completion that has begun with an error.
	fail(err error)
}

// whole collects a completion and sends it at once.
type whole struct {
	c    *gin.Context
	base completion
	text strings.Builder
	all  []annotation
}

func (w *whole) give(text string, annotations []annotation) error {
	w.text.WriteString(text)
	w.all = append(w.all, annotations...)
	return nil
}

func (w *whole) end(finish string, a cairn.Answer, u usage) error {
	out := w.base
	out.Object, out.Model, out.Usage, out.Cairn = "chat.completion", a.Model, u, aboutOf(a)
	message := &reply{Role: "assistant", Content: w.text.String(), Annotations: append([]annotation{}, w.all...)}
	out.Choices = []choice{{Message: message, Finish: &finish}}
	write(w.c, http.StatusOK, out)
	return nil
}

func (w *whole) beat() error { return nil }
func (w *whole) restart()    { w.text.Reset(); w.all = nil }
func (w *whole) begun() bool { return false }
func (w *whole) fail(error)  {}

// chunks sends a completion as server-sent events.
type chunks struct {
	c       *gin.Context
	rc      *http.ResponseController
	base    completion
	usage   bool // a last chunk tells of tokens
	started bool
	cited   int // annotations that were sent
}

func newChunks(c *gin.Context, base completion, usage bool) *chunks {
	base.Object = "chat.completion.chunk"
	if usage {
		base.Usage = json.RawMessage("null")
	}
	return &chunks{c: c, rc: http.NewResponseController(c.Writer), base: base, usage: usage}
}

// begin sends the role, which programs expect first.
func (s *chunks) begin() error {
	if s.started {
		return nil
	}
	s.started = true
	h := s.c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events otherwise
	s.c.Writer.WriteHeader(http.StatusOK)
	empty := ""
	return s.chunk(delta{Role: "assistant", Content: &empty}, nil, nil)
}

func (s *chunks) chunk(d delta, finish *string, known *about) error {
	out := s.base
	out.Choices, out.Cairn = []choice{{Delta: &d, Finish: finish}}, known
	return s.data(s.c.Writer, out)
}

func (s *chunks) data(w gin.ResponseWriter, v any) error {
	line, err := encode(v)
	if err != nil {
		return err
	}
	return s.write(w, "data: "+string(line)+"\n")
}

func (s *chunks) write(w gin.ResponseWriter, text string) error {
	if _, err := w.WriteString(text); err != nil {
		return err
	}
	return s.rc.Flush()
}

func (s *chunks) give(text string, annotations []annotation) error {
	if err := s.begin(); err != nil {
		return err
	}
	for i := range annotations {
		annotations[i].Index = new(s.cited)
		s.cited++
	}
	return s.chunk(delta{Content: &text, Annotations: annotations}, nil, nil)
}

func (s *chunks) end(finish string, a cairn.Answer, u usage) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.base.Model = a.Model
	if err := s.chunk(delta{}, &finish, aboutOf(a)); err != nil {
		return err
	}
	if s.usage {
		out := s.base
		out.Choices, out.Usage = []choice{}, u
		if err := s.data(s.c.Writer, out); err != nil {
			return err
		}
	}
	return s.write(s.c.Writer, "data: [DONE]\n\n")
}

func (s *chunks) beat() error {
	if err := s.begin(); err != nil {
		return err
	}
	return s.write(s.c.Writer, ": still here\n\n")
}

func (s *chunks) restart()    {}
func (s *chunks) begun() bool { return s.started }

// fail sends an error, also to who may read nothing else any more.
func (s *chunks) fail(err error) {
	body, _ := failureOf(server.FailureOf(err), err)
	_ = s.data(server.Unguarded(s.c), map[string]failure{"error": body})
}
