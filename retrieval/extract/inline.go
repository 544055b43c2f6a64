package extract

import (
	"context"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// InlineBytes is how long a text may be that Inline reads: what takes the
// parsers no more than some milliseconds, whatever it holds.
const InlineBytes = 64 << 10

// Inline returns the canonical form of a text that was given as such, in this
// process: what a Pool makes of it, without the way to a child. It takes
// Markdown and plain text of up to InlineBytes in UTF-8, which are read by Go
// code whose time is bounded; of anything else ok is false, and it belongs into
// a Pool. The error is a *Failure when it is the document's.
func Inline(ctx context.Context, in Input, text string) (t *Text, ok bool, err error) {
	if len(text) > InlineBytes || !utf8.ValidString(text) {
		return nil, false, nil
	}
	f := &file{in: in, format: byExtension[extension(in)], spool: &spool{}, size: int64(len(text))}
	if !f.format.text || f.format.parser != parseMarkdown && f.format.parser != parseText {
		return nil, false, nil
	}
	content := []byte(text)
	if f.format.parser == parseText && mimetype.Detect(content).Is("text/html") {
		return nil, false, nil
	}
	if _, err := f.spool.Write(content); err != nil {
		return nil, false, err
	}
	e := &extractor{limits: DefaultLimits()}
	defer e.survive(&t, &err)
	t, err = e.read(ctx, f)
	return t, true, err
}
