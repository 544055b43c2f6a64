package extract

import (
	"regexp"
	"strings"

	"github.com/abadojack/whatlanggo"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// languageSample is how many bytes of a body decide its language.
const languageSample = 16 << 10

var notProse = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|https?://\\S+|[\\w.+-]+@[\\w.-]+|\\]\\([^)]*\\)|<[^>]*>")

// language returns the language of a text as ISO 639-1 code, empty when the
// statistics are not sure. Of code it looks at nothing: names are no prose.
func language(t *Text) string {
	switch t.Kind {
	case cairn.KindCode, cairn.KindData, cairn.KindSpreadsheet:
		return ""
	}
	sample := notProse.ReplaceAllString(string(canon.Cut(t.Body, languageSample)), " ")
	if letters := len(strings.Join(strings.Fields(sample), "")); letters < 60 {
		return ""
	}
	info := whatlanggo.Detect(sample)
	if !info.IsReliable() {
		return ""
	}
	return info.Lang.Iso6391()
}
