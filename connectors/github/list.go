package github

import (
	"context"
	"iter"
	"strings"
)

// numbered is a repository with the first numbers of what it holds.
type numbered struct {
	ID             string
	DatabaseID     int64
	NameWithOwner  string
	HasWikiEnabled bool
	Issues         connection[item]
	PullRequests   connection[item]
	Discussions    connection[item]
	Releases       connection[item]
}

// item is an issue, a pull request or a discussion, or a release, which has an id.
type item struct {
	Number     int64
	DatabaseID int64
	IsDraft    bool
}

// The states that GitHub knows, by the setting state. Releases have none.
var (
	openClosed = map[string][]string{"open": {"OPEN"}, "closed": {"CLOSED"}, "all": {"OPEN", "CLOSED"}}
	pullStates = map[string][]string{"open": {"OPEN"}, "closed": {"CLOSED", "MERGED"}, "all": {"OPEN", "CLOSED", "MERGED"}}
)

// listing is one kind of document in the list of a repository.
type listing struct {
	kind    string // in external ids
	field   string
	states  []string
	first   connection[item]
	release bool
}

// Externals implements connectors.Lister.
func (s *source) Externals(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, owner := range s.settings.owners {
			for r, err := range repositoriesOf(ctx, s, owner, numbers, s.wanted(), func(r numbered) (string, int64) { return r.NameWithOwner, r.DatabaseID }) {
				if err != nil {
					yield("", err)
					return
				}
				if !s.list(ctx, r, yield) {
					return
				}
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield("", err)
		}
	}
}

// wanted are the variables that say what is listed.
func (s *source) wanted() map[string]any {
	variables := s.reads()
	variables["issueStates"], variables["discussionStates"] = openClosed[s.settings.state], openClosed[s.settings.state]
	variables["pullStates"] = pullStates[s.settings.state]
	return variables
}

// list yields what a repository holds, and reports whether there was no error and more is
// wanted.
func (s *source) list(ctx context.Context, r numbered, yield func(string, error) bool) bool {
	repo := &repository{DatabaseID: r.DatabaseID, NameWithOwner: r.NameWithOwner, HasWikiEnabled: r.HasWikiEnabled}
	for _, l := range []listing{
		{"issue", "issues", openClosed[s.settings.state], r.Issues, false},
		{"pull", "pullRequests", pullStates[s.settings.state], r.PullRequests, false},
		{"discussion", "discussions", openClosed[s.settings.state], r.Discussions, false},
		{"release", "releases", nil, r.Releases, true},
	} {
		arguments, fields := ", states: ["+strings.Join(l.states, ", ")+"]", "number"
		if l.release {
			arguments, fields = "", "databaseId isDraft"
		}
		items, err := rest(ctx, s.api, "the numbers of documents", r.ID, further("Repository", l.field, arguments, "nodes", fields), l.first)
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			yield("", err)
			return false
		}
		for _, i := range items {
			if i.IsDraft {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				yield("", err)
				return false
			}
			if !yield(repo.external(l.kind, i.Number+i.DatabaseID), nil) { // one of them is zero
				return false
			}
		}
	}
	return s.listWiki(ctx, repo, yield)
}
