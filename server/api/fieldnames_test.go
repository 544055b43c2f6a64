package api

import (
	"encoding/json"
	"testing"
	"time"
)

type outer struct {
	inner
	Name   string           `json:"name,omitempty"`
	Deep   *[]inner         `json:"deep"`
	By     map[string]inner `json:"by"`
	Any    any              `json:"any"`
	When   time.Time        `json:"when"`
	ACL    *wireACL         `json:"acl"`
	Plain  int
	Hidden int `json:"-"`
}

type inner struct {
	N    float64  `json:"n"`
	List []string `json:"list"`
}

func TestFieldNames(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "", ` {} `: "", `{"n":-1.5e3}`: "", `{"N":1}`: "N", `{"name":"\\\"N\":"}`: "", `{"\u006eame":"x"}`: "", `{"\u004eame":"x"}`: "Name",
		"{\n\t\"name\" : \"x\" ,\r\n \"list\" : [ \"a\" , \"{\\\"N\\\":1}\" ] , \"n\" : 1 }": "",
		`{"deep":[{"n":1},{"list":[],"LIST":["x"]}]}`:                                        "LIST", `{"deep":null,"NAME":"x"}`: "NAME", `{"deep":[],"Deep":[]}`: "Deep",
		`{"by":{"N":{"n":1},"Name":{"List":null}}}`: "List", `{"any":{"N":[{"Name":{}},true,null]},"plain":1}`: "plain", `{"Plain":7,"hidden":1}`: "hidden",
		`{"when":"2026-11-23T09:30:00Z","acl":{"allow":[["everyone"]],"deny":[]},"ſ":1}`: "ſ", `{"liſt":[]}`: "liſt",
	} {
		var into outer
		if err := json.Unmarshal([]byte(text), &into); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		n := fieldNames{rest: []byte(text)}
		n.check(&into)
		if n.unknown != want {
			t.Errorf("%s: the unknown field is %q, want %q", text, n.unknown, want)
		}
		if n.next() != 0 {
			t.Errorf("%s: %q was not read", text, n.rest)
		}
	}
}

// FuzzFieldNames reads every text that is JSON to its end.
func FuzzFieldNames(f *testing.F) {
	for _, text := range []string{`{"n":1,"any":[1,{"a":"\\"},"\""]}`, `[]`, `"\ud800"`, ` 7 `, `{"by":{"":{}}}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		n := fieldNames{rest: []byte(text)}
		n.check(new(outer))
		if n.next() != 0 {
			t.Errorf("%q is left", n.rest)
		}
	})
}
