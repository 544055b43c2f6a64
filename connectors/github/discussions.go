package github

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// discussion is a discussion in a list.
type discussion struct {
	Number     int64
	DatabaseID int64
	Title      string
	URL        string
	Author     *account
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Closed     bool
	BodyHTML   string
	Category   struct{ Name string }
	Comments   struct{ TotalCount int }
}

// discussionsPage is how many discussions there are between one cursor and the next.
const discussionsPage = 50

// discussions reads the discussions that changed. GitHub cannot list those since a time:
// they are gathered from the newest back to what was read before, and told from there on.
func (r *reading) discussions(repo *repository, at *position) error {
	if at.upToDate(newest(repo.Discussions)) {
		return nil
	}
	changed, read, err := r.changedDiscussions(repo, at.since())
	if err != nil {
		return err
	}
	slices.SortStableFunc(changed, func(a, b discussion) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for page := range slices.Chunk(changed, discussionsPage) {
		batch := &batch{source: r.source, repository: repo.ID}
		var changes []connectors.Change
		for _, d := range page {
			at.advance(d.UpdatedAt)
			changes = append(changes, r.discussion(repo, d, batch))
		}
		if err := r.emit(changes); err != nil {
			return err
		}
	}
	at.settle(read)
	return nil
}

// changedDiscussions returns the discussions that changed after a time, and when it
// began to look. Their texts become what they can be told apart by.
func (r *reading) changedDiscussions(repo *repository, since time.Time) (changed []discussion, began time.Time, err error) {
	for after := any(nil); ; {
		found, failed, res, err := query[struct {
			Node *struct {
				Visibility  string
				Discussions connection[discussion]
			}
		}](r.ctx, r.api, "the discussions of a repository", changedDiscussions, map[string]any{"repository": repo.ID, "after": after})
		if err == nil && (len(failed) > 0 || found.Node == nil) {
			err = r.partial("the discussions of a repository", failed...)
		}
		if err == nil && found.Node.Visibility != repo.Visibility {
			err = repo.replaced()
		}
		if err != nil {
			return nil, began, err
		}
		if began.IsZero() {
			began = r.serverTime(res)
		}
		held := found.Node.Discussions
		for _, d := range held.Nodes {
			if d.UpdatedAt.Before(since) {
				return changed, began, nil
			}
			d.BodyHTML = digest(d.BodyHTML)
			changed = append(changed, d)
		}
		if after, err = r.next("the discussions of a repository", held.PageInfo, after); err != nil || after == nil {
			return changed, began, err
		}
	}
}

func (r *reading) discussion(repo *repository, d discussion, batch *batch) connectors.Change {
	state := "open"
	if d.Closed {
		state = "closed"
	}
	external := repo.external("discussion", d.Number)
	if r.settings.state != "all" && state != r.settings.state {
		return connectors.Change{Op: connectors.Delete, External: external}
	}
	return repo.change(connectors.Change{
		External: external,
		Metadata: connectors.Metadata{
			Title: d.Title, URL: d.URL, Author: d.Author.name(), Kind: kindDiscussion, MediaType: "text/html",
			Created: d.CreatedAt.UTC(), Modified: d.UpdatedAt.UTC(),
			Attributes: map[string]string{
				"repository": repo.NameWithOwner, "number": strconv.FormatInt(d.Number, 10), "state": state, "category": d.Category.Name,
			},
			Revision: revision(d.UpdatedAt, repo.NameWithOwner, d.Title, d.BodyHTML, state, d.Category.Name, d.Comments.TotalCount),
		},
		Open: batch.add(discussionFragment, int(d.Number), "discussion-"+strconv.FormatInt(d.DatabaseID, 10), repo.NameWithOwner),
	})
}

// revision returns what changes when a document does: GitHub's time, which is of seconds,
// and what else is known of it.
func revision(updated time.Time, known ...any) string {
	b, err := json.Marshal(known)
	if err != nil {
		return "" // strings, numbers and booleans
	}
	return updated.UTC().Format(time.RFC3339) + " " + digest(string(b))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
