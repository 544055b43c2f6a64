package plain

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// MaxDepth is how deep JSON may be nested.
const MaxDepth = 200

// JSON extracts JSON, or several JSON values one after the other, indented by
// two spaces with one member a line. What is not JSON after all stays text.
// Nesting beyond MaxDepth fails with CodeCorrupt.
func JSON(src []byte, limit int) (*canon.Text, error) {
	t, text, err := data(src)
	if err != nil {
		return nil, err
	}
	deepest, indented := shape(text)
	if deepest > MaxDepth {
		return nil, canon.Failf(canon.CodeCorrupt,
			"The JSON is nested more than %d levels deep, which no document for people is. Split it up or leave it out.", MaxDepth)
	}
	if indented <= 2*limit {
		text = indent(text)
	}
	t.Body = Whole(t, text, limit)
	t.Sections = canon.Sections(len(t.Body), nil)
	return t, nil
}

// Data extracts YAML, TOML, XML and other configuration as it stands.
func Data(src []byte, limit int) (*canon.Text, error) {
	t, text, err := data(src)
	if err != nil {
		return nil, err
	}
	t.Body = Whole(t, text, limit)
	t.Sections = canon.Sections(len(t.Body), nil)
	return t, nil
}

func data(src []byte) (*canon.Text, []byte, error) {
	text, replaced, err := Decode(src, "")
	if err != nil {
		return nil, nil, err
	}
	t := &canon.Text{Kind: cairn.KindData}
	if replaced {
		t.Notice(canon.NoticeBadBytes)
	}
	return t, text, nil
}

// indent returns JSON values indented, or text itself when it is no JSON. An
// escape such as \u0000 stays as it is written.
func indent(text []byte) []byte {
	var out bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		if err := dec.Decode(&value); errors.Is(err, io.EOF) {
			return out.Bytes()
		} else if err != nil {
			return text
		}
		if err := json.Indent(&out, value, "", "  "); err != nil {
			return text
		}
		out.WriteByte('\n')
	}
}

// shape returns how deep brackets outside of strings are nested, and about how
// many bytes text would have when it is indented: white space can be most of it.
func shape(text []byte) (deepest, indented int) {
	level, quoted := 0, false
	indented = len(text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
			indented += 2*level + 1
		case c == '}' || c == ']':
			level = max(level-1, 0)
			indented += 2*level + 1
		case c == ',':
			indented += 2*level + 1
		}
	}
	return deepest, indented
}
