package jiratest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// grammar is the part of JQL that the fake understands.
var grammar = regexp.MustCompile(`^project = (\d+)(?: AND (updated|created) >= "(\d{4}/\d\d/\d\d \d\d:\d\d)")? ORDER BY (updated|created) ASC, key ASC$`)

// find returns the issues that JQL finds, in order.
func (s *Site) find(jql string) (found []*issue, by string, ok bool) {
	m := grammar.FindStringSubmatch(jql)
	if m == nil || m[2] != "" && m[2] != m[4] {
		return nil, "", false
	}
	var since time.Time
	if m[3] != "" {
		var err error
		if since, err = time.ParseInLocation("2006/01/02 15:04", m[3], s.zone); err != nil {
			return nil, "", false
		}
	}
	for _, i := range s.issues {
		if s.projects[i.project].id == m[1] && !i.time(m[4]).Before(since) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *issue) int { return strings.Compare(a.place(m[4]), b.place(m[4])) })
	return found, m[4], true
}

func (i *issue) time(by string) time.Time {
	if by == "created" {
		return i.created
	}
	return i.updated
}

// place orders issues.
func (i *issue) place(by string) string {
	return strconv.FormatInt(i.time(by).UnixMilli(), 10) + " " + strconv.Itoa(1e6+i.number)
}

type searchRequest struct {
	JQL           string   `json:"jql"`
	Fields        []string `json:"fields"`
	StartAt       *int     `json:"startAt"`
	MaxResults    int      `json:"maxResults"`
	NextPageToken string   `json:"nextPageToken"`
	Expand        []string `json:"expand"`
}

// read reads a search, with no members but the known ones.
func (s *Site) read(w http.ResponseWriter, r *http.Request) (q searchRequest, ok bool) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, s.Reject(w, r, "the search cannot be read: "+err.Error())
	}
	if (q.StartAt == nil) != s.Cloud || !s.Cloud && q.NextPageToken != "" || s.Cloud && q.Expand != nil {
		return q, s.Reject(w, r, "the search has members of the other edition")
	}
	if q.MaxResults < 1 || q.MaxResults > 5000 || len(q.Fields) == 0 {
		return q, s.Reject(w, r, "the search asks for no fields, or for too many issues")
	}
	known := append(standardFields(), "comment", "attachment", "issuerestriction", Criteria, Customer, Team, Watchers, Teams)
	for _, name := range q.Fields {
		if !slices.Contains(known, name) {
			return q, s.Reject(w, r, "there is no field "+name)
		}
	}
	return q, true
}

func standardFields() []string {
	return []string{
		"summary", "description", "environment", "project", "created", "updated", "security", "parent", "subtasks", "issuelinks", "issuetype",
		"status", "resolution", "priority", "assignee", "reporter", "labels", "components", "fixVersions",
	}
}

// searchByToken is the search of Cloud.
func (s *Site) searchByToken(w http.ResponseWriter, r *http.Request) {
	q, ok := s.read(w, r)
	if !ok {
		return
	}
	found, by, ok := s.find(q.JQL)
	if !ok {
		s.Reject(w, r, "this is no JQL: "+q.JQL)
		return
	}
	if q.NextPageToken != "" {
		raw, _ := base64.StdEncoding.DecodeString(q.NextPageToken)
		jql, last, _ := strings.Cut(string(raw), "\n")
		if jql != q.JQL {
			s.Reject(w, r, "the token is none of this search")
			return
		}
		found = slices.DeleteFunc(found, func(i *issue) bool { return i.place(by) <= last })
	}
	out := map[string]any{"isLast": len(found) <= s.page}
	if len(found) > s.page {
		found = found[:s.page]
		out["nextPageToken"] = base64.StdEncoding.EncodeToString([]byte(q.JQL + "\n" + found[s.page-1].place(by)))
	}
	out["issues"] = s.show(found, q)
	atlassiantest.Reply(w, out)
}

// searchByNumber is the search of Data Center.
func (s *Site) searchByNumber(w http.ResponseWriter, r *http.Request) {
	q, ok := s.read(w, r)
	if !ok {
		return
	}
	found, _, ok := s.find(q.JQL)
	if !ok {
		s.Reject(w, r, "this is no JQL: "+q.JQL)
		return
	}
	begin := min(*q.StartAt, len(found))
	atlassiantest.Reply(w, map[string]any{
		"expand": "schema,names", "startAt": *q.StartAt, "maxResults": s.page, "total": len(found),
		"issues": s.show(found[begin:min(begin+s.page, len(found))], q),
	})
}

// show returns issues with the fields that are asked for.
func (s *Site) show(found []*issue, q searchRequest) []any {
	out := []any{}
	for _, i := range found {
		all, rendered := s.fieldsOf(i), map[string]any{}
		fields := map[string]any{}
		for _, name := range q.Fields {
			v, ok := all[name]
			if !ok || s.hidden[name] {
				continue
			}
			fields[name], rendered[name] = v, nil
		}
		one := map[string]any{"id": i.id, "key": s.key(i), "self": "https://acme.atlassian.net/rest/api/3/issue/" + i.id, "fields": fields}
		if slices.Contains(q.Expand, "renderedFields") {
			s.render(i, rendered)
			one["renderedFields"] = rendered
		}
		out = append(out, one)
	}
	return out
}
