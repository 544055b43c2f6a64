// Package verifytest holds test material for checking that a sentence of an
// answer is supported by the passages it cites.
//
// The material is a set of faithful paraphrases, each beside its passages, and
// a generator that turns a paraphrase into sentences that the passages do not
// support: with another number, another date, another name, or the opposite
// polarity. A checker is good when it flags the mutants and lets the
// paraphrases through. No paraphrase shares six words in a row with a passage,
// so a checker that only looks for copied text lets none of them through.
//
// The package knows nothing of any checker, and must stay so: cases and
// mutations are not to be chosen by what some checker finds easy.
package verifytest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed testdata/faithful.jsonl
var faithful []byte

// A Case is one faithful paraphrase and what it paraphrases.
type Case struct {
	ID       string   `json:"id"`       // unique, begins with the language
	Lang     string   `json:"lang"`     // "en", "de", "fr" or "es"
	Passages []string `json:"passages"` // the source text, one or more
	Sentence string   `json:"sentence"` // says nothing that the passages do not say
	Names    []Name   `json:"names"`    // those names in Sentence that may be swapped

	// Bounds says of the numbers and parts of dates that Sentence gives as a
	// limit ("up to five", "by Friday") which change makes it false, because the
	// other still follows from the passages: "at least 10" follows from "at
	// least 12". The key is the number or part as it stands in the sentence, the
	// value "less", "more" or "fixed" (not to be changed). What has no bound may
	// change both ways.
	Bounds map[string]string `json:"bounds"`

	// Negated is the sentence with the opposite polarity, written by hand where
	// the rules of Mutations would give bad grammar; empty otherwise.
	Negated string `json:"negated"`
}

// A Name is a name as it stands in the sentence of a Case.
type Name struct {
	Kind string `json:"kind"` // "person", "team", "place" and so on: what may stand in its stead
	Text string `json:"text"`
}

// allows reports whether changing text, with the value from, to the value to
// keeps clear of what still follows from the passages.
func (c Case) allows(text string, from, to int64) bool {
	switch c.Bounds[text] {
	case "less":
		return to < from
	case "more":
		return to > from
	case "fixed":
		return false
	}
	return true
}

// Load returns the faithful paraphrases in the order of the file. The slice is
// the caller's own. An error means that the embedded file is damaged and names
// the line.
func Load() ([]Case, error) {
	var cases []Case
	sc := bufio.NewScanner(bytes.NewReader(faithful))
	for line := 1; sc.Scan(); line++ {
		dec := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		dec.DisallowUnknownFields()
		var c Case
		if err := dec.Decode(&c); err != nil {
			return nil, fmt.Errorf("testdata/faithful.jsonl line %d: %w", line, err)
		}
		cases = append(cases, c)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("testdata/faithful.jsonl: %w", err)
	}
	return cases, nil
}
