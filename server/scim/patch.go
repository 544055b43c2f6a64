package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is one change of a resource: an operation of a PATCH, or one attribute of
// such an operation without a path, or of a whole resource that was sent.
type step struct {
	op    string // "add", "replace" or "remove"
	path  path
	value any // as encoding/json decodes it; nil when there is none
}

// patchSteps reads the body of a PATCH (RFC 7644, section 3.5.2). Names of operations
// may have any case, as Entra ID writes them.
func patchSteps(body []byte) ([]step, error) {
	var req struct {
		Operations []struct {
			Op    string
			Path  string
			Value json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, badRequest("invalidSyntax", "the body is no PatchOp: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(req.Operations) == 0 {
		return nil, badRequest("invalidSyntax", "\"Operations\" is missing or empty")
	}
	var steps []step
	for i, o := range req.Operations {
		var value any
		if len(o.Value) > 0 {
			if err := json.Unmarshal(o.Value, &value); err != nil {
				return nil, badRequest("invalidSyntax", "the value of operation %d is no JSON", i+1)
			}
		}
		more, err := stepsOf(strings.ToLower(o.Op), o.Path, value)
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	return steps, nil
}

func stepsOf(op, at string, value any) ([]step, error) {
	switch op {
	case "add", "replace", "remove":
	default:
		return nil, badRequest("invalidSyntax", "there is no operation %q; there are add, replace and remove", op)
	}
	if strings.TrimSpace(at) != "" {
		p, err := parsePath(at)
		return []step{{op, p, value}}, err
	}
	if op == "remove" {
		return nil, badRequest("noTarget", "remove needs a path")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, badRequest("invalidValue", "an operation without a path needs an object as its value")
	}
	return objectSteps(op, object)
}

// resourceSteps reads a whole resource. Attributes that are not there stay as they are.
func resourceSteps(body []byte) ([]step, error) {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, badRequest("invalidSyntax", "the body is no JSON object")
	}
	return objectSteps("replace", object)
}

// objectSteps makes a step of every attribute. Entra ID names them by paths, such
// as "name.givenName", here as well.
func objectSteps(op string, object map[string]any) ([]step, error) {
	var steps []step
	for _, name := range slices.Sorted(maps.Keys(object)) {
		p, err := parsePath(name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{op, p, object[name]})
	}
	return steps, nil
}

// required returns an error when the step would remove what a resource must have.
func (s step) required() error {
	if s.op == "remove" || s.value == nil {
		return badRequest("mutability", "%s cannot be removed", s.path.attribute)
	}
	return nil
}

// text returns the value as text; removed, it is empty.
func (s step) text() (string, error) {
	if s.op == "remove" || s.value == nil {
		return "", nil
	}
	return textOf(s.path.attribute, s.value)
}

// maxText bounds names, in bytes.
const maxText = 1000

func textOf(attribute string, value any) (string, error) {
	text, ok := value.(string)
	if !ok {
		return "", badRequest("invalidValue", "%s must be a text", attribute)
	}
	if len(text) > maxText {
		return "", badRequest("invalidValue", "%s is longer than %d bytes", attribute, maxText)
	}
	return text, nil
}

// truth returns the value as true or false. Entra ID sends "True" and "False", too.
func (s step) truth() (bool, error) {
	switch v := s.value.(type) {
	case bool:
		return v, nil
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b, nil
		}
	}
	return false, badRequest("invalidValue", "%s must be true or false", s.path.attribute)
}

// objects returns the value as a list of objects; a text stands for an object with
// that value, and one object for a list of it.
func (s step) objects() ([]map[string]any, error) {
	list, ok := s.value.([]any)
	if !ok {
		list = []any{s.value}
	}
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		switch item := item.(type) {
		case map[string]any:
			out = append(out, lowered(item))
		case string:
			out = append(out, map[string]any{"value": item})
		default:
			return nil, badRequest("invalidValue", "%s must be a list of objects with a \"value\"", s.path.attribute)
		}
	}
	return out, nil
}

// lowered returns an object with its names in lower case: those of attributes are
// compared so.
func lowered(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for name, value := range object {
		out[strings.ToLower(name)] = value
	}
	return out
}
