package githubtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
)

//go:embed schema.graphql
var schemaText string

var schema = gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphql", Input: schemaText})

// object is a thing of the schema: values by field. A value may be an object, a list, a
// scalar, a resolver or a failed.
type object map[string]any

// resolver finds the value of a field with arguments.
type resolver func(arguments map[string]any) any

// failed is a field that cannot be told: it is null, and an error says so.
type failed struct{ kind, message string }

// execution is one query.
type execution struct {
	site      *Site
	variables map[string]any
	errors    []any
	scopes    map[string]bool // that the token lacks, and the query needs
}

func (s *Site) graphQL(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Query     string
		Variables map[string]any
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		s.t.Errorf("a GraphQL request that is none: %v", err)
		failure(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	document, errs := gqlparser.LoadQueryWithRules(schema, request.Query, nil)
	if len(errs) > 0 {
		s.refuse(w, request.Query, errs)
		return
	}
	operation := document.Operations[0]
	variables, err := validator.VariableValues(schema, operation, request.Variables)
	if err != nil {
		s.refuse(w, request.Query, err)
		return
	}
	for name := range request.Variables {
		if operation.VariableDefinitions.ForName(name) == nil {
			s.refuse(w, request.Query, fmt.Errorf("there is no variable %s", name))
			return
		}
	}
	e := &execution{site: s, variables: variables, scopes: map[string]bool{}}
	data := e.object(operation.SelectionSet, s.query(e), nil)
	reply := map[string]any{"data": data}
	if len(e.scopes) > 0 {
		reply = map[string]any{}
		e.errors = []any{map[string]any{"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the required scopes to execute this query."}}
	}
	if len(e.errors) > 0 {
		reply["errors"] = e.errors
	}
	_ = json.NewEncoder(w).Encode(reply)
}

// refuse answers a query that is not valid, which fails the test.
func (s *Site) refuse(w http.ResponseWriter, query string, wrong any) {
	s.t.Errorf("a GraphQL query that GitHub refuses: %v\n%s", wrong, query)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"message": fmt.Sprint(wrong), "extensions": map[string]any{"code": "undefinedField"}}}})
}

// object resolves what is selected of a thing.
func (e *execution) object(set ast.SelectionSet, of object, path []any) map[string]any {
	out := map[string]any{}
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if e.included(selection.Directives) {
				e.field(selection, of, path, out)
			}
		case *ast.InlineFragment:
			if selection.TypeCondition == of["__typename"] {
				merge(out, e.object(selection.SelectionSet, of, path))
			}
		case *ast.FragmentSpread:
			if selection.Definition.TypeCondition == of["__typename"] {
				merge(out, e.object(selection.Definition.SelectionSet, of, path))
			}
		}
	}
	return out
}

func merge(into, from map[string]any) {
	for name, value := range from {
		into[name] = value
	}
}

func (e *execution) included(directives ast.DirectiveList) bool {
	if d := directives.ForName("include"); d != nil {
		return d.ArgumentMap(e.variables)["if"] == true
	}
	return true
}

func (e *execution) field(f *ast.Field, of object, path []any, out map[string]any) {
	value, ok := of[f.Name]
	if !ok {
		e.site.t.Errorf("the fake has no value for %v of %s", of["__typename"], f.Name)
	}
	path = append(slices.Clone(path), f.Alias)
	if resolve, ok := value.(resolver); ok {
		value = resolve(f.ArgumentMap(e.variables))
	}
	out[f.Alias] = e.value(f.SelectionSet, value, path)
}

func (e *execution) value(set ast.SelectionSet, value any, path []any) any {
	switch value := value.(type) {
	case nil:
		return nil
	case failed:
		e.errors = append(e.errors, map[string]any{"type": value.kind, "message": value.message, "path": path})
		return nil
	case object:
		if value == nil {
			return nil
		}
		return e.object(set, value, path)
	case []object:
		list := make([]any, len(value))
		for i, v := range value {
			list[i] = e.value(set, v, append(slices.Clone(path), i))
		}
		return list
	}
	return value
}

// connection is a page of things, which must be asked for by its size.
func (e *execution) connection(name string, things []object) resolver {
	return func(arguments map[string]any) any {
		first, ok := number(arguments["first"])
		if !ok || first < 1 || first > 100 {
			e.site.t.Errorf("the connection %s is asked for %v things", name, arguments["first"])
			return failed{"MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` value from 1 to 100"}
		}
		from := 0
		if after, ok := arguments["after"].(string); ok {
			from, _ = strconv.Atoi(strings.TrimPrefix(after, "cursor:"))
		}
		to := min(from+first, from+e.site.pageSize, len(things))
		from = min(from, to)
		if e.site.circle && name != "repositories" {
			from, to = 0, min(first, e.site.pageSize, len(things))
		}
		return object{
			"totalCount": len(things), "nodes": nodes(things[from:to]), "edges": things[from:to],
			"pageInfo": object{"hasNextPage": to < len(things), "hasPreviousPage": from > 0, "endCursor": "cursor:" + strconv.Itoa(to), "startCursor": "cursor:" + strconv.Itoa(from)},
		}
	}
}

// nodes are the things behind edges, or the things themselves.
func nodes(edges []object) []object {
	out := make([]object, len(edges))
	for i, edge := range edges {
		out[i] = edge
		if node, ok := edge["node"].(object); ok {
			out[i] = node
		}
	}
	return out
}

func number(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case int:
		return v, true
	case float64:
		return int(v), true
	case json.Number:
		n, err := v.Int64()
		return int(n), err == nil
	}
	return 0, false
}
