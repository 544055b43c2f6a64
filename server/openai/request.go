package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

const (
	maxBody    = 1 << 20          // of a request
	readBody   = 60 * time.Second // to send it
	maxStops   = 4
	maxSources = 100
)

// request is what a program asks for. Fields that are not here, such as temperature, seed
// or user, make no difference and are passed over.
type request struct {
	Model         string         `json:"model"`
	Messages      []message      `json:"messages"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options"`
	Stop          stops          `json:"stop"`
	MaxTokens     *int           `json:"max_tokens"`
	MaxCompletion *int           `json:"max_completion_tokens"`
	Cairn         extension      `json:"cairn"`

	// What would change what the answer is, which is refused: see refusals.
	N                *int            `json:"n"`
	Tools            json.RawMessage `json:"tools"`
	ToolChoice       json.RawMessage `json:"tool_choice"`
	Functions        json.RawMessage `json:"functions"`
	FunctionCall     json.RawMessage `json:"function_call"`
	ResponseFormat   json.RawMessage `json:"response_format"`
	Modalities       json.RawMessage `json:"modalities"`
	Audio            json.RawMessage `json:"audio"`
	Logprobs         json.RawMessage `json:"logprobs"`
	TopLogprobs      json.RawMessage `json:"top_logprobs"`
	LogitBias        json.RawMessage `json:"logit_bias"`
	WebSearchOptions json.RawMessage `json:"web_search_options"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// stops are the texts before which the answer ends: one or a list.
type stops []string

// UnmarshalJSON reads a string, a list of strings or null.
func (s *stops) UnmarshalJSON(b []byte) error {
	var one *string
	if err := json.Unmarshal(b, &one); err == nil {
		if one != nil {
			*s = stops{*one}
		}
		return nil
	}
	var all []string
	if err := json.Unmarshal(b, &all); err != nil {
		return invalid("stop", codeInvalidValue, "\"stop\" must be a string or an array of strings.")
	}
	*s = all
	return nil
}

// extension is what can be asked for of Cairn beyond OpenAI's API.
type extension struct {
	Sources []string // names; empty: all
	Inline  bool     // links to the sources in the text
}

// UnmarshalJSON refuses what it does not know: a misspelt name must not widen the search.
func (e *extension) UnmarshalJSON(b []byte) error {
	in := struct {
		Sources []string `json:"sources"`
		Inline  bool     `json:"inline_citations"`
	}{Inline: true}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return invalid("cairn", codeInvalidValue, "\"cairn\" is an object of \"sources\", an array of strings, and \"inline_citations\", true or false; %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	*e = extension(in)
	return nil
}

// read returns the request, checked but for its messages.
func read(c *gin.Context) (request, error) {
	b, err := body(c)
	if err != nil {
		return request{}, err
	}
	req := request{Cairn: extension{Inline: true}}
	if err := unmarshal(b, &req); err != nil {
		return request{}, err
	}
	return req, req.check()
}

// body reads the request's body, a JSON document.
func body(c *gin.Context) ([]byte, error) {
	if !server.HasMediaType(c.Request, "application/json") {
		return nil, invalid("", "", "Send the body with \"Content-Type: application/json\".")
	}
	b, err := server.ReadBody(c, maxBody, readBody)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, cairn.Errorf(cairn.ErrTooLarge, "The body is larger than %d MiB. Send fewer or shorter messages.", maxBody>>20)
	case errors.Is(err, server.ErrBodyBroken):
		return nil, invalid("", "", "The body could not be read to its end.")
	case err != nil:
		return nil, err
	case !utf8.Valid(b):
		return nil, invalid("", "", "The body is not valid UTF-8.")
	}
	return b, nil
}

// unmarshal decodes one JSON value. Errors name the field.
func unmarshal(b []byte, req *request) error {
	err := json.Unmarshal(b, req)
	var blamed *fault
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &blamed):
		return blamed
	case errors.As(err, &wrong):
		return invalid(wrong.Field, codeInvalidValue, "%s has a value of the wrong type: %s.", quote(wrong.Field), wrong.Value)
	}
	return invalid("", "", "The body is not a JSON object: %s.", strings.TrimPrefix(err.Error(), "json: "))
}

// check refuses what cannot be done as it was asked for.
func (r *request) check() error {
	if err := r.refusals(); err != nil {
		return err
	}
	r.Stop = slices.DeleteFunc(r.Stop, func(s string) bool { return s == "" })
	if len(r.Stop) > maxStops {
		return invalid("stop", codeInvalidValue, "\"stop\" has %d texts; %d are allowed.", len(r.Stop), maxStops)
	}
	for param, n := range map[string]*int{"max_tokens": r.MaxTokens, "max_completion_tokens": r.MaxCompletion} {
		if n != nil && *n < 1 {
			return invalid(param, codeInvalidValue, "%s must be 1 or more.", quote(param))
		}
	}
	if len(r.Cairn.Sources) > maxSources || slices.ContainsFunc(r.Cairn.Sources, func(s string) bool { return s == "" || strings.Contains(s, "\x00") }) {
		return invalid("cairn.sources", codeInvalidValue, "\"cairn.sources\" are at most %d names.", maxSources)
	}
	return nil
}

// limit returns how many tokens the answer may have; 0: as many as it takes.
func (r *request) limit() int {
	switch {
	case r.MaxCompletion != nil:
		return *r.MaxCompletion
	case r.MaxTokens != nil:
		return *r.MaxTokens
	}
	return 0
}

// refusals returns an error for what would make the answer another than a text from
// documents: a program that relies on it must not take this answer for it.
func (r *request) refusals() error {
	switch {
	case r.N != nil && *r.N != 1:
		return invalid("n", codeUnsupported, "\"n\" can only be 1: a question has one answer here.")
	case !isOneOf(r.ResponseFormat, `{"type":"text"}`):
		return invalid("response_format", codeUnsupported, "\"response_format\" can only be {\"type\": \"text\"}: answers are sentences from documents, and no JSON.")
	case !isOneOf(r.Modalities, `["text"]`, `[]`):
		return invalid("modalities", codeUnsupported, "\"modalities\" can only be [\"text\"].")
	}
	for _, f := range []struct {
		param   string
		value   json.RawMessage
		allowed []string
	}{
		{"tools", r.Tools, []string{"[]"}},
		{"tool_choice", r.ToolChoice, []string{`"none"`, `"auto"`}},
		{"functions", r.Functions, []string{"[]"}},
		{"function_call", r.FunctionCall, []string{`"none"`, `"auto"`}},
		{"audio", r.Audio, nil},
		{"logprobs", r.Logprobs, []string{"false"}},
		{"top_logprobs", r.TopLogprobs, []string{"0"}},
		{"logit_bias", r.LogitBias, []string{"{}"}},
		{"web_search_options", r.WebSearchOptions, nil},
	} {
		if !isOneOf(f.value, f.allowed...) {
			return invalid(f.param, codeUnsupported, "%s is not supported: answers are made from the documents that you may read, without tools. Leave it out.", quote(f.param))
		}
	}
	return nil
}

// isOneOf reports whether a value is missing, null or one of those allowed.
func isOneOf(value json.RawMessage, allowed ...string) bool {
	if len(value) == 0 {
		return true
	}
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return false
	}
	return b.String() == "null" || slices.Contains(allowed, b.String())
}

// quote returns a name as messages have it, cut where it is long.
func quote(name string) string {
	const most = 100
	if r := []rune(name); len(r) > most {
		name = string(r[:most]) + "…"
	}
	return strconv.Quote(name)
}
