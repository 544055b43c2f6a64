package slacktest

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// modal is a form.
type modal struct {
	Type     string            `json:"type"`
	Callback string            `json:"callback_id"`
	Metadata string            `json:"private_metadata"`
	Title    object            `json:"title"`
	Submit   object            `json:"submit"`
	Close    object            `json:"close"`
	Blocks   []json.RawMessage `json:"blocks"`
}

// input is a block of a form.
type input struct {
	Type     string  `json:"type"`
	Block    string  `json:"block_id"`
	Label    object  `json:"label"`
	Hint     *object `json:"hint"`
	Optional bool    `json:"optional"`
	Element  struct {
		Type   string `json:"type"`
		Action string `json:"action_id"`
		Length int    `json:"max_length"`
	} `json:"element"`
}

func (w *Workspace) openView(token string, body []byte) any {
	var in struct {
		Trigger string          `json:"trigger_id"`
		View    json.RawMessage `json:"view"`
	}
	if token != Token {
		return no("invalid_auth")
	}
	err := strictly(body, &in)
	f := Form{Trigger: in.Trigger, view: in.View}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		w.t.Errorf("slack: views.open: %v: %s", err, body)
		return no("invalid_arguments")
	}
	for _, before := range w.forms {
		if before.Trigger == in.Trigger {
			return no("exchanged_trigger_id")
		}
	}
	w.forms = append(w.forms, f)
	w.shown()
	return map[string]any{"ok": true, "view": map[string]any{"id": "V" + in.Trigger}}
}

func (f *Form) check() error {
	var v modal
	if err := strictly(f.view, &v); err != nil {
		return err
	}
	f.Callback, f.Metadata = v.Callback, v.Metadata
	if v.Type != "modal" || v.Callback == "" || utf8.RuneCountInString(v.Metadata) > 3000 || len(v.Blocks) == 0 || len(v.Blocks) > 100 {
		return fmt.Errorf("no modal with a callback, 100 blocks and metadata of 3000 characters at most")
	}
	for _, o := range []object{v.Title, v.Submit, v.Close} {
		if err := o.check(24); err != nil || o.Type != "plain_text" {
			return fmt.Errorf("titles and buttons of forms are plain and short: %w", err)
		}
	}
	for _, raw := range v.Blocks {
		if err := checkFormBlock(raw); err != nil {
			return fmt.Errorf("%w: %s", err, raw)
		}
	}
	return nil
}

func checkFormBlock(raw []byte) error {
	var section struct {
		Type string `json:"type"`
		Text object `json:"text"`
	}
	if strictly(raw, &section) == nil && section.Type == "section" {
		return section.Text.check(3000)
	}
	var in input
	if err := strictly(raw, &in); err != nil {
		return err
	}
	if in.Type != "input" || in.Block == "" || in.Element.Type != "plain_text_input" || in.Element.Action == "" || in.Element.Length > 3000 {
		return fmt.Errorf("no input of text with its ids")
	}
	if in.Hint != nil {
		if err := in.Hint.check(2000); err != nil {
			return err
		}
	}
	return in.Label.check(2000)
}
