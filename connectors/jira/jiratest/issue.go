package jiratest

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/cairnhq/cairn/connectors/internal/atlassian/atlassiantest"
)

// text returns a text as the edition has it.
func (s *Site) text(t Text) any {
	if s.Cloud {
		return t.ADF
	}
	return t.Wiki
}

// fieldsOf returns all fields of an issue.
func (s *Site) fieldsOf(i *issue) map[string]any {
	p := s.projects[i.project]
	id := func(id, name string) any { return map[string]any{"id": id, "name": name} }
	fields := map[string]any{
		"summary": i.summary, "description": s.text(i.body), "environment": nil,
		"project": map[string]any{"id": p.id, "key": p.key, "name": p.name},
		"created": s.at(i.created), "updated": s.at(i.updated),
		"subtasks": s.below(i), "issuelinks": append([]map[string]any{}, i.links...),
		"issuetype": id("1", "Bug"), "status": id("3", "In Progress"), "priority": id("2", "High"), "resolution": nil,
		"assignee": s.person(i.assignee), "reporter": s.person(i.reporter), "labels": []string{"urgent", "printer"},
		"components": []any{id("7", "Frontend")}, "fixVersions": []any{id("8", "2.0")},
		"attachment": s.attachments(i), "comment": s.firstComments(i), "security": nil,
		Criteria: nil, Customer: nil, Team: nil, Watchers: nil, Teams: nil,
	}
	if i.broken {
		fields["description"] = map[string]any{"type": "hologram"}
	}
	if i.parent != "" {
		fields["parent"] = map[string]any{"id": s.named(i.parent).id, "key": s.key(s.named(i.parent)), "fields": map[string]any{"summary": s.named(i.parent).summary}}
	}
	if i.level != "" {
		fields["security"] = id(s.levels[i.level].id, i.level)
	}
	if i.puzzle {
		fields["security"] = id("99", "Of the moon")
	}
	if p.simplified {
		delete(fields, "security")
		restrictions := map[string]any{}
		if len(i.restricted) > 0 {
			restrictions["projectrole"] = i.restricted
		}
		if i.puzzle {
			restrictions["moonphase"] = []string{"full"}
		}
		fields["issuerestriction"] = map[string]any{"issuerestrictions": restrictions, "shouldDisplay": true}
	}
	for name, v := range i.fields {
		if t, ok := v.(Text); ok {
			v = s.text(t)
		}
		fields[name] = v
	}
	return fields
}

// render fills in the fields of Data Center that are texts.
func (s *Site) render(i *issue, rendered map[string]any) {
	texts := map[string]any{"description": i.body}
	for name, v := range i.fields {
		texts[name] = v
	}
	for name, v := range texts {
		if t, ok := v.(Text); ok {
			if _, asked := rendered[name]; asked && (!i.broken || name != "description") {
				rendered[name] = t.HTML
			}
		}
	}
	if _, asked := rendered["comment"]; !asked {
		return
	}
	var all []any
	for _, c := range i.comments {
		all = append(all, map[string]any{"id": c.id, "body": c.body.HTML, "created": "Yesterday"})
	}
	rendered["comment"] = map[string]any{"comments": all, "total": len(all)}
}

func (s *Site) below(i *issue) []any {
	out := []any{}
	for _, child := range sorted(s.issues, func(i *issue) int { return number(i.id) }) {
		if child.parent != "" && s.names[child.parent] == i.id {
			out = append(out, map[string]any{"id": child.id, "key": s.key(child), "fields": map[string]any{"summary": child.summary}})
		}
	}
	return out
}

// person returns an account as the edition shows one.
func (s *Site) person(id string) any {
	u := s.users[id]
	if u == nil {
		return nil
	}
	out := map[string]any{"displayName": u.name, "active": true}
	if !u.private {
		out["emailAddress"] = u.email
	}
	if s.Cloud {
		out["accountId"], out["accountType"] = u.id, cmp.Or(u.kind, "atlassian")
	} else {
		out["key"], out["name"] = "JIRAUSER"+u.id, "name-"+u.id
	}
	return out
}

// Person returns an account as it stands in a field of an issue.
func (s *Site) Person(id string) any {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.person(id)
}

func (s *Site) attachments(i *issue) []any {
	out := []any{}
	for _, a := range i.attachments {
		id := any(a.id)
		if s.Cloud {
			id, _ = strconv.Atoi(a.id) // as the description has it
		}
		out = append(out, map[string]any{
			"id": id, "filename": a.name, "mimeType": a.mediaType, "size": len(a.data), "created": s.at(a.created), "author": s.person("Bob"),
			"content": "https://acme.atlassian.net/rest/api/3/attachment/content/" + a.id,
		})
	}
	return out
}

// firstComments is the field comment: Cloud cuts it off.
func (s *Site) firstComments(i *issue) map[string]any {
	out := []any{}
	for _, c := range i.comments {
		if len(out) < pageSize || !s.Cloud {
			out = append(out, s.showComment(i, c, false))
		}
	}
	return map[string]any{"comments": out, "total": len(i.comments), "startAt": 0, "maxResults": len(out)}
}

func (s *Site) showComment(i *issue, c *comment, whole bool) any {
	out := map[string]any{"id": c.id, "author": s.person(c.author), "body": s.text(c.body), "created": s.at(c.created), "updated": s.at(c.created)}
	if c.visibility != nil {
		out["visibility"] = c.visibility
	}
	if s.Cloud {
		out["jsdPublic"] = !c.internal
		return out
	}
	if whole {
		out["renderedBody"], out["properties"] = c.body.HTML, []any{}
		if s.hidden["properties"] {
			delete(out, "properties")
		} else if s.projects[i.project].kind == "service_desk" {
			out["properties"] = []any{map[string]any{"key": "sd.public.comment", "value": map[string]any{"internal": c.internal}}}
		}
	}
	return out
}

func (s *Site) listComments(w http.ResponseWriter, r *http.Request) {
	i := s.issues[r.PathValue("id")]
	if i == nil {
		absent(w)
		return
	}
	if s.hidden["comments"] {
		forbid(w)
		return
	}
	start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	begin := min(start, len(i.comments))
	out := []any{}
	for _, c := range i.comments[begin:min(begin+pageSize, len(i.comments))] {
		out = append(out, s.showComment(i, c, true))
	}
	atlassiantest.Reply(w, map[string]any{"startAt": start, "maxResults": pageSize, "total": len(i.comments), "comments": out})
}

// redirectToFile leads to where a file lies.
func (s *Site) redirectToFile(w http.ResponseWriter, r *http.Request) {
	if s.hidden[r.PathValue("id")] {
		absent(w)
		return
	}
	http.Redirect(w, r, s.media.URL+"/file/"+r.PathValue("id")+"?token=signed", http.StatusSeeOther)
}
