package eval

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// Question is a question with what a right answer rests on.
type Question struct {
	ID         string `json:"_id"`
	Text       string `json:"text"`
	Answer     string `json:"answer"` // reference answer, for people
	Answerable bool   `json:"answerable"`
	// Contains are strings of which any must occur in a cited passage of Source,
	// whatever the case and white space. Empty: any of the Relevant documents
	// must be cited.
	Contains []string       `json:"answer_contains"`
	Source   string         `json:"source"` // external id of the document
	Relevant map[string]int `json:"-"`
}

// LoadQuestions reads questions, one JSON object a line.
func LoadQuestions(path string) ([]Question, error) {
	var questions []Question
	err := readLines(path, func(q Question) error {
		questions = append(questions, q)
		return nil
	})
	return questions, err
}

// Questions returns the queries of a data set as answerable questions.
func (s *Set) Questions() []Question {
	questions := make([]Question, len(s.Queries))
	for i, q := range s.Queries {
		questions[i] = Question{ID: q.ID, Text: q.Text, Answer: q.Answer, Answerable: true, Relevant: q.Relevant}
	}
	return questions
}

// AnswersReport is what Answers measured.
type AnswersReport struct {
	Answerable   int       `json:"answerable"`
	Right        int       `json:"right"`  // answerable, and a cited passage holds the answer
	Missed       int       `json:"missed"` // answerable, and not found
	Unanswerable int       `json:"unanswerable"`
	Declined     int       `json:"declined"` // not answerable, and not found
	Verdicts     []Verdict `json:"verdicts"`
}

// Verdict is the judgement of one answer.
type Verdict struct {
	Question Question      `json:"question"`
	Right    bool          `json:"right"`
	Outcome  cairn.Outcome `json:"outcome"`
	Text     string        `json:"text"`
	Cited    []string      `json:"cited"` // "external id: quote"
}

// Ask asks a question and returns the answer.
type Ask func(ctx context.Context, text string) (cairn.Answer, error)

// Answers asks the first limit questions (0: all) and judges the answers by
// their citations. names maps documents to their external ids.
func Answers(ctx context.Context, questions []Question, names map[cairn.DocumentID]string, ask Ask, limit int) (AnswersReport, error) {
	var r AnswersReport
	if limit > 0 && limit < len(questions) {
		questions = questions[:limit]
	}
	for _, q := range questions {
		a, err := ask(ctx, q.Text)
		if err != nil {
			return AnswersReport{}, fmt.Errorf("question %s: %w", q.ID, err)
		}
		v := judge(q, a, names)
		r.Verdicts = append(r.Verdicts, v)
		switch {
		case !q.Answerable:
			r.Unanswerable++
			r.Declined += one(v.Right)
		default:
			r.Answerable++
			r.Right += one(v.Right)
			r.Missed += one(a.Outcome == cairn.OutcomeNotFound)
		}
	}
	return r, nil
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func judge(q Question, a cairn.Answer, names map[cairn.DocumentID]string) Verdict {
	v := Verdict{Question: q, Outcome: a.Outcome, Text: a.Text}
	if !q.Answerable {
		v.Right = a.Outcome == cairn.OutcomeNotFound
	}
	for _, c := range a.Citations {
		name := names[c.Document]
		v.Cited = append(v.Cited, name+": "+c.Quote)
		if q.Answerable && q.holds(name, c.Quote) {
			v.Right = true
		}
	}
	return v
}

// holds reports whether a cited passage answers the question.
func (q Question) holds(document, quote string) bool {
	if len(q.Contains) == 0 {
		return q.Relevant[document] > 0
	}
	quote = flat(quote)
	return strings.HasPrefix(document, q.Source) && slices.ContainsFunc(q.Contains, func(s string) bool { return strings.Contains(quote, flat(s)) })
}

// flat folds case and white space.
func flat(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
