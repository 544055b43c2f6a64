package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// opener opens an issue as HTML: its fields, texts and links, and its comments behind
// them.
func (s *Site) opener(p project, i issue) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		shown, _, err := s.commentsOf(ctx, p, i)
		if err != nil {
			return nil, product.OfDocument(err)
		}
		text, err := s.html(i, shown)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

// commentsOf returns the comments that everybody sees who sees the issue, by age, and
// those that are kept from some.
func (s *Site) commentsOf(ctx context.Context, p project, i issue) (shown, kept []comment, err error) {
	first := value[commentField](i, "comment")
	all := first.Comments
	service := p.ProjectTypeKey == "service_desk"
	if first.Total > len(all) || service && !s.cfg.Cloud && first.Total > 0 {
		if all, err = s.api.comments(ctx, i.ID); err != nil {
			return nil, nil, err
		}
	} else {
		i.renderComments(all)
	}
	for _, c := range all {
		if c.restricted() || service && !s.cfg.internal && c.internal() {
			kept = append(kept, c)
		} else {
			shown = append(shown, c)
		}
	}
	if !s.cfg.Comments {
		shown = nil
	}
	slices.SortStableFunc(shown, func(a, b comment) int { return atlassian.Moment(a.Created).Compare(atlassian.Moment(b.Created)) })
	return shown, kept, nil
}

// internal reports whether a comment of a service project is for those who work there.
// One that does not say is.
func (c comment) internal() bool {
	if c.JSDPublic != nil {
		return !*c.JSDPublic
	}
	if c.Properties == nil {
		return true
	}
	for _, p := range c.Properties {
		var v struct {
			Internal bool `json:"internal"`
		}
		if p.Key == "sd.public.comment" && (json.Unmarshal(p.Value, &v) != nil || v.Internal) {
			return true
		}
	}
	return false
}

// renderComments takes over the HTML that Data Center renders beside an issue.
func (i issue) renderComments(all []comment) {
	var rendered struct {
		Comments []struct {
			ID   flexible        `json:"id"`
			Body json.RawMessage `json:"body"`
		} `json:"comments"`
	}
	if json.Unmarshal(i.Rendered["comment"], &rendered) != nil {
		return
	}
	for n := range all {
		for _, r := range rendered.Comments {
			if r.ID == all[n].ID {
				all[n].Rendered = r.Body
			}
		}
	}
}

// html returns an issue with its comments.
func (s *Site) html(i issue, comments []comment) (string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%s</title></head><body><main>\n", html.EscapeString(title(i)))
	s.writeFacts(&out, i)
	for _, name := range append([]string{"description", "environment"}, s.texts...) {
		text, err := s.field(i, name)
		if err != nil {
			return "", err
		}
		if heading := s.headings[name]; heading != "" && text != "" {
			fmt.Fprintf(&out, "\n<h1>%s</h1>\n", html.EscapeString(heading))
		}
		out.WriteString(text)
	}
	for n, c := range comments {
		if n == 0 {
			out.WriteString("\n<h1>Comments</h1>\n")
		}
		text, err := s.api.text(c.Body, c.Rendered)
		if err != nil {
			return "", err
		}
		out.WriteString(atlassian.Comment(s.link(i), string(c.ID), c.heading(), s.cfg.Cloud) + text + "</article>\n")
	}
	out.WriteString("\n</main></body></html>\n")
	return out.String(), nil
}

func (c comment) heading() string {
	heading := "Comment"
	if c.Author != nil && c.Author.DisplayName != "" {
		heading = c.Author.DisplayName
	}
	if at := atlassian.Moment(c.Created); !at.IsZero() {
		heading += ", " + at.Format("2006-01-02")
	}
	return heading
}

// field returns a field of an issue as HTML.
func (s *Site) field(i issue, name string) (string, error) {
	raw := i.Fields[name]
	if isNull(raw) {
		return "", nil
	}
	if slices.Contains(s.choices, name) {
		return paragraphs(strings.Join(labels(raw), ", ")), nil
	}
	return s.api.text(raw, i.Rendered[name])
}

// labels returns what is to be read of a value that is no text: an option, a user, a
// number, or a list of them.
func labels(raw json.RawMessage) []string {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) == nil {
		var out []string
		for _, one := range all {
			if len(out) < 1000 {
				out = append(out, labels(one)...)
			}
		}
		return out
	}
	var text flexible
	if json.Unmarshal(raw, &text) == nil {
		return []string{string(text)}
	}
	var object struct {
		Value       string          `json:"value"`
		Name        string          `json:"name"`
		DisplayName string          `json:"displayName"`
		Child       json.RawMessage `json:"child"` // of a cascading option
	}
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	for _, name := range []string{object.DisplayName, object.Value, object.Name} {
		if name == "" {
			continue
		}
		if !isNull(object.Child) {
			return append([]string{name}, labels(object.Child)...)
		}
		return []string{name}
	}
	return nil
}

// writeFacts writes what is known of an issue beside its texts. Other issues have their
// keys alone: what they are called may be a secret.
func (s *Site) writeFacts(out *strings.Builder, i issue) {
	fact := func(name string, values ...string) {
		values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
		if len(values) > 0 {
			fmt.Fprintf(out, "<li>%s: %s</li>\n", html.EscapeString(name), html.EscapeString(strings.Join(values, ", ")))
		}
	}
	out.WriteString("<ul>\n")
	fact("Key", i.Key)
	for _, f := range facts {
		fact(f.label, labels(i.Fields[f.field])...)
	}
	fact("Parent", value[named](i, "parent").Key)
	for _, name := range s.epics {
		fact("Epic", value[string](i, name))
	}
	fact("Subtasks", keysOf(value[[]named](i, "subtasks"))...)
	ways, byWay := []string{}, map[string][]named{}
	for _, l := range value[[]link](i, "issuelinks") {
		way, to := l.Type.Outward, l.OutwardIssue
		if to == nil {
			way, to = l.Type.Inward, l.InwardIssue
		}
		if to == nil {
			continue
		}
		if byWay[way] == nil {
			ways = append(ways, way)
		}
		byWay[way] = append(byWay[way], *to)
	}
	for _, way := range ways {
		fact(way, keysOf(byWay[way])...)
	}
	out.WriteString("</ul>\n")
}

// facts are the fields that are written with a label, which are also attributes.
var facts = []struct{ field, label, attribute string }{
	{"issuetype", "Type", "type"}, {"status", "Status", "status"}, {"resolution", "Resolution", "resolution"}, {"priority", "Priority", "priority"},
	{"assignee", "Assignee", "assignee"}, {"reporter", "Reporter", "reporter"}, {"labels", "Labels", "labels"},
	{"components", "Components", "components"}, {"fixVersions", "Fix versions", "fix_versions"},
}

func keysOf(all []named) []string {
	keys := make([]string, len(all))
	for n, one := range all {
		keys[n] = one.Key
	}
	return keys
}

// paragraphs returns a plain text as HTML.
func paragraphs(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	if text == "" {
		return ""
	}
	escaped := html.EscapeString(text)
	return "<p>" + strings.ReplaceAll(strings.ReplaceAll(escaped, "\n\n", "</p>\n<p>"), "\n", "<br>") + "</p>"
}
