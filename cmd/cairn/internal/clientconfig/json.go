package clientconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"github.com/tailscale/hujson"
)

// tokenVariable is that in which the command line finds its token.
const tokenVariable = "CAIRN_TOKEN"

// server is an entry as most clients write it.
type server struct {
	Type    string            `json:"type,omitempty"`
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	URL     string            `json:"url,omitempty"`
}

// serverOf returns the entry; reference is how the client writes the value of one of its
// own variables.
func serverOf(e Entry, reference string) server {
	s := server{Type: "stdio", Command: e.Command, Args: e.Args, Env: maps.Clone(e.Env)}
	if e.URL != "" {
		return server{Type: "http", URL: e.URL}
	}
	if e.Token && reference != "" {
		if s.Env == nil {
			s.Env = map[string]string{}
		}
		s.Env[tokenVariable] = reference
	}
	return s
}

func claudeEntry(e Entry) any { return serverOf(e, "${"+tokenVariable+"}") }

func cursorEntry(e Entry) any { return untyped(serverOf(e, "${env:"+tokenVariable+"}")) }

func desktopEntry(e Entry) any { return untyped(serverOf(e, "")) }

// untyped leaves the type to what else an entry has.
func untyped(s server) server {
	s.Type = ""
	return s
}

// jsonEditor returns what puts an entry into the object of servers of a file of JSON.
func jsonEditor(servers string, entry func(Entry) any) func([]byte, Entry) ([]byte, error) {
	return func(old []byte, e Entry) ([]byte, error) {
		return editJSON(old, func(doc *hujson.Value) error {
			return put(doc, entry(e), servers, e.Name)
		}, func(doc map[string]any) { forget(doc, servers, e.Name) })
	}
}

// prompt is the question of Visual Studio Code for the token.
const prompt = "cairn-token"

// editVSCode adds the question for the token, whose answer the editor keeps encrypted.
func editVSCode(old []byte, e Entry) ([]byte, error) {
	return editJSON(old, func(doc *hujson.Value) error {
		if e.Token {
			if err := ask(doc); err != nil {
				return err
			}
		}
		return put(doc, serverOf(e, "${input:"+prompt+"}"), "servers", e.Name)
	}, func(doc map[string]any) {
		forget(doc, "servers", e.Name)
		inputs, _ := doc["inputs"].([]any)
		var others []any
		for _, in := range inputs {
			if m, ok := in.(map[string]any); !ok || m["id"] != prompt {
				others = append(others, in)
			}
		}
		if doc["inputs"] = others; others == nil {
			delete(doc, "inputs")
		}
	})
}

// ask adds the question for the token, unless it is there.
func ask(doc *hujson.Value) error {
	inputs := doc.Find("/inputs")
	if inputs == nil {
		return put(doc, []any{question()}, "inputs")
	}
	list, ok := inputs.Value.(*hujson.Array)
	if !ok {
		return errors.New("\"inputs\" is no list")
	}
	for i := range list.Elements {
		if id := list.Elements[i].Find("/id"); id != nil {
			if literal, ok := id.Value.(hujson.Literal); ok && literal.String() == prompt {
				return nil
			}
		}
	}
	text, err := json.Marshal(question())
	if err != nil {
		return err
	}
	return doc.Patch([]byte(`[{"op":"add","path":"/inputs/-","value":` + string(text) + `}]`))
}

func question() map[string]any {
	return map[string]any{"type": "promptString", "id": prompt, "description": "Token of Cairn (cairn token create)", "password": true}
}

// editJSON edits a file of JSON with comments. without removes from a document what edit
// may change: the rest must be the same before and after.
func editJSON(old []byte, edit func(*hujson.Value) error, without func(map[string]any)) ([]byte, error) {
	if len(bytes.TrimSpace(old)) == 0 {
		old = []byte("{}\n")
	}
	doc, err := hujson.Parse(old)
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	if _, ok := doc.Value.(*hujson.Object); !ok {
		return nil, errors.New("it is no JSON object")
	}
	before, err := decoded(doc)
	if err != nil {
		return nil, err
	}
	if err := edit(&doc); err != nil {
		return nil, err
	}
	after, err := decoded(doc)
	if err != nil {
		return nil, err
	}
	without(before)
	without(after)
	if !reflect.DeepEqual(before, after) {
		return nil, errors.New("the entry cannot be added without changing something else; add it by hand: see --print")
	}
	return doc.Pack(), nil
}

// decoded returns what a document says.
func decoded(doc hujson.Value) (map[string]any, error) {
	text, err := hujson.Standardize(doc.Clone().Pack())
	if err != nil {
		return nil, err
	}
	var out map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("it is no JSON object: %w", err)
	}
	return out, nil
}

// forget removes a server, and the object of servers when it is empty then.
func forget(doc map[string]any, servers, name string) {
	all, ok := doc[servers].(map[string]any)
	if !ok {
		return
	}
	if delete(all, name); len(all) == 0 {
		delete(doc, servers)
	}
}

// put sets a member by its path of names, whose objects are made where they are missing.
func put(doc *hujson.Value, value any, path ...string) error {
	at := doc
	for depth, name := range path {
		object, ok := at.Value.(*hujson.Object)
		if !ok {
			return fmt.Errorf("%q is no object", path[depth-1])
		}
		last := depth == len(path)-1
		if found := member(object, name); found != nil && !last {
			at = found
			continue
		} else if found != nil {
			return set(found, value, depth)
		}
		made := any(map[string]any{})
		if last {
			made = value
		}
		if at = grow(object, name, depth); at == nil {
			return errors.New("the object cannot be extended")
		}
		if err := set(at, made, depth); err != nil {
			return err
		}
	}
	return nil
}

func member(o *hujson.Object, name string) *hujson.Value {
	for i := range o.Members {
		if literal, ok := o.Members[i].Name.Value.(hujson.Literal); ok && literal.String() == name {
			return &o.Members[i].Value
		}
	}
	return nil
}

// grow adds a member to an object, on a line of its own.
func grow(o *hujson.Object, name string, depth int) *hujson.Value {
	line := append(hujson.Extra("\n"), bytes.Repeat([]byte("  "), depth+1)...)
	if n := len(o.Members); n > 0 {
		if before := o.Members[n-1].Name.BeforeExtra; bytes.Contains(before, []byte("\n")) && before.IsStandard() {
			line = bytes.Clone(before) // as the others are indented
		}
	}
	if !o.AfterExtra.IsStandard() { // comments stay with the member that they follow
		line = append(bytes.TrimRight(bytes.Clone(o.AfterExtra), " \t\r\n"), line...)
		o.AfterExtra = nil
	}
	o.Members = append(o.Members, hujson.ObjectMember{
		Name: hujson.Value{BeforeExtra: line, Value: hujson.String(name)}, Value: hujson.Value{BeforeExtra: hujson.Extra(" ")},
	})
	if !bytes.Contains(o.AfterExtra, []byte("\n")) {
		o.AfterExtra = append(o.AfterExtra, "\n"+string(bytes.Repeat([]byte("  "), depth))...)
	}
	return &o.Members[len(o.Members)-1].Value
}

// set gives a member a value; comments around it stay.
func set(at *hujson.Value, value any, depth int) error {
	text, err := json.MarshalIndent(value, string(bytes.Repeat([]byte("  "), depth+1)), "  ")
	if err != nil {
		return err
	}
	parsed, err := hujson.Parse(text)
	if err != nil {
		return err
	}
	at.Value = parsed.Value
	return nil
}
