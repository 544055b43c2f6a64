package slacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// strictly decodes JSON without fields that are not known.
func strictly(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// object is text of Block Kit.
type object struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
	Emoji    *bool  `json:"emoji"`
}

func (o object) check(longest int) error {
	switch {
	case o.Text == "" || len(o.Text) > longest:
		return fmt.Errorf("a text is empty or longer than %d", longest)
	case o.Type == "mrkdwn" && !o.Verbatim:
		return fmt.Errorf("links and names would be made of what is in %q", o.Text)
	case o.Type == "mrkdwn" && (strings.Contains(o.Text, "<!") || strings.Contains(o.Text, "<#")):
		return fmt.Errorf("%q calls a channel", o.Text)
	case o.Type != "mrkdwn" && o.Type != "plain_text":
		return fmt.Errorf("a text of the type %q", o.Type)
	}
	return nil
}

// button is one of feedback_buttons.
type button struct {
	Text  object `json:"text"`
	Value string `json:"value"`
}

// element is one of a block of actions.
type element struct {
	Type     string  `json:"type"`
	Action   string  `json:"action_id"`
	Text     *object `json:"text"`
	Value    string  `json:"value"`
	URL      string  `json:"url"`
	Positive *button `json:"positive_button"`
	Negative *button `json:"negative_button"`
}

func (e element) check(block string) error {
	switch {
	case e.Action == "" || len(e.Value) > 2000 || len(e.URL) > 3000:
		return fmt.Errorf("a button without an action, or too long")
	case block == "actions" && e.Type == "button" && e.Text != nil:
		return e.Text.check(75)
	case block == "context_actions" && e.Type == "feedback_buttons" && e.Positive != nil && e.Negative != nil:
		return nil
	}
	return fmt.Errorf("a %s in %s", e.Type, block)
}

// checkBlocks refuses what Block Kit does not know.
func checkBlocks(b []byte) error {
	var blocks []json.RawMessage
	if err := json.Unmarshal(b, &blocks); err != nil || len(blocks) > 50 {
		return fmt.Errorf("no list of 50 blocks at most: %w", err)
	}
	for _, raw := range blocks {
		if err := checkBlock(raw); err != nil {
			return fmt.Errorf("%w: %s", err, raw)
		}
	}
	return nil
}

func checkBlock(raw []byte) error {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	switch kind.Type {
	case "markdown":
		var in struct{ Type, Text string }
		if err := strictly(raw, &in); err != nil {
			return err
		}
		if in.Text == "" || len(in.Text) > 12_000 {
			return fmt.Errorf("the text is empty or too long")
		}
		return nil
	case "context":
		var in struct {
			Type     string
			Elements []object
		}
		if err := strictly(raw, &in); err != nil {
			return err
		}
		if len(in.Elements) == 0 || len(in.Elements) > 10 {
			return fmt.Errorf("a context has 1 to 10 elements")
		}
		for _, o := range in.Elements {
			if err := o.check(3000); err != nil {
				return err
			}
		}
		return nil
	case "actions", "context_actions":
		var in struct {
			Type     string
			Elements []element
		}
		if err := strictly(raw, &in); err != nil {
			return err
		}
		for _, e := range in.Elements {
			if err := e.check(kind.Type); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("a block of the type %q", kind.Type)
}
