package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	maxUpload  = 48 << 20         // of a pushed document, base64 included, or a batch
	readUpload = 5 * time.Minute
)

// decode reads the request's body, one JSON object without unknown fields, into
// v. With optional, an empty body leaves v as it is.
func decode(c *gin.Context, v any, optional bool) error {
	body, err := body(c, maxBody, readBody, "application/json", optional)
	if err != nil || len(body) == 0 {
		return err
	}
	return unmarshal(body, v)
}

// body reads the request's body, which must have the media type.
func body(c *gin.Context, limit int64, patience time.Duration, mediaType string, optional bool) ([]byte, error) {
	b, err := server.ReadBody(c, limit, patience)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, cairn.Errorf(cairn.ErrTooLarge, "the body is larger than %d MiB; send less at once", limit>>20)
	case errors.Is(err, server.ErrBodyBroken):
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s", err)
	case err != nil:
		return nil, err
	case len(b) == 0 && optional:
		return nil, nil
	case !server.HasMediaType(c.Request, mediaType):
		return nil, cairn.Errorf(cairn.ErrInvalid, "send the body with \"Content-Type: %s\"", mediaType)
	}
	return b, nil
}

// unmarshal decodes one strict JSON object. Errors are ErrInvalid and say what is wrong.
func unmarshal(b []byte, v any) error {
	if !utf8.Valid(b) {
		return cairn.Errorf(cairn.ErrInvalid, "the body is not valid UTF-8")
	}
	if escapesNUL(b) {
		return cairn.Errorf(cairn.ErrInvalid, "the body holds a NUL character (\\u0000); leave it out")
	}
	return invalidJSON(decodeStrictly(b, v))
}

// decodeStrictly decodes one JSON value without unknown fields.
func decodeStrictly(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return cairn.Errorf(cairn.ErrInvalid, "there is more than one JSON value; send one")
	}
	return checkFieldNames(b, v)
}

// invalidJSON says in plain words what is wrong with a body; nil when nothing is.
func invalidJSON(err error) error {
	if err == nil {
		return nil
	}
	if shown := (*cairn.Error)(nil); errors.As(err, &shown) {
		return shown
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		where := "the body"
		if wrong.Field != "" {
			where = strconv.Quote(wrong.Field)
		}
		return cairn.Errorf(cairn.ErrInvalid, "%s must be %s, not %s", where, jsonName(wrong.Type.Kind().String()), wrong.Value)
	}
	if wrong := (*time.ParseError)(nil); errors.As(err, &wrong) {
		return cairn.Errorf(cairn.ErrInvalid, "%q is no time; write it as in 2026-11-23T09:30:00Z", wrong.Value)
	}
	if strings.HasPrefix(err.Error(), "Time.UnmarshalJSON") {
		return cairn.Errorf(cairn.ErrInvalid, "a time must be a string, as in \"2026-11-23T09:30:00Z\"")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return cairn.Errorf(cairn.ErrInvalid, "unknown field %s; check its spelling", name)
	}
	return cairn.Errorf(cairn.ErrInvalid, "the body is not a JSON object: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func jsonName(kind string) string {
	switch kind {
	case "struct", "map":
		return "an object"
	case "slice", "array":
		return "an array"
	case "bool":
		return "true or false"
	case "string":
		return "a string"
	}
	return "a whole number"
}

// escapesNUL reports whether a JSON text holds the escape \u0000, which
// PostgreSQL cannot store.
func escapesNUL(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if b[i+1] == 'u' && i+6 <= len(b) && string(b[i+2:i+6]) == "0000" {
			return true
		}
		i++ // the escaped character, so that \\u0000 is not taken for an escape
	}
	return false
}

// params returns the parameters of the address, after checking that there are
// no other than the known ones, each at most once.
func params(c *gin.Context, known ...string) (map[string]string, error) {
	values := map[string]string{}
	for name, all := range c.Request.URL.Query() {
		if !slices.Contains(known, name) {
			return nil, cairn.Errorf(cairn.ErrInvalid, "unknown parameter %q; check its spelling", name)
		}
		if len(all) > 1 {
			return nil, cairn.Errorf(cairn.ErrInvalid, "the parameter %q is given twice", name)
		}
		values[name] = all[0]
	}
	return values, nil
}

const (
	defaultPage = 50
	maxPage     = 200
)

// page returns limit and cursor of a list's query parameters.
func page(values map[string]string) (Page, error) {
	limit, err := number(values, "limit", defaultPage, maxPage)
	return Page{Limit: limit, Cursor: values["cursor"]}, err
}

// number returns a parameter of 1..most, or otherwise when it is missing.
func number(values map[string]string, name string, otherwise, most int) (int, error) {
	s, ok := values[name]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, cairn.Errorf(cairn.ErrInvalid, "%s must be a whole number from 1 to %d", name, most)
	}
	return n, nil
}

// checkLength returns an ErrInvalid unless the text of a field has least..most
// characters and, when it must not be empty, more than white space.
func checkLength(field, text string, least, most int) error {
	n := utf8.RuneCountInString(text)
	switch {
	case least > 0 && strings.TrimSpace(text) == "":
		return cairn.Errorf(cairn.ErrInvalid, "%q is missing or empty", field)
	case n > most:
		return cairn.Errorf(cairn.ErrInvalid, "%q has %d characters; %d are allowed", field, n, most)
	}
	return nil
}

// oneOf returns an ErrInvalid unless the value of a field is among those allowed.
func oneOf(field, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return cairn.Errorf(cairn.ErrInvalid, "%q is %q; it must be one of %s", field, value, strings.Join(allowed, ", "))
}

// reply writes v as JSON.
func reply(c *gin.Context, status int, v any) error {
	b, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode the reply: %w", err)
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(b) // who does not read the reply is gone
	return nil
}

// encode gives one line of JSON. Text stays as it is: nothing is escaped for HTML.
func encode(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(b.String()), err
}

// noContent answers 204.
func noContent(c *gin.Context) error {
	c.Writer.WriteHeader(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
	return nil
}
