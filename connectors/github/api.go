package github

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// api asks GitHub.
type api struct {
	client *remote.Client
	site   site
	now    func() time.Time
}

const advice = "A GitHub App's key is made on the App's settings page, a token at Settings > Developer settings > Personal access tokens"

// newAPI returns an api with the credential that the settings name.
func newAPI(env connectors.Environment, p *parsed) (*api, error) {
	a := &api{site: p.site, now: env.Now}
	if a.now == nil {
		a.now = time.Now
	}
	cfg := remote.Config{URL: p.site.base, Token: remote.Secret(env, "token"), Account: p.account(), Advice: advice, Judge: a.judge}
	if p.app != "" {
		token, err := installationToken(env, p, a.judge)
		if err != nil {
			return nil, err
		}
		cfg.Token = token
	}
	var err error
	a.client, err = remote.New(env, cfg)
	return a, err
}

// headers are those of every request of GitHub's REST API.
func headers() http.Header {
	return http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}
}

// get asks the REST API.
func get[T any](ctx context.Context, a *api, r remote.Request) (T, *remote.Response, error) {
	if !strings.Contains(r.Path, "://") {
		r.Path = a.site.rest + r.Path
	}
	r.Header = headers()
	return remote.Get[T](ctx, a.client, r)
}

// graphQLError is one error in a reply of the GraphQL API.
type graphQLError struct {
	Type       string
	Message    string
	Path       []any
	Extensions struct{ Code string }
}

// reply is a reply of the GraphQL API.
type reply[T any] struct {
	Data   *T
	Errors []graphQLError
}

// query asks the GraphQL API. What could not be told is null in the reply, and has an
// error with its path.
func query[T any](ctx context.Context, a *api, what, text string, variables map[string]any) (*T, []graphQLError, *remote.Response, error) {
	r := remote.Request{Path: a.site.graphQL, JSON: map[string]any{"query": text, "variables": variables}, Repeat: true, What: what}
	out, res, err := remote.Get[reply[T]](ctx, a.client, r)
	if err != nil {
		return nil, nil, res, err
	}
	if out.Data == nil {
		return nil, nil, res, a.partial(what)
	}
	return out.Data, out.Errors, res, nil
}

// ask is query for what must come whole.
func ask[T any](ctx context.Context, a *api, what, text string, variables map[string]any) (*T, error) {
	out, failed, _, err := query[T](ctx, a, what, text, variables)
	if err == nil && len(failed) > 0 {
		return nil, a.partial(what, failed...)
	}
	return out, err
}

// partial is the error of a reply with holes.
func (a *api) partial(what string, failed ...graphQLError) error {
	for _, e := range failed {
		if e.Type == "FORBIDDEN" {
			return &connectors.Error{Kind: connectors.ErrForbidden, Message: a.client.Host() + " does not allow it to this credential when asked for " + what +
				": it lacks a permission or scope, or is not authorized for the organisation's single sign-on"}
		}
	}
	return &connectors.Error{Kind: connectors.ErrUnexpected, Message: a.client.Host() + " answered only in part when asked for " + what}
}

// The limits of GitHub's: the primary one says until when, the secondary one for how
// long, or else a minute is to be waited ("Best practices for using the REST API").
const secondaryWait = time.Minute

// judge says what a reply means beyond its status.
func (a *api) judge(res *remote.Response) error {
	switch {
	case res.Status == http.StatusForbidden || res.Status == http.StatusTooManyRequests:
		return a.judgeLimit(res)
	case res.Status == http.StatusOK && strings.HasSuffix(res.URL.Path, "/graphql"):
		return a.judgeGraphQL(res)
	case res.Status == http.StatusUnavailableForLegalReasons:
		return &connectors.Error{Kind: connectors.ErrNotFound}
	}
	return nil
}

func (a *api) judgeLimit(res *remote.Response) error {
	limited := &connectors.Error{Kind: connectors.ErrRateLimited}
	switch {
	case res.Header.Get("Retry-After") != "":
		return limited
	case res.Header.Get("X-Ratelimit-Remaining") == "0":
		limited.Wait = a.untilReset(res.Header)
		return limited
	case strings.Contains(string(res.Body), "secondary rate limit"):
		limited.Wait = secondaryWait
		return limited
	}
	return nil
}

// untilReset is how long the primary limit holds.
func (a *api) untilReset(h http.Header) time.Duration {
	seconds, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil {
		return secondaryWait
	}
	return max(time.Unix(seconds, 0).Sub(a.now()), 0) + time.Second
}

// judgeGraphQL finds the errors of a whole query, which come with status 200.
func (a *api) judgeGraphQL(res *remote.Response) error {
	var out reply[json.RawMessage]
	if err := json.Unmarshal(res.Body, &out); err != nil || len(out.Errors) == 0 {
		return nil //nolint:nilerr // who asked finds what is no JSON
	}
	first := out.Errors[0]
	switch {
	case first.Type == "RATE_LIMITED":
		return &connectors.Error{Kind: connectors.ErrRateLimited, Wait: a.untilReset(res.Header)}
	case out.Data != nil && string(*out.Data) != "null":
		return nil
	case first.Type == "FORBIDDEN" || first.Type == "INSUFFICIENT_SCOPES":
		return &connectors.Error{Kind: connectors.ErrForbidden}
	case first.Type == "NOT_FOUND":
		return &connectors.Error{Kind: connectors.ErrNotFound}
	case first.Type == "" && first.Extensions.Code == "": // "Something went wrong while executing your query", as of time-outs
		return &connectors.Error{Kind: connectors.ErrUnavailable}
	}
	return &connectors.Error{Kind: connectors.ErrUnexpected}
}

// serverTime is when a reply was sent, by GitHub's clock.
func (a *api) serverTime(res *remote.Response) time.Time {
	if res != nil {
		if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
			return at
		}
	}
	return a.now()
}
