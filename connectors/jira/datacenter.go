package jira

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// datacenter asks a site of Jira Data Center: REST API v2.
type datacenter struct {
	rest
	configured map[string][]holder // members of security levels, by name or id
	known      map[string]user     // by user name; those without one are unknown to the site
}

func newDataCenter(c *remote.Client, configured map[string][]holder) *datacenter {
	return &datacenter{rest: rest{client: c, base: "rest/api/2"}, configured: configured, known: map[string]user{}}
}

func (d *datacenter) projects(ctx context.Context) iter.Seq2[project, error] {
	return func(yield func(project, error) bool) {
		all, _, err := remote.Get[[]project](ctx, d.client, d.get("the list of projects", url.Values{"expand": {"lead"}}, "project"))
		if err != nil {
			yield(project{}, err)
			return
		}
		for _, p := range all {
			if !p.Archived && !yield(p, nil) {
				return
			}
		}
	}
}

// stuck is how often a search begins anew at the same place before it is given up.
const stuck = 5

// search implements api. Its list has numbers, and shifts whenever an issue in it is
// updated or deleted: so each page begins with the last issue of the one before, and
// where it does not, the search begins anew at that issue's minute. It ends where it meets
// what was updated after it had begun, so that it ends: the next run reads on from there.
func (d *datacenter) search(ctx context.Context, q query, zone *time.Location) iter.Seq2[[]issue, error] {
	return func(yield func([]issue, error) bool) {
		last, start, again := issue{}, 0, 0
		var begin, end time.Time
		for {
			p, at, err := d.page(ctx, q, zone, start)
			if err != nil {
				yield(nil, err)
				return
			}
			if end.IsZero() {
				end = at
			}
			fresh := p.Issues
			if start > 0 {
				if len(fresh) == 0 || fresh[0].ID != last.ID || fresh[0].when(q.by) != last.when(q.by) {
					if at := last.when(q.by); at.After(begin) {
						begin, again = at, 0
					}
					if again++; again > stuck {
						yield(nil, atlassian.Incomplete(d.client, remote.Request{What: "issues"}))
						return
					}
					q.since, start = begin, 0
					continue
				}
				fresh = fresh[1:]
			}
			if !yield(fresh, nil) || start+len(p.Issues) >= p.Total {
				return
			}
			if len(fresh) == 0 {
				yield(nil, atlassian.Incomplete(d.client, remote.Request{What: "issues"}))
				return
			}
			last = fresh[len(fresh)-1]
			if !end.IsZero() && last.when(q.by).After(end.Add(time.Minute)) {
				return
			}
			start += len(p.Issues) - 1
		}
	}
}

// foundByNumber is a page of a search.
type foundByNumber struct {
	Issues []issue `json:"issues"`
	Total  int     `json:"total"`
}

// page asks for a page of a search, and tells the time of the site.
func (d *datacenter) page(ctx context.Context, q query, zone *time.Location, start int) (p foundByNumber, at time.Time, err error) {
	type search struct {
		JQL        string   `json:"jql"`
		Fields     []string `json:"fields"`
		StartAt    int      `json:"startAt"`
		MaxResults int      `json:"maxResults"`
		Expand     []string `json:"expand,omitempty"`
	}
	body := search{JQL: q.jql(zone), Fields: q.fields, StartAt: start, MaxResults: q.size}
	if slices.Contains(q.fields, "description") {
		body.Expand = []string{"renderedFields"}
	}
	request := d.get("issues", nil, "search")
	request.JSON, request.Repeat, request.MaxBytes = body, true, searchBytes
	p, res, err := remote.Get[foundByNumber](ctx, d.client, request)
	if err != nil {
		return p, at, err
	}
	at, _ = http.ParseTime(res.Header.Get("Date")) // without it, the search ends with its list
	return p, at, pageOf(d.client, p.Issues)
}

func (d *datacenter) comments(ctx context.Context, id string) ([]comment, error) {
	return d.rest.comments(ctx, id, "renderedBody,properties")
}

// levels implements api. Data Center names the levels, but tells nobody who is in them.
func (d *datacenter) levels(ctx context.Context, p project) (levels, error) {
	type scheme struct {
		Levels []struct {
			ID   flexible `json:"id"`
			Name string   `json:"name"`
		} `json:"levels"`
	}
	s, _, err := remote.Get[scheme](ctx, d.client, d.get("the issue security of a project", nil, "project", p.ID, "issuesecuritylevelscheme"))
	if err != nil && !atlassian.ConcernsOne(err) {
		return levels{}, err
	}
	out := levels{any: !errors.Is(err, connectors.ErrNotFound), members: map[string][]holder{}} // else it has some, or may have
	for _, l := range s.Levels {
		for _, name := range []string{l.Name, string(l.ID)} {
			if told, ok := d.configured[name]; ok {
				out.members[string(l.ID)] = append(out.members[string(l.ID)], told...)
			}
		}
	}
	return out, nil
}

// people implements api: ids are user names, or keys of users.
func (d *datacenter) people(ctx context.Context, ids []string) (map[string]user, error) {
	found := map[string]user{}
	for _, id := range ids {
		if id == "" {
			continue
		}
		if _, ok := d.known[id]; !ok {
			u, err := d.person(ctx, id)
			if err != nil {
				return nil, err
			}
			d.known[id] = u
		}
		if u := d.known[id]; u.Name != "" {
			found[id] = u
		}
	}
	return found, nil
}

// person asks for one user, of a name or of a key.
func (d *datacenter) person(ctx context.Context, id string) (user, error) {
	for _, by := range []string{"username", "key"} {
		u, _, err := remote.Get[user](ctx, d.client, d.get("a person", url.Values{by: {id}}, "user"))
		if err == nil || !atlassian.ConcernsOne(err) {
			return u, err
		}
	}
	return user{}, nil
}

// groups implements api. Data Center lists groups to nobody, but answers for those that
// are known by name.
func (d *datacenter) groups(_ context.Context, named []string) iter.Seq2[group, error] {
	return func(yield func(group, error) bool) {
		for _, name := range named {
			if !yield(group{Name: name}, nil) {
				return
			}
		}
	}
}

func (d *datacenter) members(ctx context.Context, g group) iter.Seq2[user, error] {
	request := d.get("the members of a group", url.Values{"groupname": {g.Name}, "maxResults": {"50"}}, "group", "member")
	return numbers(ctx, d.client, request, func(u user) string { return u.Key + "\n" + u.Name })
}

func (d *datacenter) download(a attachment) remote.Request {
	return remote.Request{Path: "secure/attachment/" + url.PathEscape(string(a.ID)) + "/" + url.PathEscape(a.Filename), What: "an attachment"}
}

// text implements api: Jira renders texts of wiki markup, and nothing else.
func (d *datacenter) text(raw, rendered json.RawMessage) (string, error) {
	if html := ""; json.Unmarshal(rendered, &html) == nil && html != "" {
		return html, nil
	}
	plain := ""
	if !isNull(raw) && json.Unmarshal(raw, &plain) != nil {
		return "", &connectors.DocumentError{Code: "unreadable", Reason: "A text of the issue is of a form that is not known."}
	}
	return paragraphs(plain), nil
}

// wikiFile is how wiki markup shows files: !name!, !name|options!, [^name], [text|^name].
var wikiFile = regexp.MustCompile(`!([^!|\n]+)(?:\|[^!\n]*)?!|\[(?:[^\]|\n]*\|)?\^([^\]|\n]+)[^\]\n]*\]`)

// shows implements api.
func (d *datacenter) shows(raw json.RawMessage) []string {
	plain := ""
	if isNull(raw) {
		return nil
	}
	if json.Unmarshal(raw, &plain) != nil {
		return []string{""}
	}
	var names []string
	for _, m := range wikiFile.FindAllStringSubmatch(plain, -1) {
		if name := strings.TrimSpace(m[1] + m[2]); !strings.Contains(name, "://") {
			names = append(names, name)
		}
	}
	return names
}
