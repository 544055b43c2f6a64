package openai

import (
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

// Why a content ends.
const (
	finishStop   = "stop"
	finishLength = "length"
	finishFilter = "content_filter"
)

// bytesPerToken is about what English takes: tokens of answers that no model has counted
// are counted by it.
const bytesPerToken = 4

func tokens(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

// piece is a checked piece of an answer, such as a sentence, with what bears it out.
type piece struct {
	text       string // white space before it included
	start, end int    // the claim in text
	support    cairn.Support
	citations  []cairn.Citation
}

// content makes the text of a message from the pieces of an answer, and gives it out as
// it comes: with the links of citations, up to a stop text or a number of tokens. A piece
// that nothing supports is left out, because nothing would mark it in plain text. It is
// used by one goroutine.
type content struct {
	stops  []string
	most   int  // tokens of the answer itself; 0: any number
	inline bool // links in the text
	base   string
	give   func(text string, annotations []annotation) error

	seen      int // bytes of the answer that came
	waiting   []piece
	gap       string // between what stands and the next piece
	bytes     int    // of the answer itself that were given
	chars     int    // of all that was given
	sentence  [2]int // where the last claim lies in it, in characters
	ranges    map[string][2]int
	tail      bool   // what was given ends with the last claim and its links, at ranges
	truncated string // why nothing more is to come; empty: more may
}

// inPart marks a sentence that its documents bear out in part, as the command line does.
const inPart = " [~]"

// event takes a step of the answer. What is complete by now is given out.
func (t *content) event(e answer.Event) error {
	switch e.Type {
	case answer.EventDelta:
		return t.delta(e)
	case answer.EventCitation:
		return t.cite(*e.Citation)
	case answer.EventReset: // what was given stands: every piece of it is borne out
		t.waiting, t.seen = nil, 0
		if t.chars > 0 {
			t.gap = "\n\n"
		}
	}
	return nil
}

func (t *content) delta(e answer.Event) error {
	err := t.release(false)
	start := max(0, e.Sentence.Start-t.seen)
	t.seen += len(e.Text)
	if e.Sentence.Support == cairn.Unsupported || t.truncated != "" {
		return err
	}
	p := piece{text: e.Text, start: min(start, len(e.Text)), end: len(e.Text), support: e.Sentence.Support}
	if end := e.Sentence.End - (t.seen - len(e.Text)); end >= p.start && end <= len(e.Text) {
		p.end = end
	}
	if t.gap != "" || t.chars == 0 && len(t.waiting) == 0 {
		blank := len(p.text) - len(strings.TrimLeft(p.text, " \t\r\n"))
		blank = min(blank, p.start)
		shift := len(t.gap) - blank
		p.text, p.start, p.end = t.gap+p.text[blank:], p.start+shift, p.end+shift
		t.gap = ""
	}
	t.waiting = append(t.waiting, p)
	return err
}

// idle gives out what is complete when nothing has come for a while: a claim is when it has
// a citation.
func (t *content) idle() error {
	if n := len(t.waiting); n > 0 && t.waiting[n-1].support != cairn.SupportNone && len(t.waiting[n-1].citations) == 0 {
		return nil
	}
	return t.release(false)
}

// cite adds a citation to the piece before it, also when that is out already.
func (t *content) cite(c cairn.Citation) error {
	switch {
	case t.truncated != "" || c.Support == cairn.Unsupported:
		return nil
	case len(t.waiting) > 0:
		last := &t.waiting[len(t.waiting)-1]
		last.citations = append(last.citations, c)
		return nil
	case t.chars == 0:
		return nil
	}
	link := markdownLink(titleOf(c), addressOf(c, t.base))
	place, known := t.ranges[link]
	text := ""
	switch {
	case known:
	case t.tail:
		text = " " + link
		place = [2]int{t.chars + 1, t.chars + 1 + utf8.RuneCountInString(link)}
		t.chars, t.ranges[link] = place[1], place
	default:
		place = t.sentence
	}
	return t.give(text, []annotation{t.annotate(c, place, t.sentence)})
}

// release gives out the pieces that are complete, but for what may begin a stop text; at
// the end all.
func (t *content) release(end bool) error {
	for len(t.waiting) > 0 && t.truncated == "" {
		var all strings.Builder
		for _, p := range t.waiting {
			all.WriteString(p.text)
		}
		first := &t.waiting[0]
		at, open := t.stopIn(all.String())
		switch {
		case at >= 0 && at < len(first.text):
			return t.stopAt(*first, at)
		case at < 0 && open < len(first.text) && !end:
			return nil
		}
		if t.most > 0 && tokens(t.bytes+len(first.text)) > t.most {
			t.truncated, t.waiting = finishLength, nil
			return nil
		}
		p := *first
		t.waiting = t.waiting[1:]
		if err := t.put(p); err != nil {
			return err
		}
	}
	return nil
}

// stopIn returns where a text has the stop text that is complete first, -1 for nowhere, and
// from where on what follows might make one of its end.
func (t *content) stopIn(text string) (at, open int) {
	at, open = -1, len(text)
	ends := len(text) + 1
	for _, stop := range t.stops {
		if i := strings.Index(text, stop); i >= 0 && (i+len(stop) < ends || i+len(stop) == ends && i < at) {
			at, ends = i, i+len(stop)
		}
		for n := min(len(stop)-1, len(text)); n > 0; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				open = min(open, len(text)-n)
				break
			}
		}
	}
	return at, open
}

// stopAt gives out what stands in a piece before a stop text.
func (t *content) stopAt(p piece, at int) error {
	if t.most > 0 && tokens(t.bytes+at) > t.most {
		t.truncated, t.waiting = finishLength, nil
		return nil
	}
	t.truncated, t.waiting = finishStop, nil
	p.text, p.end = p.text[:at], min(p.end, at)
	if p.start = min(p.start, p.end); p.start == p.end {
		p.citations = nil
	}
	return t.put(p)
}

// put gives out a piece with its links.
func (t *content) put(p piece) error {
	t.bytes += len(p.text)
	chars := utf8.RuneCountInString
	at, before := whereLinksGo(p)
	if before == " " && strings.HasSuffix(p.text[:at], " ") { // cut by a stop text
		before = ""
	}
	links, places := "", make([][2]int, len(p.citations))
	t.ranges, t.tail = map[string][2]int{}, t.inline && at == len(p.text) && before == " "
	if t.inline && p.support == cairn.Partial && before != "\n\n" {
		links = inPart
	}
	for i, c := range p.citations {
		if !t.inline {
			break
		}
		link := markdownLink(titleOf(c), addressOf(c, t.base))
		if _, known := t.ranges[link]; !known {
			links += before
			begin := t.chars + chars(p.text[:at]) + chars(links)
			links += link
			t.ranges[link] = [2]int{begin, begin + chars(link)}
		}
		places[i] = t.ranges[link]
	}
	text := p.text[:at] + links + p.text[at:]
	end := p.end
	if at < end { // a row has its links inside
		end += len(links)
	}
	begin := t.chars + chars(text[:p.start])
	t.sentence = [2]int{begin, begin + chars(text[p.start:end])}
	var annotations []annotation
	for i, c := range p.citations {
		if !t.inline {
			places[i] = t.sentence
		}
		annotations = append(annotations, t.annotate(c, places[i], t.sentence))
	}
	if text == "" {
		return nil
	}
	t.chars += chars(text)
	return t.give(text, annotations)
}

// whereLinksGo returns where the links of a piece belong in its text, and what stands
// before each: inside the last cell of a row, which they would break, and below code.
func whereLinksGo(p piece) (at int, before string) {
	claim := p.text[p.start:p.end]
	switch {
	case strings.HasPrefix(claim, "```") || strings.HasPrefix(claim, "~~~") || strings.HasSuffix(claim, "```") || strings.HasSuffix(claim, "~~~"):
		return len(p.text), "\n\n"
	case strings.HasSuffix(claim, "|") && strings.HasPrefix(strings.TrimLeft(p.text, " \t\r\n"), "|"):
		return p.start + len(strings.TrimRight(claim[:len(claim)-1], " ")), " "
	}
	return p.end, " "
}

func (t *content) annotate(c cairn.Citation, place, sentence [2]int) annotation {
	return annotation{
		Type:     "url_citation",
		Citation: urlCitation{Start: place[0], End: place[1], URL: addressOf(c, t.base), Title: titleOf(c)},
		Cairn: evidence{
			Document: c.Document, Version: c.Version, Source: c.Source, Quote: c.Quote, Support: c.Support,
			SentenceStart: sentence[0], SentenceEnd: sentence[1],
		},
	}
}
