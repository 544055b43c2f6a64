package main

import (
	"encoding/json"
	"fmt"
)

// print writes reply as JSON when --json was given, else text.
func (e *environment) print(reply any, text string) error {
	if e.json {
		return e.printJSON(reply)
	}
	_, err := fmt.Fprintln(e.stdout, text)
	return err
}

// printJSON writes one JSON document.
func (e *environment) printJSON(reply any) error {
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(reply)
}
