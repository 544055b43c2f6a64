package llm_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// TestA11_18_ModelsHaveNoTools: a model is given texts and gives text. There is nothing
// by which it could ask for a statement, a tool or an address.
func TestA11_18_ModelsHaveNoTools(t *testing.T) {
	for _, c := range []struct {
		of   reflect.Type
		want []string
	}{
		{reflect.TypeFor[llm.Request](), []string{"System", "Messages", "MaxTokens"}},
		{reflect.TypeFor[llm.Message](), []string{"Assistant", "Text"}},
		{reflect.TypeFor[llm.Event](), []string{"Text", "Stop", "Usage"}},
	} {
		var got []string
		for i := range c.of.NumField() {
			got = append(got, c.of.Field(i).Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s has %q; want %q", c.of, got, c.want)
		}
	}
}
