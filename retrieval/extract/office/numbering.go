package office

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// numbering counts the items of the numbered lists of a document.
type numbering struct {
	abstract map[string]map[int]listLevel // by id of the definition
	instance map[string]string            // list → definition
	counters map[string]*[9]int           // by list
}

type listLevel struct {
	format  string // "decimal", "bullet", "lowerLetter", …
	pattern string // "%1.%2."
	start   int
}

func readNumbering(a *Archive) (*numbering, error) {
	n := &numbering{abstract: map[string]map[int]listLevel{}, instance: map[string]string{}, counters: map[string]*[9]int{}}
	data, err := a.optional("word/numbering.xml")
	if err != nil || data == nil {
		return n, err
	}
	var definition, list string
	level := 0
	var at listLevel
	err = each(data, func(_ *stream, e xml.StartElement) error {
		value := attr(e, "val")
		switch e.Name.Local {
		case "abstractNum":
			definition, list = attr(e, "abstractNumId"), ""
			n.abstract[definition] = map[int]listLevel{}
		case "lvl":
			level, _ = strconv.Atoi(attr(e, "ilvl"))
			at = listLevel{start: 1}
		case "start":
			at.start, _ = strconv.Atoi(value)
		case "numFmt":
			at.format = value
		case "lvlText":
			at.pattern = value
			if list == "" && n.abstract[definition] != nil {
				n.abstract[definition][level] = at
			}
		case "num":
			list = attr(e, "numId")
		case "abstractNumId":
			n.instance[list] = value
		}
		return nil
	})
	return n, err
}

// label returns what stands before the next item of a list at a level, "- "
// for a bullet; empty when the list is not known.
func (n *numbering) label(list string, level int) string {
	levels := n.abstract[n.instance[list]]
	at, ok := levels[level]
	if !ok || level < 0 || level > 8 {
		return ""
	}
	if at.format == "bullet" || at.format == "none" {
		return "- "
	}
	key := n.instance[list]
	counts := n.counters[key]
	if counts == nil {
		counts = new([9]int)
		n.counters[key] = counts
	}
	counts[level]++
	for i := level + 1; i < len(counts); i++ {
		counts[i] = 0
	}
	label := at.pattern
	for i := range level + 1 {
		l := levels[i]
		label = strings.ReplaceAll(label, "%"+strconv.Itoa(i+1), ordinal(l.format, max(counts[i], 1)+l.start-1))
	}
	return strings.TrimSpace(label) + " "
}

// ordinal writes a number as a list format does.
func ordinal(format string, n int) string {
	switch format {
	case "lowerLetter", "upperLetter":
		letter := strings.Repeat(string(rune('a'+(n-1)%26)), min((n-1)/26+1, 5))
		if format == "upperLetter" {
			letter = strings.ToUpper(letter)
		}
		return letter
	case "lowerRoman":
		return strings.ToLower(roman(n))
	case "upperRoman":
		return roman(n)
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	if n < 1 || n > 3999 {
		return strconv.Itoa(n)
	}
	values := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	digits := []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}
	var b strings.Builder
	for i, v := range values {
		for ; n >= v; n -= v {
			b.WriteString(digits[i])
		}
	}
	return b.String()
}
