package mcp

import (
	"github.com/google/jsonschema-go/jsonschema"
)

// schemaOf returns the schema of a type. Every value has one type: clients that know no
// unions of types would refuse a tool for a list that may be null, which none is here. It
// panics when the type is no object of JSON.
func schemaOf[T any]() *jsonschema.Schema {
	schema, err := jsonschema.For[T](nil)
	if err != nil {
		panic(err)
	}
	single(schema)
	return schema
}

func single(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	single(s.Items)
	single(s.AdditionalProperties)
	for _, property := range s.Properties {
		single(property)
	}
}
