package langchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
)

// largestError bounds the reading of a reply that is an error.
const largestError = 64 << 10

// refusal is the failure that a reply other than 200 means.
func (x *exchange) refusal(resp *http.Response, now time.Time) *llm.Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, largestError))
	problem := readProblem(body)
	kind := kindOfStatus(resp.StatusCode)
	if problem.spent() {
		kind = llm.ErrRejected
	}
	text := "the endpoint answered " + strconv.Itoa(resp.StatusCode)
	if name := problem.name(); name != "" {
		text += " " + name
	}
	if hint := hints[resp.StatusCode]; hint != "" {
		text += ": " + hint
	}
	return &llm.Error{
		Kind: kind, Status: resp.StatusCode, Err: errors.New(text),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), now),
	}
}

// hints say what to look at when an endpoint refuses.
var hints = map[int]string{
	http.StatusUnauthorized: "look at the API key",
	http.StatusForbidden:    "look at what the API key may do",
	http.StatusNotFound:     "look at the address and the name of the model",
}

// kindOfStatus says what a caller can do about an HTTP status.
func kindOfStatus(status int) llm.ErrorKind {
	switch {
	case status == http.StatusTooManyRequests:
		return llm.ErrRateLimited
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusConflict:
		return llm.ErrUnavailable
	}
	return llm.ErrRejected
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3): seconds
// or a date. What cannot be read, or lies in the past, is 0.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		if seconds > 0 && seconds < 1e6 {
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

// problem is what providers say of an error, in a reply or in a stream. Their messages
// are not read: they may quote what was asked, which then stood in a log.
type problem struct {
	Type string
	Code string
}

// identifier is what programs call an error, as in model_not_found.
var identifier = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)*$`)

// name returns what the provider's program calls the error; empty when it does not say.
func (p problem) name() string {
	for _, name := range []string{p.Code, p.Type} {
		if len(name) <= longestName && identifier.MatchString(name) {
			return name
		}
	}
	return ""
}

const longestName = 40 // bytes

// readProblem reads {"error": {"type", "code"}}; anything else gives nothing.
func readProblem(body []byte) problem {
	var outer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return problem{}
	}
	return problemOf(outer.Error)
}

// problemOf reads the value of "error". The code is a string or a number.
func problemOf(raw json.RawMessage) problem {
	var inner struct {
		Type string `json:"type"`
		Code any    `json:"code"`
	}
	if json.Unmarshal(raw, &inner) != nil {
		return problem{} // a message alone
	}
	p := problem{Type: inner.Type}
	if inner.Code != nil {
		p.Code = fmt.Sprint(inner.Code)
	}
	return p
}

// spent reports whether the account has no money left, which OpenAI calls a
// rate limit although waiting does not help.
func (p problem) spent() bool {
	return p.Code == "insufficient_quota" || p.Type == "insufficient_quota"
}

// kind says what a caller can do about an error inside a stream, where there is
// no status.
func (p problem) kind() llm.ErrorKind {
	if status, err := strconv.Atoi(p.Code); err == nil && status >= 400 {
		return kindOfStatus(status)
	}
	switch about := p.Type + " " + p.Code; {
	case p.spent():
		return llm.ErrRejected
	case strings.Contains(about, "rate_limit"):
		return llm.ErrRateLimited
	case strings.Contains(about, "invalid_request"), strings.Contains(about, "authentication"),
		strings.Contains(about, "permission"), strings.Contains(about, "not_found"), strings.Contains(about, "too_large"):
		return llm.ErrRejected
	}
	return llm.ErrUnavailable
}

// reported is the failure that an error inside a reply means.
func (x *exchange) reported(p problem) error {
	text := "the endpoint reported an error"
	if name := p.name(); name != "" {
		text += " " + name
	}
	return x.fail(&llm.Error{Kind: p.kind(), Err: errors.New(text)})
}

// webPage is the failure that a reply in HTML means.
func (x *exchange) webPage() error {
	return x.fail(&llm.Error{Kind: llm.ErrRejected, Err: errors.New("the endpoint sent a web page instead of a reply; check the address of the model")})
}
