package github

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// post is something that somebody said in a thread.
type post struct {
	level   int    // of its heading
	heading string // who, what and when
	anchor  string // by which GitHub links it
	at      time.Time
	body    string // HTML, as GitHub renders it
}

// render returns a thread as a page: its posts in order, each below a heading with the
// anchor of its permalink, which the headings in it share.
func render(repository, anchor string, t *thread) []byte {
	var w strings.Builder
	head(&w, t.Title)
	paragraph(&w, t.about(repository))
	embed(&w, t.BodyHTML, 1, anchor)
	for _, p := range t.posts() {
		id := ""
		if p.anchor != "" {
			id = ` id="` + html.EscapeString(p.anchor) + `"`
		}
		level := strconv.Itoa(p.level)
		w.WriteString("<h" + level + id + ">" + html.EscapeString(p.heading) + "</h" + level + ">\n")
		embed(&w, p.body, p.level, p.anchor)
	}
	w.WriteString("</main></body></html>\n")
	return []byte(w.String())
}

func renderRelease(repository string, l release) []byte {
	title := cmp.Or(l.Name, l.TagName)
	what := "Release"
	if l.IsPrerelease {
		what = "Pre-release"
	}
	var w strings.Builder
	head(&w, title)
	paragraph(&w, what+" "+l.TagName+" of "+repository+" by "+l.Author.name()+", "+day(l.CreatedAt)+".")
	embed(&w, l.DescriptionHTML, 1, "")
	w.WriteString("</main></body></html>\n")
	return []byte(w.String())
}

func head(w *strings.Builder, title string) {
	title = html.EscapeString(title)
	w.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + title + "</title></head><body><main>\n<h1>" + title + "</h1>\n")
}

func paragraph(w *strings.Builder, text string) {
	w.WriteString("<p>" + html.EscapeString(text) + "</p>\n")
}

func day(at time.Time) string { return at.UTC().Format("2 January 2006") }

// about is a sentence on what a thread is.
func (t *thread) about(repository string) string {
	number := " #" + strconv.Itoa(t.Number) + " in " + repository
	by := ", opened by " + t.Author.name() + " on " + day(t.CreatedAt) + "."
	words := func(state string) string { return strings.ToLower(strings.ReplaceAll(state, "_", " ")) }
	switch t.Typename {
	case "PullRequest":
		state := words(t.PullState)
		if t.IsDraft {
			state += ", draft"
		}
		return "Pull request" + number + " from " + t.HeadRefName + " into " + t.BaseRefName + ": " + state + by
	case "Discussion":
		state := "open"
		if t.Closed {
			state = "closed"
		}
		return "Discussion" + number + " in the category " + t.Category.Name + ": " + state + by
	}
	state := words(t.IssueState)
	if t.IssueState == "CLOSED" && t.StateReason != "" {
		state += " as " + words(t.StateReason)
	}
	return "Issue" + number + ": " + state + by
}

// posts returns what was said in a thread, in order: replies and the comments on one
// place of a pull request stay together.
func (t *thread) posts() []post {
	var groups [][]post
	for _, c := range t.Comments.Nodes {
		groups = append(groups, t.commentPosts(c))
	}
	for _, r := range t.Reviews.Nodes {
		groups = append(groups, r.posts())
	}
	for _, p := range t.ReviewThreads.Nodes {
		groups = append(groups, p.posts())
	}
	groups = slices.DeleteFunc(groups, func(g []post) bool { return len(g) == 0 })
	if t.Typename == "PullRequest" {
		slices.SortStableFunc(groups, func(a, b []post) int { return a[0].at.Compare(b[0].at) })
	}
	return slices.Concat(groups...)
}

// said returns a comment as a post.
func (c *comment) said(level int, heading string) post {
	return post{level, heading + " by " + c.Author.name() + ", " + day(c.CreatedAt), anchorOf(c.URL), c.CreatedAt, c.BodyHTML}
}

func (t *thread) commentPosts(c comment) []post {
	var out []post
	if !c.hidden() {
		heading := "Comment"
		if c.IsAnswer {
			heading = "Answer"
		}
		out = append(out, c.said(2, heading))
	}
	for _, reply := range c.Replies.Nodes {
		if !reply.hidden() {
			out = append(out, reply.said(3, "Reply"))
		}
	}
	return out
}

// posts returns a review as a post; none when it only holds comments on places.
func (r *review) posts() []post {
	verdict := map[string]string{"APPROVED": "Approval", "CHANGES_REQUESTED": "Request for changes", "DISMISSED": "Dismissed review", "COMMENTED": "Review"}[r.State]
	if verdict == "" || strings.TrimSpace(r.BodyHTML) == "" && r.State == "COMMENTED" {
		return nil // a pending one is its author's alone
	}
	return []post{{2, verdict + " by " + r.Author.name() + ", " + day(r.CreatedAt), anchorOf(r.URL), r.CreatedAt, r.BodyHTML}}
}

func (p *reviewThread) posts() []post {
	place := "Comment on " + p.Path
	if p.Line > 0 {
		place += ", line " + strconv.Itoa(p.Line)
	}
	if p.IsResolved {
		place += " (resolved)"
	}
	var out []post
	for _, c := range p.Comments.Nodes {
		level, heading := 3, "Reply"
		if len(out) == 0 {
			level, heading = 2, place
		}
		if !c.hidden() {
			out = append(out, c.said(level, heading))
		}
	}
	return out
}

// anchorOf returns the anchor in a permalink.
func anchorOf(permalink string) string {
	u, err := url.Parse(permalink)
	if err != nil {
		return ""
	}
	return u.Fragment
}
