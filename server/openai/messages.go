package openai

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cairnhq/cairn/retrieval/answer"
)

const (
	maxQuestion = 8000 // characters, as in /api/v1/ask
	maxStyle    = 8000 // characters of all system messages
	maxMessages = 2000
)

// message is one of a conversation.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // a string, an array of parts or null

	// What makes it part of a conversation with tools, which there are none of here.
	ToolCalls    json.RawMessage `json:"tool_calls"`
	FunctionCall json.RawMessage `json:"function_call"`
	Audio        json.RawMessage `json:"audio"`
}

// part is a part of a message's content.
type part struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Refusal string `json:"refusal"`
}

// said is what the messages come to.
type said struct {
	question string        // the last message of the user
	history  []answer.Turn // what was said before, oldest first
	style    string        // of the system messages
}

// readMessages returns what the messages come to. The last but for those of the system must be
// the user's: it is the question.
func readMessages(messages []message) (said, error) {
	var out said
	if len(messages) > maxMessages {
		return out, invalid("messages", codeInvalidValue, "There are more than %d messages.", maxMessages)
	}
	var style []string
	var open []string // what the user has said since the last answer
	for i, m := range messages {
		param := fmt.Sprintf("messages[%d]", i)
		text, err := m.text(param)
		if err != nil {
			return out, err
		}
		switch m.Role {
		case "system", "developer":
			style = append(style, text)
		case "user":
			open = append(open, text)
		case "assistant":
			if len(open) > 0 {
				out.history = append(out.history, turn(open, text))
			}
			open = nil
		default:
			return out, invalid(param+".role", codeUnsupported, "The role %s is not supported: messages are of the system, the developer, the user or the assistant.", quote(m.Role))
		}
	}
	if len(open) == 0 {
		return out, invalid("messages", codeInvalidValue, "The last message must be the user's: it is the question.")
	}
	if len(open) > 1 {
		out.history = append(out.history, turn(open[:len(open)-1], "(not answered)"))
	}
	out.question, out.style = strings.TrimSpace(open[len(open)-1]), strings.TrimSpace(strings.Join(style, "\n\n"))
	return out, out.check()
}

func (s said) check() error {
	switch {
	case s.question == "":
		return invalid("messages", codeInvalidValue, "The last message of the user is empty: it is the question.")
	case strings.Contains(s.question, "\x00"):
		return invalid("messages", codeInvalidValue, "The last message of the user holds a NUL character; leave it out.")
	case utf8.RuneCountInString(s.question) > maxQuestion:
		return invalid("messages", codeContextLength, "The last message of the user is longer than %d characters. It is the question: leave documents out, they are searched here.", maxQuestion)
	case utf8.RuneCountInString(s.style) > maxStyle:
		return invalid("messages", codeContextLength, "The system messages are longer than %d characters together. They say how answers should be worded: leave documents out, they are searched here.", maxStyle)
	}
	return nil
}

// turn returns an earlier question with its answer. Neither is evidence: they only say
// what the question is about.
func turn(questions []string, reply string) answer.Turn {
	return answer.Turn{Question: cut(strings.Join(questions, "\n"), maxQuestion), Answer: cut(ownLinks.ReplaceAllString(reply, ""), maxQuestion)}
}

// cut returns at most so many characters of a text.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// text returns what a message says.
func (m message) text(param string) (string, error) {
	for name, value := range map[string]json.RawMessage{"tool_calls": m.ToolCalls, "function_call": m.FunctionCall, "audio": m.Audio} {
		if !isOneOf(value, "[]") {
			return "", invalid(param+"."+name, codeUnsupported, "%s is not supported: there are no tools and no sound here.", quote(name))
		}
	}
	if isOneOf(m.Content) {
		return "", nil
	}
	var text string
	if json.Unmarshal(m.Content, &text) == nil {
		return text, nil
	}
	var parts []part
	if json.Unmarshal(m.Content, &parts) != nil {
		return "", invalid(param+".content", codeInvalidValue, "The content of a message must be a string or an array of parts.")
	}
	var all []string
	for i, p := range parts {
		switch p.Type {
		case "text":
			all = append(all, p.Text)
		case "refusal":
			all = append(all, p.Refusal)
		default:
			return "", invalid(fmt.Sprintf("%s.content[%d]", param, i), codeUnsupported, "Parts of the type %s are not supported: messages are text.", quote(p.Type))
		}
	}
	return strings.Join(all, "\n"), nil
}

// ownLinks finds what was added to the sentences of an earlier answer.
var ownLinks = regexp.MustCompile(`\s*\[~\]|\s*\(\[(?:\\.|[^\]\\])*\]\([^()\s]*\)\)`)
