package extract

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// check reports what is wrong with a text: a body that is not UTF-8, or
// sections that do not cover it one after the other or split a rune.
func check(t *Text) error {
	if !utf8.Valid(t.Body) {
		return errors.New("body is not UTF-8")
	}
	end := 0
	for i, s := range t.Sections {
		if s.Start != end || s.End <= s.Start || s.End > len(t.Body) {
			return fmt.Errorf("section %d is [%d,%d) after %d of %d bytes", i, s.Start, s.End, end, len(t.Body))
		}
		if s.End < len(t.Body) && !utf8.RuneStart(t.Body[s.End]) {
			return fmt.Errorf("section %d ends inside of a character", i)
		}
		end = s.End
	}
	if end != len(t.Body) {
		return fmt.Errorf("sections end at %d of %d bytes", end, len(t.Body))
	}
	return nil
}
