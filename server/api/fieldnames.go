package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
)

// checkFieldNames returns an ErrInvalid unless every field in a JSON text is written as
// the type that it was decoded into writes it: package json also takes "Limit" for
// "limit". Types that decode themselves check themselves.
func checkFieldNames(valid []byte, v any) error {
	n := fieldNames{rest: valid}
	if n.check(v); n.unknown != "" {
		return cairn.Errorf(cairn.ErrInvalid, "unknown field %s; check its spelling", strconv.Quote(n.unknown))
	}
	return nil
}

// fieldNames goes through a valid JSON text once.
type fieldNames struct {
	rest    []byte
	unknown string // the first one
}

// check reads the text, which was decoded into v.
func (n *fieldNames) check(v any) { n.value(reflect.TypeOf(v)) }

// value reads a value of some type; nil: of any.
func (n *fieldNames) value(t reflect.Type) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		t = nil
	}
	switch n.next() {
	case '{':
		n.object(t)
	case '[':
		n.array(t)
	case '"':
		n.text()
	default: // a number or a word
		if end := bytes.IndexAny(n.rest, ",]} \t\r\n"); end >= 0 {
			n.rest = n.rest[end:]
		} else {
			n.rest = nil
		}
	}
}

func (n *fieldNames) object(t reflect.Type) {
	fields, elem := fieldsOf(t)
	for n.rest = n.rest[1:]; n.next() != '}'; {
		if n.rest[0] == ',' {
			n.rest = n.rest[1:]
			continue
		}
		var name string
		_ = json.Unmarshal(n.text(), &name) // the text is valid
		of, known := fields[name]
		if fields == nil {
			of = elem
		} else if !known && n.unknown == "" {
			n.unknown = name
		}
		n.next()
		n.rest = n.rest[1:] // the colon
		n.value(of)
	}
	n.rest = n.rest[1:]
}

func (n *fieldNames) array(t reflect.Type) {
	var elem reflect.Type
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
	}
	for n.rest = n.rest[1:]; n.next() != ']'; {
		if n.rest[0] == ',' {
			n.rest = n.rest[1:]
			continue
		}
		n.value(elem)
	}
	n.rest = n.rest[1:]
}

// text reads a string and returns it as it is written.
func (n *fieldNames) text() (quoted []byte) {
	end := 1
	for n.rest[end] != '"' {
		if n.rest[end] == '\\' {
			end++
		}
		end++
	}
	quoted, n.rest = n.rest[:end+1], n.rest[end+1:]
	return quoted
}

// next goes to what is not white space, and returns it; 0 at the end.
func (n *fieldNames) next() byte {
	if n.rest = bytes.TrimLeft(n.rest, " \t\r\n"); len(n.rest) == 0 {
		return 0
	}
	return n.rest[0]
}

// fieldsOf returns the fields of a struct by their names in JSON, or what a map holds;
// nothing of other types.
func fieldsOf(t reflect.Type) (fields map[string]reflect.Type, elem reflect.Type) {
	switch {
	case t == nil:
	case t.Kind() == reflect.Map:
		elem = t.Elem()
	case t.Kind() == reflect.Struct:
		fields = make(map[string]reflect.Type)
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.IsExported() && !f.Anonymous && name != "-" {
				fields[cmp.Or(name, f.Name)] = f.Type
			}
		}
	}
	return fields, elem
}
