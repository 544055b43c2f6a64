package jira

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
	"github.com/cairnhq/cairn/connectors/jira/adf"
)

// cloud asks a site of Jira Cloud: REST API v3.
type cloud struct {
	rest
	known      map[string]user   // by account; those without an id are unknown to the site
	schemeOf   map[string]string // ids of security schemes by project; nil: not asked yet
	levelsOf   map[string]map[string][]holder
	levelError error // why they cannot be read
}

func newCloud(c *remote.Client) *cloud {
	return &cloud{rest: rest{client: c, base: "rest/api/3"}, known: map[string]user{}}
}

func (c *cloud) projects(ctx context.Context) iter.Seq2[project, error] {
	request := c.get("the list of projects", url.Values{"status": {"live"}, "orderBy": {"key"}, "expand": {"lead"}, "maxResults": {"50"}}, "project", "search")
	return numbers(ctx, c.client, request, func(p project) string { return p.ID })
}

// search implements api. Recent changes may be missing for some seconds: see overlap.
func (c *cloud) search(ctx context.Context, q query, zone *time.Location) iter.Seq2[[]issue, error] {
	type found struct {
		Issues        []issue `json:"issues"`
		NextPageToken string  `json:"nextPageToken"`
		IsLast        *bool   `json:"isLast"`
	}
	type search struct {
		JQL           string   `json:"jql"`
		Fields        []string `json:"fields"`
		MaxResults    int      `json:"maxResults"`
		NextPageToken string   `json:"nextPageToken,omitempty"`
	}
	return func(yield func([]issue, error) bool) {
		body := search{JQL: q.jql(zone), Fields: q.fields, MaxResults: q.size}
		for {
			request := c.get("issues", nil, "search", "jql")
			request.JSON, request.Repeat, request.MaxBytes = body, true, searchBytes
			p, _, err := remote.Get[found](ctx, c.client, request)
			if err == nil {
				err = pageOf(c.client, p.Issues)
			}
			if err == nil && (p.NextPageToken == "" && p.IsLast != nil && !*p.IsLast || p.NextPageToken != "" && p.NextPageToken == body.NextPageToken) {
				err = atlassian.Incomplete(c.client, request)
			}
			if !yield(p.Issues, err) || err != nil || p.NextPageToken == "" {
				return
			}
			body.NextPageToken = p.NextPageToken
		}
	}
}

func (c *cloud) comments(ctx context.Context, id string) ([]comment, error) {
	return c.rest.comments(ctx, id, "")
}

// levels implements api. Their members are told to administrators of Jira alone.
func (c *cloud) levels(ctx context.Context, p project) (levels, error) {
	if p.Simplified {
		return levels{}, nil // these have restrictions of another sort
	}
	if c.schemeOf == nil && c.levelError == nil {
		err := c.readLevels(ctx)
		if err != nil && !atlassian.ConcernsOne(err) {
			return levels{}, err
		}
		c.levelError = err
	}
	scheme, ok := c.schemeOf[p.ID]
	return levels{members: c.levelsOf[scheme], any: ok || c.levelError != nil}, nil
}

// readLevels reads the members of all security levels, and which projects have them.
func (c *cloud) readLevels(ctx context.Context) error {
	type mapping struct {
		Scheme  flexible `json:"issueSecuritySchemeId"`
		Project flexible `json:"projectId"`
	}
	type level struct {
		ID     flexible `json:"id"`
		Scheme flexible `json:"issueSecuritySchemeId"`
	}
	type member struct {
		ID     flexible `json:"id"`
		Level  flexible `json:"issueSecurityLevelId"`
		Scheme flexible `json:"issueSecuritySchemeId"`
		Holder holder   `json:"holder"`
	}
	schemeOf, levelsOf := map[string]string{}, map[string]map[string][]holder{}
	request := c.get("the projects with issue security", url.Values{"maxResults": {"50"}}, "issuesecurityschemes", "project")
	for m, err := range numbers(ctx, c.client, request, func(m mapping) string { return string(m.Scheme + " " + m.Project) }) {
		if err != nil {
			return err
		}
		schemeOf[string(m.Project)] = string(m.Scheme)
		levelsOf[string(m.Scheme)] = map[string][]holder{}
	}
	request = c.get("the security levels", url.Values{"maxResults": {"50"}}, "issuesecurityschemes", "level")
	for l, err := range numbers(ctx, c.client, request, func(l level) string { return string(l.ID) }) {
		if err != nil {
			return err
		}
		if levelsOf[string(l.Scheme)] != nil {
			levelsOf[string(l.Scheme)][string(l.ID)] = []holder{}
		}
	}
	request = c.get("the members of security levels", url.Values{"maxResults": {"50"}, "expand": {"all"}}, "issuesecurityschemes", "level", "member")
	for m, err := range numbers(ctx, c.client, request, func(m member) string { return string(m.ID) }) {
		if err != nil {
			return err
		}
		if of := levelsOf[string(m.Scheme)]; of[string(m.Level)] != nil {
			of[string(m.Level)] = append(of[string(m.Level)], m.Holder)
		}
	}
	c.schemeOf, c.levelsOf = schemeOf, levelsOf
	return nil
}

// accountsAtOnce is how many people are asked for at once: their ids must fit into an
// address.
const accountsAtOnce = 40

// people implements api.
func (c *cloud) people(ctx context.Context, ids []string) (map[string]user, error) {
	var unknown []string
	for _, id := range ids {
		if _, ok := c.known[id]; !ok && id != "" && !slices.Contains(unknown, id) {
			unknown = append(unknown, id)
		}
	}
	for part := range slices.Chunk(unknown, accountsAtOnce) {
		request := c.get("people", url.Values{"accountId": part, "maxResults": {"200"}}, "user", "bulk")
		for u, err := range numbers(ctx, c.client, request, func(u user) string { return u.AccountID }) {
			if err != nil {
				return nil, err
			}
			c.known[u.AccountID] = u
		}
		for _, id := range part {
			if _, ok := c.known[id]; !ok {
				c.known[id] = user{}
			}
		}
	}
	found := map[string]user{}
	for _, id := range ids {
		if u := c.known[id]; u.AccountID != "" {
			found[id] = u
		}
	}
	return found, nil
}

func (c *cloud) groups(ctx context.Context, _ []string) iter.Seq2[group, error] {
	request := c.get("the list of groups", url.Values{"maxResults": {"50"}}, "group", "bulk")
	return numbers(ctx, c.client, request, func(g group) string { return g.ID })
}

func (c *cloud) members(ctx context.Context, g group) iter.Seq2[user, error] {
	request := c.get("the members of a group", url.Values{"groupId": {g.ID}, "maxResults": {"50"}}, "group", "member")
	return numbers(ctx, c.client, request, func(u user) string { return u.AccountID })
}

func (c *cloud) download(a attachment) remote.Request {
	return c.get("an attachment", nil, "attachment", "content", string(a.ID))
}

// text implements api.
func (c *cloud) text(raw, _ json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	if plain := ""; json.Unmarshal(raw, &plain) == nil {
		return paragraphs(plain), nil // a field of one line
	}
	html, err := adf.HTML(raw)
	if err != nil {
		return "", &connectors.DocumentError{Code: "unreadable", Reason: "A text of the issue is of a form that is not known.", Err: err}
	}
	return html, nil
}

func (c *cloud) shows(raw json.RawMessage) []string {
	if isNull(raw) {
		return nil
	}
	names, err := adf.Media(raw)
	if err != nil {
		return []string{""}
	}
	return names
}
