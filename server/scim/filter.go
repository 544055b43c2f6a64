package scim

import (
	"encoding/json"
	"strings"
)

// comparison is one "attribute eq value" of a filter.
type comparison struct {
	attribute string // in lower case, with its sub-attribute: "emails.value"
	value     any    // a string, a bool, a float64 or nil
}

const (
	maxFilter = 4096 // bytes
	maxNested = 16   // parentheses
)

// parseFilter reads a filter of RFC 7644, section 3.4.2.2, of which it knows what
// identity providers send: comparisons with eq, joined by "and", parentheses, and
// filters of a multi-valued attribute in brackets. They all must hold.
func parseFilter(s string) ([]comparison, error) {
	if len(s) > maxFilter {
		return nil, badRequest("invalidFilter", "the filter is longer than %d bytes", maxFilter)
	}
	p := &parser{s: s}
	all, err := p.conjunction("", 0)
	if err != nil {
		return nil, err
	}
	if p.blanks(); p.i < len(p.s) {
		return nil, p.wrong("the end")
	}
	return all, nil
}

// parser reads filters and paths.
type parser struct {
	s string
	i int
}

// wrong returns an invalidFilter that says where the filter departs from what is known.
func (p *parser) wrong(want string) error {
	return badRequest("invalidFilter", "the filter has at byte %d not %s; known are comparisons with eq, joined by and", p.i, want)
}

func (p *parser) blanks() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

// take reads a character if it is next.
func (p *parser) take(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// word reads letters, digits and what else names of attributes consist of.
func (p *parser) word() string {
	from := p.i
	for p.i < len(p.s) && isWord(p.s[p.i]) {
		p.i++
	}
	return p.s[from:p.i]
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":._-$", c) >= 0
}

// conjunction reads what "and" joins; within says which attribute the brackets
// belong to that it stands in.
func (p *parser) conjunction(within string, depth int) ([]comparison, error) {
	if depth > maxNested {
		return nil, badRequest("invalidFilter", "the filter is nested too deeply")
	}
	var all []comparison
	for {
		p.blanks()
		more, err := p.term(within, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
		from := p.i
		p.blanks()
		if !strings.EqualFold(p.word(), "and") {
			p.i = from
			return all, nil
		}
	}
}

// term reads a comparison, a conjunction in parentheses, or one in brackets.
func (p *parser) term(within string, depth int) ([]comparison, error) {
	if p.take('(') {
		all, err := p.conjunction(within, depth+1)
		if err != nil {
			return nil, err
		}
		if p.blanks(); !p.take(')') {
			return nil, p.wrong("a closing parenthesis")
		}
		return all, nil
	}
	name, ok := attributeOf(p.word())
	if !ok {
		return nil, p.wrong("the name of an attribute")
	}
	if within != "" {
		name = within + "." + name
	}
	var all []comparison
	if p.take('[') {
		if within != "" {
			return nil, p.wrong("a comparison")
		}
		var err error
		if all, err = p.conjunction(name, depth+1); err != nil {
			return nil, err
		}
		if p.blanks(); !p.take(']') {
			return nil, p.wrong("a closing bracket")
		}
		if !p.take('.') {
			return all, nil
		}
		name += "." + strings.ToLower(p.word())
	}
	value, err := p.equals()
	if err != nil {
		return nil, err
	}
	return append(all, comparison{name, value}), nil
}

// equals reads "eq" and the value.
func (p *parser) equals() (any, error) {
	p.blanks()
	if op := p.word(); !strings.EqualFold(op, "eq") {
		return nil, p.wrong("eq")
	}
	if !p.take(' ') {
		return nil, p.wrong("a blank")
	}
	p.blanks()
	return p.value()
}

// value reads a JSON string, true, false, null or a number.
func (p *parser) value() (any, error) {
	from := p.i
	if p.take('"') {
		for p.i < len(p.s) && p.s[p.i] != '"' {
			if p.s[p.i] == '\\' {
				p.i++
			}
			p.i++
		}
		if p.i >= len(p.s) {
			p.i = len(p.s)
			return nil, p.wrong("the end of a text in quotation marks")
		}
		p.i++
	} else {
		p.word()
	}
	var v any
	if err := json.Unmarshal([]byte(p.s[from:p.i]), &v); err != nil {
		// Some providers send True and False.
		switch strings.ToLower(p.s[from:p.i]) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		p.i = from
		return nil, p.wrong("a value: a text in quotation marks, true, false or a number")
	}
	if text, ok := v.(string); ok && strings.ContainsRune(text, 0) {
		p.i = from
		return nil, p.wrong("text without the character NUL")
	}
	return v, nil
}

// attributeOf returns the name of an attribute in lower case, without the schema of
// users or groups before it. Names of other schemas keep theirs.
func attributeOf(word string) (name string, ok bool) {
	name = strings.ToLower(word)
	for _, schema := range []string{userSchema, groupSchema} {
		if rest, ok := strings.CutPrefix(name, strings.ToLower(schema)+":"); ok {
			name = rest
		}
	}
	return name, name != "" && name[0] >= 'a' && name[0] <= 'z' && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, ":")
}

// queryOf returns what a filter asks for; id and the like that no resource has
// ask for nothing.
func queryOf(filter string, attributes map[string]func(*Query) **string) (Query, error) {
	var q Query
	if strings.TrimSpace(filter) == "" {
		return q, nil
	}
	all, err := parseFilter(filter)
	if err != nil {
		return q, err
	}
	for _, c := range all {
		if err := q.demand(c, attributes); err != nil {
			return q, err
		}
	}
	return q, nil
}

// demand adds a comparison to a query.
func (q *Query) demand(c comparison, attributes map[string]func(*Query) **string) error {
	if c.attribute == "active" && attributes["username"] != nil {
		active, ok := c.value.(bool)
		if !ok {
			return badRequest("invalidFilter", "active is compared with true or false")
		}
		q.None = q.None || q.Active != nil && *q.Active != active
		q.Active = &active
		return nil
	}
	if c.attribute == "emails.type" || c.attribute == "emails.primary" {
		return nil // one address is kept, whatever it is called
	}
	field, ok := attributes[c.attribute]
	if !ok {
		return badRequest("invalidFilter", "resources cannot be filtered by %q", c.attribute)
	}
	text, ok := c.value.(string)
	if !ok {
		return badRequest("invalidFilter", "%s is compared with a text in quotation marks", c.attribute)
	}
	to := field(q)
	q.None = q.None || *to != nil && !strings.EqualFold(**to, text)
	*to = &text
	return nil
}

// userAttributes and groupAttributes say which parts of a query the attributes of a
// filter are.
func userAttributes() map[string]func(*Query) **string {
	return map[string]func(*Query) **string{
		"id":           func(q *Query) **string { return &q.ID },
		"externalid":   func(q *Query) **string { return &q.ExternalID },
		"username":     func(q *Query) **string { return &q.UserName },
		"emails":       func(q *Query) **string { return &q.Email },
		"emails.value": func(q *Query) **string { return &q.Email },
		"displayname":  func(q *Query) **string { return &q.Display },
	}
}

func groupAttributes() map[string]func(*Query) **string {
	return map[string]func(*Query) **string{
		"id":            func(q *Query) **string { return &q.ID },
		"externalid":    func(q *Query) **string { return &q.ExternalID },
		"displayname":   func(q *Query) **string { return &q.Display },
		"members":       func(q *Query) **string { return &q.Member },
		"members.value": func(q *Query) **string { return &q.Member },
	}
}
