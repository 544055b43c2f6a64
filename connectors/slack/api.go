package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// The methods that are asked.
const (
	authTest             = "auth.test"
	usersList            = "users.list"
	usersConversations   = "users.conversations"
	conversationsList    = "conversations.list"
	conversationsMembers = "conversations.members"
	conversationsHistory = "conversations.history"
	conversationsReplies = "conversations.replies"
	filesList            = "files.list"
)

// tiers are how many requests a minute Slack takes of each method, from an app in a
// workspace (docs.slack.dev/apis/web-api/rate-limits).
var tiers = map[string]int{
	authTest: 100, usersList: 20, usersConversations: 50, conversationsList: 20, conversationsMembers: 100,
	conversationsHistory: 50, conversationsReplies: 50, filesList: 50,
}

const advice = "Bot tokens are found at api.slack.com/apps: the app, OAuth & Permissions"

// api asks the Web API. It may be used by several goroutines at once.
type api struct {
	methods map[string]*client // each with a pace of its own
	files   *client
	hosts   map[string]bool // that hold files
}

func newAPI(env connectors.Environment, address string) (*api, error) {
	base, err := remote.ParseURL("url", address)
	if err != nil {
		return nil, err
	}
	a := &api{methods: map[string]*client{}, hosts: map[string]bool{base.Host: true, "files." + base.Host: true}}
	cfg := remote.Config{URL: base.String(), Token: remote.Secret(env, "token"), Advice: advice, Judge: judge}
	for method, perMinute := range tiers {
		of := cfg
		of.Account = "source " + string(env.Source) + " " + method
		of.Rate = connectors.Rate{Every: time.Minute / time.Duration(perMinute), Burst: perMinute / 5}
		if a.methods[method], err = remote.New(env, of); err != nil {
			return nil, err
		}
	}
	cfg.Account, cfg.Judge = "source "+string(env.Source)+" files", judgeFile
	if base.Port() == "" {
		cfg.Origins = []string{base.Scheme + "://files." + base.Host}
	}
	cfg.Follow = func(to *url.URL) bool { return a.hosts[to.Host] }
	a.files, err = remote.New(env, cfg)
	return a, err
}

// ask asks a method.
func ask[T any](ctx context.Context, a *api, method string, query url.Values, what string) (T, *remote.Response, error) {
	return remote.Get[T](ctx, a.methods[method], remote.Request{Path: "api/" + method, Query: query, What: what})
}

func (a *api) auth(ctx context.Context) (auth, error) {
	who, res, err := ask[auth](ctx, a, authTest, nil, "whose token it is")
	if err != nil {
		return who, err
	}
	who.scopes = list(res.Header.Get("X-Oauth-Scopes"))
	if u, err := url.Parse(who.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || who.TeamID == "" {
		return who, &connectors.Error{Kind: connectors.ErrUnexpected, Message: a.files.Host() + " does not say which workspace the token belongs to"}
	}
	return who, nil
}

// page is a page of a list that Slack divides by cursors.
type page interface{ next() string }

// pages yields the pages of such a list.
func pages[T page](ctx context.Context, a *api, method string, query url.Values, what string) iter.Seq2[T, error] {
	request := func(cursor string) remote.Request {
		q := url.Values{}
		for name, values := range query {
			q[name] = values
		}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		return remote.Request{Path: "api/" + method, Query: q, What: what}
	}
	return remote.Pages(ctx, a.methods[method], request(""), func(p T, _ *remote.Response) (remote.Request, bool) {
		return request(p.next()), p.next() != ""
	})
}

// isFile reports whether an address is that of a file at Slack.
func (a *api) isFile(address string) bool {
	u, err := url.Parse(address)
	return err == nil && a.hosts[u.Host] && u.User == nil
}

// refusal is what Slack answers instead of what it was asked for.
type refusal struct {
	code string
	kind error
}

// Error returns Slack's name for it.
func (r *refusal) Error() string { return r.code }

// Unwrap returns the kind of failure.
func (r *refusal) Unwrap() error { return r.kind }

// concerns reports whether an error is Slack's answer about the one conversation,
// thread or person that was asked for.
func concerns(err error) bool {
	var r *refusal
	if !errors.As(err, &r) {
		return false
	}
	switch r.code {
	case "channel_not_found", "not_in_channel", "thread_not_found", "message_not_found", "user_not_found", "fetch_members_failed", "is_archived":
		return true
	}
	return false
}

// judge reads {"ok": false, "error": …}, which comes with the status 200.
func judge(res *remote.Response) error {
	if bytes.HasPrefix(res.Body, []byte(`{"ok":true`)) {
		return nil
	}
	var told struct {
		OK     *bool
		Error  string
		Needed string
	}
	if err := json.Unmarshal(res.Body, &told); err != nil || told.OK == nil || *told.OK {
		return nil //nolint:nilerr // what is no JSON is judged by the client
	}
	host, code := res.URL.Host, told.Error
	fail := func(kind error, message string) error {
		return &connectors.Error{Kind: &refusal{code, kind}, Message: message, Status: res.Status}
	}
	switch code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "two_factor_setup_required":
		return fail(connectors.ErrUnauthorized, host+" refused the token ("+code+
			"): it is wrong, has expired or was revoked. Give the source another one with cairn source set NAME --secret. "+advice)
	case "missing_scope":
		return fail(connectors.ErrForbidden, host+" says that the token lacks the scope "+named(told.Needed, scopeName)+
			": add it to the app's bot token scopes, install the app again, and give the source the new token")
	case "access_denied", "accesslimited", "ekm_access_denied", "enterprise_is_restricted", "no_permission", "not_allowed_token_type", "org_login_required",
		"team_access_not_granted", "team_added_to_org":
		return fail(connectors.ErrForbidden, host+" does not let the app read ("+code+"): the workspace's administrators must allow it")
	case "ratelimited", "rate_limited":
		return &connectors.Error{Kind: connectors.ErrRateLimited}
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout":
		return &connectors.Error{Kind: connectors.ErrUnavailable}
	case "not_in_channel":
		return fail(connectors.ErrForbidden, host+" says that the bot is not in a channel")
	case "channel_not_found", "thread_not_found", "message_not_found", "user_not_found":
		return fail(connectors.ErrNotFound, host+" does not know what it was asked for ("+code+")")
	}
	code = named(code, errorCode)
	return fail(connectors.ErrUnexpected, host+" answered "+code)
}

// The names of Slack's errors and scopes.
var (
	errorCode = regexp.MustCompile(`^[a-z]{1,20}(_[a-z]{1,20}){1,6}$`)
	scopeName = regexp.MustCompile(`^[a-z_.]{1,30}(:[a-z_.]{1,30}){1,3}$`)
)

// named returns a name as messages tell it: whoever answers in Slack's place could answer
// with the token.
func named(name string, form *regexp.Regexp) string {
	if form.MatchString(name) {
		return name
	}
	return "something that is no name of Slack's"
}

// judgeFile knows the sign-in page that comes instead of a file.
func judgeFile(res *remote.Response) error {
	if res.Status == 200 && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && res.Header.Get("Content-Disposition") == "" {
		return &connectors.Error{Kind: connectors.ErrForbidden, Status: res.Status,
			Message: res.URL.Host + " answered with a sign-in page instead of a file: the token may lack the scope files:read"}
	}
	if res.Status >= 300 && res.Status < 400 {
		return &connectors.Error{Kind: connectors.ErrForbidden, Status: res.Status, Message: res.URL.Host + " leads away from a file"}
	}
	return nil
}

var unclean = regexp.MustCompile(`[^a-zA-Z0-9_:., -]+`)

// clean leaves of a name of a person what those of Slack are made of.
func clean(text string) string {
	text = unclean.ReplaceAllString(text, "")
	return text[:min(len(text), 100)]
}
