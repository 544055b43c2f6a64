package code

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// maxProgram bounds the steps of an expression, which every byte may cost; maxWork what
// one line may: a longer one is left out.
const (
	maxProgram = 2000
	maxWork    = 200_000_000
)

// pattern finds matches on a line. It may be used by several goroutines at once.
type pattern struct {
	expression *regexp.Regexp // nil: the text itself
	steps      int            // of the expression
	automata   *sync.Pool     // of the expression
	text       []byte         // the text itself, or what every match of the expression holds; may be empty
	fold       bool           // ASCII letters of text stand for both cases
	word       bool           // whole words alone
	plan       plan
}

// compile returns the pattern of a query, except of a symbol. Errors are ErrInvalid.
func (q Query) compile() (*pattern, error) {
	if q.Kind == Regex {
		return compileExpression(q.Text)
	}
	// The plan of a text is that of the expression which is this text.
	p := &pattern{text: []byte(q.Text), plan: planOf(&syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune(q.Text)})}
	if q.Kind == Reference {
		p.word = true
	} else {
		p.fold = !strings.ContainsFunc(q.Text, unicode.IsUpper)
	}
	if p.fold {
		p.text = folded(p.text)
	}
	return p, nil
}

func compileExpression(text string) (*pattern, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	var syntactic *syntax.Error
	switch {
	case errors.As(err, &syntactic) && (syntactic.Code == syntax.ErrLarge || syntactic.Code == syntax.ErrNestingDepth || syntactic.Code == syntax.ErrInvalidRepeatSize):
		return nil, cairn.Errorf(cairn.ErrInvalid, "the expression is too large: %s", syntactic.Code)
	case errors.As(err, &syntactic):
		return nil, cairn.Errorf(cairn.ErrInvalid, "the expression cannot be read (the syntax is RE2's, without look-around and back-references): %s: %q", syntactic.Code, syntactic.Expr)
	case err != nil:
		return nil, cairn.Errorf(cairn.ErrInvalid, "the expression cannot be read")
	}
	tree = tree.Simplify()
	program, err := syntax.Compile(tree)
	if err != nil || len(program.Inst) > maxProgram {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the expression is too large: it may have %d steps; repeat less, or leave out alternatives", maxProgram)
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the expression cannot be read")
	}
	p := &pattern{
		expression: expression, steps: len(program.Inst), automata: &sync.Pool{New: func() any { return newAutomaton(program) }}, plan: planOf(tree),
	}
	if text := required(tree); len(text) >= 3 { // shorter ones are on too many lines
		p.text = []byte(text)
	}
	return p, nil
}

// isWord reports whether neither end of a range lies within a name.
func isWord(line []byte, from, to int) bool { return startsWord(line, from) && endsWord(line, to) }

func startsWord(line []byte, at int) bool {
	r, _ := utf8.DecodeLastRune(line[:at])
	return at == 0 || !inName(r)
}

func endsWord(line []byte, at int) bool {
	r, _ := utf8.DecodeRune(line[at:])
	return at == len(line) || !inName(r)
}

func inName(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// lineMatch is a line with a match: bytes of the body, and bytes of the line.
type lineMatch struct {
	line       int // from 1
	start, end int
	from, to   int
}

// lines calls found for every line with a match until it returns false. left says that a
// line was left out because it is too long for the expression. It ends early when ctx does.
func (p *pattern) lines(ctx context.Context, body []byte, found func(lineMatch) bool) (left bool) {
	next := p.lineOfText(body)
	if p.expression != nil {
		a, _ := p.automata.Get().(*automaton) // always one
		defer p.automata.Put(a)
		next = p.lineOfExpression(ctx, a, body)
	}
	line, counted := 1, 0 // the line that begins at counted
	for at := 0; at < len(body) && ctx.Err() == nil; {
		m, ok := next(at)
		if !ok {
			return left
		}
		at = m.end + 1
		if p.expression != nil {
			if (m.end-m.start)*p.steps > maxWork {
				left = true
				continue
			}
			loc := p.expression.FindIndex(body[m.start:m.end])
			if loc == nil {
				continue // the automaton knows no better, but this says where
			}
			m.from, m.to = loc[0], loc[1]
		}
		line += bytes.Count(body[counted:m.start], []byte{'\n'})
		counted, m.line = m.start, line
		if !found(m) {
			return left
		}
	}
	return left
}

// lineOfText returns a function that finds the next line with the text, and where on it.
func (p *pattern) lineOfText(body []byte) func(at int) (lineMatch, bool) {
	haystack := body
	if p.fold {
		haystack = folded(body)
	}
	return func(at int) (m lineMatch, ok bool) {
		for {
			i := bytes.Index(haystack[at:], p.text)
			if i < 0 {
				return m, false
			}
			from, to := at+i, at+i+len(p.text)
			if p.word && !isWord(body, from, to) {
				at = from + 1
				continue
			}
			m.start, m.end = lineAround(body, from)
			m.from, m.to = from-m.start, to-m.start
			return m, true
		}
	}
}

// lineOfExpression returns a function that finds the next line that the expression matches.
func (p *pattern) lineOfExpression(ctx context.Context, a *automaton, body []byte) func(at int) (lineMatch, bool) {
	return func(at int) (m lineMatch, ok bool) {
		if len(p.text) == 0 {
			m.start, m.end, ok = a.line(ctx, body, at)
			return m, ok
		}
		for at < len(body) {
			i := bytes.Index(body[at:], p.text)
			if i < 0 {
				return m, false
			}
			m.start, m.end = lineAround(body, at+i)
			if _, _, ok = a.line(ctx, body[m.start:m.end], 0); ok {
				return m, true
			}
			at = m.end + 1
		}
		return m, false
	}
}
