package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// print writes reply as JSON when --json was given, else text.
func (e *environment) print(reply any, text string) error {
	if e.json {
		return e.printJSON(reply)
	}
	_, err := fmt.Fprintln(e.stdout, terminal.Clean(text))
	return err
}

// printJSON writes one JSON document.
func (e *environment) printJSON(reply any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(reply); err != nil {
		return err
	}
	_, err := e.stdout.Write(terminal.JSON(b.Bytes()))
	return err
}
