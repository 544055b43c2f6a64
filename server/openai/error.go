package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
)

// The types and codes of errors that programs know from OpenAI.
const (
	typeInvalid = "invalid_request_error"
	typeServer  = "server_error"

	codeUnsupported   = "unsupported_value"
	codeContextLength = "context_length_exceeded"
	codeModel         = "model_not_found"
	codeInvalidValue  = "invalid_value"
)

// fault is an error of a request that names the field which is to blame.
type fault struct {
	kind    error // of package cairn: decides the status
	code    string
	param   string
	message string
}

// Error returns the message.
func (f *fault) Error() string { return f.message }

// Unwrap returns an error of the kind with the message.
func (f *fault) Unwrap() error { return cairn.Errorf(f.kind, "%s", f.message) }

// invalid returns a fault of status 400.
func invalid(param, code, format string, args ...any) error {
	return &fault{cairn.ErrInvalid, code, param, fmt.Sprintf(format, args...)}
}

// failure is an error as programs of OpenAI read it.
type failure struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// meanings says how kinds of failure, by the codes of the server, look here.
var meanings = map[string]struct {
	status     int // 0: that of the server
	kind, code string
}{
	"invalid":         {0, typeInvalid, ""},
	"unauthenticated": {0, typeInvalid, "invalid_api_key"},
	"denied":          {0, typeInvalid, "insufficient_permissions"},
	"not_found":       {0, typeInvalid, "not_found"},
	"conflict":        {0, typeServer, "conflict"},
	"too_large":       {0, typeInvalid, "request_too_large"},
	"rate_limited":    {0, "requests", "rate_limit_exceeded"},
	"budget":          {http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota"},
	"unavailable":     {0, typeServer, "unavailable"},
}

// failureOf returns what a caller is told, and the status. err, which may be nil, knows more
// than f when it is a fault.
func failureOf(f server.Failure, err error) (failure, int) {
	m, ok := meanings[f.Code]
	if !ok {
		m.kind = typeServer
	}
	out, status := failure{Message: f.Message, Type: m.kind}, f.Status
	if m.status != 0 {
		status = m.status
	}
	code, param := m.code, ""
	if blamed := (*fault)(nil); errors.As(err, &blamed) {
		code, param, out.Message = blamed.code, blamed.param, blamed.message
	}
	if code != "" {
		out.Code = &code
	}
	if param != "" {
		out.Param = &param
	}
	return out, status
}

// faultKey is where the fault of a request is kept for fail.
const faultKey = "openai.fault"

// handle lets fail know of the fault that a handler returns.
func handle(h server.Handler) server.Handler {
	return func(c *gin.Context) error {
		err := h(c)
		c.Set(faultKey, err)
		return err
	}
}

// fail writes a failure in OpenAI's form.
func fail(c *gin.Context, f server.Failure) {
	err, _ := c.Value(faultKey).(error)
	if err != nil && server.FailureOf(err).Code != f.Code { // the caller was refused meanwhile
		err = nil
	}
	body, status := failureOf(f, err)
	if f.Code == "budget" { // else clients would try again at once
		c.Writer.Header().Set("X-Should-Retry", "false")
	}
	write(c, status, map[string]failure{"error": body})
}

// write replies with a JSON document. Who does not read it is gone.
func write(c *gin.Context, status int, v any) {
	b, err := encode(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the reply could not be written","type":"server_error","param":null,"code":null}}`)
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	c.Writer.WriteHeader(status)
	_, _ = c.Writer.Write(b)
}

// encode gives one line of JSON. Text stays as it is: nothing is escaped for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the reply: %w", err)
	}
	return b.Bytes(), nil
}
