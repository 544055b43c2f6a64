package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

// failure decodes an error, which has the form of OpenAI's.
func (g got) failure(t *testing.T) failure {
	t.Helper()
	conforms(t, "Error", g.body)
	var f struct{ Error failure }
	if err := json.Unmarshal([]byte(g.body), &f); err != nil || g.status < 400 || f.Error.Message == "" || f.Error.Type == "" {
		t.Fatalf("%v: %d %s", err, g.status, g.body)
	}
	return f.Error
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.")
	user := `{"role":"user","content":"?"}`
	for body, want := range map[string]string{
		`{"model":"gpt-4o","messages":[` + user + `]}`: `404 model_not_found model: There is no model "gpt-4o". There are: small, extractive, group/large.`,
		`{`:                         `400: The body is not a JSON object`,
		`[]`:                        `400 invalid_value: "" has a value of the wrong type: array.`,
		`{"messages":"hello"}`:      `400 invalid_value messages: "messages" has a value of the wrong type: string.`,
		`{"messages":[]}`:           `400 invalid_value messages: The last message must be the user's`,
		`{}`:                        `400 invalid_value messages: The last message must be the user's`,
		"{\"messages\":[\"\xff\"]}": `400: The body is not valid UTF-8.`,
		`{"messages":[{"role":"system","content":"Be brief."}]}`:                                            `400 invalid_value messages: The last message must be the user's`,
		`{"messages":[` + user + `,{"role":"assistant","content":"The answer is"}]}`:                        `400 invalid_value messages: The last message must be the user's`,
		`{"messages":[{"role":"user","content":"  "}]}`:                                                     `400 invalid_value messages: The last message of the user is empty`,
		`{"messages":[{"role":"user","content":null}]}`:                                                     `400 invalid_value messages: The last message of the user is empty`,
		`{"messages":[{"role":"user","content":"a\u0000b"}]}`:                                               `400 invalid_value messages: The last message of the user holds a NUL`,
		`{"messages":[{"role":"user","content":7}]}`:                                                        `400 invalid_value messages[0].content: The content of a message must be a string`,
		`{"messages":[{"role":"tool","content":"x","tool_call_id":"1"},` + user + `]}`:                      `400 unsupported_value messages[0].role: The role "tool" is not supported`,
		`{"messages":[` + user + `,{"role":"assistant","content":null,"tool_calls":[{}]},` + user + `]}`:    `400 unsupported_value messages[1].tool_calls: "tool_calls" is not supported`,
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}`:   `400 unsupported_value messages[0].content[0]: Parts of the type "image_url" are not supported`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio"}]}]}`:      `400 unsupported_value messages[0].content[1]: Parts of the type "input_audio"`,
		`{"messages":[{"role":"user","content":"` + strings.Repeat("é", maxQuestion+1) + `"}]}`:             `400 context_length_exceeded messages: The last message of the user is longer than 8000`,
		`{"messages":[{"role":"system","content":"` + strings.Repeat("é", maxStyle+1) + `"},` + user + `]}`: `400 context_length_exceeded messages: The system messages are longer than 8000`,
		`{"messages":[` + strings.Repeat(user+",", maxMessages) + user + `]}`:                               `400 invalid_value messages: There are more than 2000 messages.`,
		`{"messages":[{"role":"assistant","content":"` + strings.Repeat("x", maxBody) + `"},` + user + `]}`: `413 request_too_large: The body is larger than 1 MiB.`,
		`{"n":2,"messages":[` + user + `]}`:                                                                 `400 unsupported_value n: "n" can only be 1`,
		`{"n":"1","messages":[` + user + `]}`:                                                               `400 invalid_value n: "n" has a value of the wrong type: string.`,
		`{"tools":[{"type":"function","function":{"name":"f"}}],"messages":[` + user + `]}`:                 `400 unsupported_value tools: "tools" is not supported`,
		`{"tool_choice":"required","messages":[` + user + `]}`:                                              `400 unsupported_value tool_choice`,
		`{"tool_choice":{"type":"function"},"messages":[` + user + `]}`:                                     `400 unsupported_value tool_choice`,
		`{"functions":[{"name":"f"}],"messages":[` + user + `]}`:                                            `400 unsupported_value functions`,
		`{"response_format":{"type":"json_object"},"messages":[` + user + `]}`:                              `400 unsupported_value response_format: "response_format" can only be {"type": "text"}`,
		`{"response_format":{"type":"json_schema","json_schema":{}},"messages":[` + user + `]}`:             `400 unsupported_value response_format`,
		`{"modalities":["text","audio"],"audio":{"voice":"alloy"},"messages":[` + user + `]}`:               `400 unsupported_value modalities`,
		`{"logprobs":true,"messages":[` + user + `]}`:                                                       `400 unsupported_value logprobs`,
		`{"logit_bias":{"50256":-100},"messages":[` + user + `]}`:                                           `400 unsupported_value logit_bias`,
		`{"web_search_options":{},"messages":[` + user + `]}`:                                               `400 unsupported_value web_search_options`,
		`{"stop":["1","2","3","4","5"],"messages":[` + user + `]}`:                                          `400 invalid_value stop: "stop" has 5 texts; 4 are allowed.`,
		`{"stop":7,"messages":[` + user + `]}`:                                                              `400 invalid_value stop: "stop" must be a string or an array of strings.`,
		`{"max_tokens":0,"messages":[` + user + `]}`:                                                        `400 invalid_value max_tokens: "max_tokens" must be 1 or more.`,
		`{"cairn":{"source":["wiki"]},"messages":[` + user + `]}`:                                           `400 invalid_value cairn: "cairn" is an object of "sources"`,
		`{"cairn":{"sources":[""]},"messages":[` + user + `]}`:                                              `400 invalid_value cairn.sources`,
		`{"stream":"yes","messages":[` + user + `]}`:                                                        `400 invalid_value stream: "stream" has a value of the wrong type: string.`,
	} {
		got := w.send("POST", "/v1/chat/completions", body)
		f := got.failure(t)
		text := map[int]string{400: "400", 404: "404", 413: "413"}[got.status]
		if f.Code != nil {
			text += " " + *f.Code
		}
		if f.Param != nil {
			text += " " + *f.Param
		}
		if text += ": " + f.Message; !strings.HasPrefix(text, want) || f.Type != "invalid_request_error" {
			t.Errorf("%.200s: %s\nwant %s", body, text, want)
		}
	}
	if n := len(w.ask.asks); n > 0 {
		t.Errorf("%d of them were asked", n)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "One.")
	ask := func(body string) answer.Ask {
		t.Helper()
		w.send("POST", "/v1/chat/completions", body).completed(t)
		a := w.ask.last()
		if !a.Ephemeral || a.Conversation != "" || a.Parent != "" || a.Viewer.Account != w.ann.ID {
			t.Errorf("%+v", a)
		}
		return a
	}
	a := ask(`{"model":"group/large","max_tokens":50,"unheard_of":1,"cairn":{"sources":["wiki"]},"messages":[
		{"role":"system","content":"Be brief."},
		{"role":"user","name":"ann","content":"What is paid in Oslo?"},
		{"role":"assistant","content":"50 EUR. ([Travel \\[1\\]](https://wiki.acme.test/1%28a%29)) ([B](https://b.test)) And (this) stays."},
		{"role":"user","content":"Thanks."},
		{"role":"user","content":[{"type":"text","text":"And in"},{"type":"text","text":"Lisbon?"}]},
		{"role":"developer","content":"Answer in German."}]}`)
	want := answer.Ask{
		Question: "And in\nLisbon?", Model: "group/large", MaxTokens: 50, Style: "Be brief.\n\nAnswer in German.", Filters: cairn.Filters{Sources: []string{"wiki"}},
		History: []answer.Turn{
			{Question: "What is paid in Oslo?", Answer: "50 EUR. And (this) stays."},
			{Question: "Thanks.", Answer: "(not answered)"},
		},
	}
	a.Viewer, a.Ephemeral = cairn.Viewer{}, false
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
	a = ask(`{"messages":[{"role":"assistant","content":"Hello."},{"role":"user","content":" How much? "}]}`)
	if a.Question != "How much?" || a.Model != "small" || a.History != nil || a.Style != "" {
		t.Errorf("%+v", a)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.send("GET", "/v1/models", "")
	if want := `{"object":"list","data":[{"id":"small","object":"model","created":0,"owned_by":"cairn"},{"id":"extractive",`; !strings.HasPrefix(got.body, want) || got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for path, want := range map[string]string{"extractive": "extractive", "group%2Flarge": "group/large"} {
		if got := w.send("GET", "/v1/models/"+path, ""); got.status != 200 || !strings.HasPrefix(got.body, `{"id":"`+want+`"`) {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if got := w.send("GET", "/v1/models/gpt-4o", ""); got.status != 404 || *got.failure(t).Code != "model_not_found" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.send("GET", "/v1/openapi.yaml", "", "Authorization", ""); got.status != 200 || got.body != string(Spec()) {
		t.Errorf("%d %s", got.status, got.body)
	}
}
