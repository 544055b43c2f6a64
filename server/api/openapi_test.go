package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var ginParam = regexp.MustCompile(`:(\w+)`)

// TestSpecDescribesEveryRoute compares the table of routes with openapi.yaml in
// both directions.
func TestSpecDescribesEveryRoute(t *testing.T) {
	spec := loadSpec(t)
	var described, served []string
	for path, item := range spec.doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, r := range New(Config{}).Routes() {
		served = append(served, r.Method+" "+ginParam.ReplaceAllString(r.Path, "{$1}"))
	}
	served = append(served, "GET /healthz", "GET /readyz", "GET /metrics", "POST /hooks/{source}",
		"POST /mcp", "GET /mcp", "DELETE /mcp", "GET /.well-known/oauth-protected-resource", "GET /.well-known/oauth-protected-resource/mcp",
		"POST /slack/events", "POST /slack/interactions", "POST /slack/commands") // of other packages
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// TestA11_08_NothingIsSentToAddressesOfRequests: the one address that a request can
// carry is that of a document, which is shown and never asked.
func TestA11_08_NothingIsSentToAddressesOfRequests(t *testing.T) {
	address := regexp.MustCompile(`(?i)url|uri|hook|callback|endpoint|host|address|proxy|trac`)
	var found []string
	var walk func(operation string, schema *openapi3.SchemaRef)
	walk = func(operation string, schema *openapi3.SchemaRef) {
		if schema == nil {
			return
		}
		for name, property := range schema.Value.Properties {
			if address.MatchString(name) {
				found = append(found, operation+" "+name)
			}
			walk(operation, property)
		}
		walk(operation, schema.Value.Items)
		for _, one := range slices.Concat(schema.Value.OneOf, schema.Value.AnyOf, schema.Value.AllOf) {
			walk(operation, one)
		}
	}
	for path, item := range loadSpec(t).doc.Paths.Map() {
		for method, o := range item.Operations() {
			if o.RequestBody == nil {
				continue
			}
			for _, media := range o.RequestBody.Value.Content {
				walk(method+" "+path, media.Schema)
			}
		}
	}
	if want := []string{"PUT /api/v1/sources/{name}/documents url"}; !slices.Equal(found, want) {
		t.Errorf("addresses in requests: %q; want %q", found, want)
	}
}
