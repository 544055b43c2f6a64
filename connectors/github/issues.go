package github

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// The kinds of documents, as people filter by them.
const (
	kindIssue      cairn.Kind = "ticket"
	kindPull       cairn.Kind = "pull_request"
	kindDiscussion cairn.Kind = "discussion"
	kindRelease    cairn.Kind = "release"
)

// issue is an issue, or a pull request, in a list of the REST API.
type issue struct {
	ID          int64            `json:"id"` // of the issue, also of a pull request
	Number      int64            `json:"number"`
	Title       string           `json:"title"`
	Body        string           `json:"body"`
	HTMLURL     string           `json:"html_url"`
	State       string           `json:"state"`
	StateReason string           `json:"state_reason"`
	Draft       bool             `json:"draft"`
	Comments    int              `json:"comments"`
	User        *account         `json:"user"`
	Labels      []label          `json:"labels"`
	CreatedAt   time.Time        `json:"created_at"`
	UpdatedAt   time.Time        `json:"updated_at"`
	PullRequest *json.RawMessage `json:"pull_request"`
}

type label struct {
	Name string `json:"name"`
}

// account is somebody; nil: a ghost, whose account was deleted.
type account struct {
	Login string `json:"login"`
}

func (a *account) name() string {
	if a == nil {
		return "ghost"
	}
	return a.Login
}

// read is an issue at a time.
type read struct {
	number  int64
	updated time.Time
}

// issues reads the issues and pull requests that changed. They come in the order of
// their change, and those that change meanwhile move to the end, so that the second page
// is not what it was: each page is asked for by the time of the last change on the one
// before. By the link to the next page it is asked for only where a page is full of
// changes of the same time.
func (r *reading) issues(repo *repository, at *position) error {
	last := newest(repo.Issues)
	if t := newest(repo.PullRequests); t.After(last) {
		last = t
	}
	if at.upToDate(last) {
		return nil
	}
	since := at.since()
	seen, asked := map[read]bool{}, map[string]bool{}
	for request := issuesSince(repo, since); ; {
		list, res, err := get[[]issue](r.ctx, r.api, request)
		if errors.Is(err, connectors.ErrNotFound) {
			return nil // it was removed a moment ago, or has its issues switched off
		}
		if err != nil {
			return err
		}
		if len(list) > 0 {
			if err := r.still(r.ctx, repo); err != nil {
				return err
			}
		}
		batch := &batch{source: r.source, repository: repo.ID}
		var changes []connectors.Change
		for _, i := range list {
			at.advance(i.UpdatedAt)
			if !seen[read{i.Number, i.UpdatedAt}] {
				seen[read{i.Number, i.UpdatedAt}] = true
				changes = append(changes, r.issue(repo, i, batch)...)
			}
		}
		next, more := remote.NextLink(res)
		if asked[next] && more {
			return r.partial(request.What) // it leads back to a page that was read
		}
		asked[next] = true
		if !more {
			at.settle(r.serverTime(res))
		}
		if err := r.emit(changes); err != nil || !more {
			return err
		}
		request = remote.Request{Path: next, What: request.What}
		if len(list) == 0 {
			continue
		}
		// GitHub's times are of seconds, and a change at the time itself may not be "after".
		if from := list[len(list)-1].UpdatedAt.Add(-time.Second); from.After(since) {
			since = from
			request = issuesSince(repo, since)
		}
	}
}

func issuesSince(repo *repository, since time.Time) remote.Request {
	query := url.Values{"state": {"all"}, "sort": {"updated"}, "direction": {"asc"}, "per_page": {"100"}}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	return remote.Request{Path: repo.path() + "/issues", Query: query, What: "the issues of a repository"}
}

// issue returns the change of an issue or a pull request; none where such are not read.
func (r *reading) issue(repo *repository, i issue, batch *batch) []connectors.Change {
	kind, what, name, fragment := kindIssue, issues, "issue", issueFragment
	if i.PullRequest != nil {
		kind, what, name, fragment = kindPull, pulls, "pull", pullFragment
	}
	if !r.settings.read[what] {
		return nil
	}
	external := repo.external(name, i.Number)
	if r.settings.state != "all" && i.State != r.settings.state {
		return []connectors.Change{{Op: connectors.Delete, External: external}}
	}
	attributes := map[string]string{"repository": repo.NameWithOwner, "number": strconv.FormatInt(i.Number, 10), "state": i.State}
	var labels []string
	for _, l := range i.Labels {
		labels = append(labels, l.Name)
	}
	if len(labels) > 0 {
		attributes["labels"] = strings.Join(labels, ", ")
	}
	return []connectors.Change{repo.change(connectors.Change{
		External: external,
		Metadata: connectors.Metadata{
			Title: i.Title, URL: i.HTMLURL, Author: i.User.name(), Kind: kind, MediaType: "text/html",
			Created: i.CreatedAt.UTC(), Modified: i.UpdatedAt.UTC(), Attributes: attributes,
			Revision: revision(i.UpdatedAt, repo.NameWithOwner, i.Title, i.Body, i.State, i.StateReason, i.Draft, labels, i.Comments),
		},
		Open: batch.add(fragment, int(i.Number), "issue-"+strconv.FormatInt(i.ID, 10), repo.NameWithOwner),
	})}
}
