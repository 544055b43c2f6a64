// Package adf makes HTML of documents in the Atlassian Document Format, which Jira Cloud
// keeps descriptions, comments and long text fields in.
package adf

import (
	"encoding/json"
	"errors"
	"strings"
)

// ErrNone says that a value is no document.
var ErrNone = errors.New("no document in the Atlassian Document Format")

// deepest bounds how deep nodes may be nested: what lies deeper is left out. Jira itself
// lets very few be.
const deepest = 100

// node is a node of a document: an object of JSON, whose form is not trusted.
type node map[string]any

// parse reads a document. null is an empty one.
func parse(raw json.RawMessage) (node, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, ErrNone
	}
	if value == nil {
		return node{}, nil
	}
	doc, ok := value.(map[string]any)
	if !ok || doc["type"] != "doc" {
		return nil, ErrNone
	}
	return doc, nil
}

// kind returns the type of the node.
func (n node) kind() string { return text(n["type"]) }

// kids returns the nodes in the node.
func (n node) kids() []node { return nodes(n["content"]) }

// attr returns an attribute that is a text; empty when it is none.
func (n node) attr(name string) string { return text(n.attrs()[name]) }

// number returns an attribute that is a number; 0 when it is none.
func (n node) number(name string) int {
	f, _ := n.attrs()[name].(float64)
	return int(max(min(f, 1<<30), -1<<30))
}

func (n node) attrs() map[string]any {
	attrs, _ := n["attrs"].(map[string]any)
	return attrs
}

func nodes(value any) []node {
	list, _ := value.([]any)
	out := make([]node, 0, len(list))
	for _, e := range list {
		if n, ok := e.(map[string]any); ok {
			out = append(out, n)
		}
	}
	return out
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// Media returns the names of the files that a document shows, as their alternative text
// has them: empty where there is none.
func Media(raw json.RawMessage) ([]string, error) {
	doc, err := parse(raw)
	if err != nil {
		return nil, err
	}
	var names []string
	collect(doc, 0, &names)
	return names, nil
}

func collect(n node, depth int, names *[]string) {
	switch n.kind() {
	case "media", "mediaInline":
		*names = append(*names, strings.TrimSpace(n.attr("alt")))
	}
	if depth == deepest {
		*names = append(*names, "") // whatever lies below
		return
	}
	for _, kid := range n.kids() {
		collect(kid, depth+1, names)
	}
}
