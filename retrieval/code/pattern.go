package code

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
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
	return &pattern{expression: expression, steps: len(program.Inst), text: []byte(required(tree)), plan: planOf(tree)}, nil
}

// find returns the first match on a line, of which haystack is the folded form when the
// pattern folds. known is where the text stands.
func (p *pattern) find(line, haystack []byte) (from, to int, ok bool) {
	if p.expression != nil {
		loc := p.expression.FindIndex(line)
		if loc == nil {
			return 0, 0, false
		}
		return loc[0], loc[1], true
	}
	for at := 0; ; {
		i := bytes.Index(haystack[at:], p.text)
		if i < 0 {
			return 0, 0, false
		}
		from, to = at+i, at+i+len(p.text)
		if !p.word || isWord(line, from, to) {
			return from, to, true
		}
		at = from + 1
	}
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
	haystack := body
	if p.fold {
		haystack = folded(body)
	}
	line, counted := 1, 0 // the line that begins at counted
	for at, n := 0, 1; at < len(body); n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return left
		}
		if len(p.text) > 0 {
			i := bytes.Index(haystack[at:], p.text)
			if i < 0 {
				return left
			}
			at += i
		}
		start := bytes.LastIndexByte(body[:at], '\n') + 1
		end := len(body)
		if i := bytes.IndexByte(body[at:], '\n'); i >= 0 {
			end = at + i
		}
		at = end + 1
		if p.expression != nil && (end-start)*p.steps > maxWork {
			left = true
			continue
		}
		from, to, ok := p.find(body[start:end], haystack[start:end])
		if !ok {
			continue
		}
		line += bytes.Count(body[counted:start], []byte{'\n'})
		counted = start
		if !found(lineMatch{line: line, start: start, end: end, from: from, to: to}) {
			return left
		}
	}
	return left
}
