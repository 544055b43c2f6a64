package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"
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
	served = append(served, "GET /healthz", "GET /readyz", "GET /metrics") // of package server
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}
