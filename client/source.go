package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
)

// Source is where documents come from. Who is no administrator sees Name alone.
type Source struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Kind      string            `json:"kind"`
	Settings  map[string]string `json:"settings"`
	Secrets   []string          `json:"secrets"` // names of secret settings that are set
	ACLMode   cairn.ACLMode     `json:"acl_mode"`
	ACL       *cairn.ACL        `json:"acl"`
	Owner     string            `json:"owner"`
	Paused    bool              `json:"paused"`
	Documents int               `json:"documents"`
	Errors    int               `json:"errors"`
	LastRun   *Run              `json:"last_run"` // that reads documents
	// When permissions were last read at the source as a whole, and since when and why
	// every attempt fails; nil where they are declared here, or nothing is wrong.
	PermissionsSyncedAt *time.Time `json:"permissions_synced_at"`
	Degraded            *Degraded  `json:"degraded"`
	// The schedule in force; empty of a source that programs push to. When the next sync
	// is due, nil when none is or one is at work; how many have failed, one after the other.
	Schedule  string     `json:"schedule"`
	NextRunAt *time.Time `json:"next_run_at"`
	Failures  int        `json:"failures"`
	Webhook   *Webhook   `json:"webhook"` // nil where the kind has none
	Reply
}

// Webhook is what is known of the webhook by which a place tells of changes.
type Webhook struct {
	URL        string     `json:"url"` // to be entered at the place; without a host when that is not known
	Ready      bool       `json:"ready"`
	AcceptedAt *time.Time `json:"accepted_at"` // nil: none yet
	Event      string     `json:"event"`
	RefusedAt  *time.Time `json:"refused_at"`
	Refusal    string     `json:"refusal"`
	Reason     string     `json:"reason"` // of the refusal, a sentence
}

// Degraded says that permissions could not be brought up to date.
type Degraded struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// SourceRequest is a source to add. ACL is a word ("source", "private",
// "everyone" or a principal) or a whole ACL, as JSON; nil leaves the choice to
// the server.
type SourceRequest struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	Settings map[string]string `json:"settings,omitempty"`
	ACL      json.RawMessage   `json:"acl,omitempty"`
}

// Sources lists all sources.
func (c *Client) Sources(ctx context.Context) (List[Source], error) {
	return list[Source](ctx, c, api("sources"), "sources", 0)
}

// Source returns one source.
func (c *Client) Source(ctx context.Context, name string) (Source, error) {
	if err := required("name of a source", name); err != nil {
		return Source{}, err
	}
	return fetch[Source](ctx, c, http.MethodGet, api("sources", name), nil)
}

// AddSource adds a source; it is not read yet.
func (c *Client) AddSource(ctx context.Context, req SourceRequest) (Source, error) {
	return fetch[Source](ctx, c, http.MethodPost, api("sources"), req)
}

// SourcePatch is what to change of a source: settings, of which nil removes one, and
// an ACL as in SourceRequest; nil leaves it.
type SourcePatch struct {
	Settings map[string]*string `json:"settings,omitempty"`
	ACL      json.RawMessage    `json:"acl,omitempty"`
}

// UpdateSource changes a source and returns it as it is then.
func (c *Client) UpdateSource(ctx context.Context, name string, patch SourcePatch) (Source, error) {
	if err := required("name of a source", name); err != nil {
		return Source{}, err
	}
	return fetch[Source](ctx, c, http.MethodPatch, api("sources", name), patch)
}

// AccessPreview says what a change of a source would do to the permissions of its
// documents.
type AccessPreview struct {
	Documents int            `json:"documents"` // whose permissions would be others
	NextSync  bool           `json:"next_sync"` // only after the next sync
	Lose      AccountChanges `json:"lose"`
	Gain      AccountChanges `json:"gain"`
	Reply
}

// AccountChanges are accounts that would lose or gain documents.
type AccountChanges struct {
	Accounts int             `json:"accounts"`
	First    []AccountChange `json:"first"` // by address
}

// AccountChange is an account with the number of documents that it would lose or gain.
type AccountChange struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Documents int    `json:"documents"`
}

// PreviewACL says who would lose and gain documents by a change, and changes nothing.
func (c *Client) PreviewACL(ctx context.Context, name string, patch SourcePatch) (AccessPreview, error) {
	if err := required("name of a source", name); err != nil {
		return AccessPreview{}, err
	}
	return fetch[AccessPreview](ctx, c, http.MethodPost, api("sources", name, "acl", "preview"), patch)
}

// DeleteSource erases a source with everything that came from it.
func (c *Client) DeleteSource(ctx context.Context, name string) (Erasure, error) {
	if err := required("name of a source", name); err != nil {
		return Erasure{}, err
	}
	return fetch[Erasure](ctx, c, http.MethodDelete, api("sources", name), nil)
}

// TestResult says whether a source can be read.
type TestResult struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Reply
}

// TestSource makes the server reach out to a source.
func (c *Client) TestSource(ctx context.Context, name string) (TestResult, error) {
	if err := required("name of a source", name); err != nil {
		return TestResult{}, err
	}
	return fetch[TestResult](ctx, c, http.MethodPost, api("sources", name, "test"), nil)
}

// Run is one synchronisation of a source.
type Run struct {
	ID         string         `json:"id"`
	State      cairn.RunState `json:"state"`
	DryRun     bool           `json:"dry_run"`
	Reason     string         `json:"reason"`
	CreatedAt  time.Time      `json:"created_at"`
	StartedAt  *time.Time     `json:"started_at"`
	FinishedAt *time.Time     `json:"finished_at"`
	Total      int            `json:"total"` // documents that the source lists; 0 when it cannot tell
	Scanned    int            `json:"scanned"`
	Added      int            `json:"added"`
	Modified   int            `json:"modified"`
	Deleted    int            `json:"deleted"`
	Failed     int            `json:"failed"`
	Unchanged  int            `json:"unchanged"`

	PermissionsOnly bool `json:"permissions_only"` // it read no document
	PartsOnly       bool `json:"parts_only"`       // it read what webhooks told of
	Scheduled       bool `json:"scheduled"`        // the clock began it

	// While it runs: "waiting" for its turn, "groups", "listing", "reading", "removing";
	// documents a second; the seconds that are left, nil when nobody can tell.
	Phase     string  `json:"phase"`
	Rate      float64 `json:"rate"`
	Remaining *int    `json:"remaining_s"`

	Warnings []cairn.RunWarning `json:"warnings"`
	Preview  *cairn.RunPreview  `json:"preview"` // of a dry run
	Reply
}

// UnmarshalJSON keeps the JSON, because runs come within lists.
func (r *Run) UnmarshalJSON(b []byte) error {
	type plain Run
	if err := json.Unmarshal(b, (*plain)(r)); err != nil {
		return err
	}
	r.JSON = json.RawMessage(append([]byte(nil), b...))
	return nil
}

// SyncRequest says how to read a source.
type SyncRequest struct {
	Full    bool `json:"full,omitempty"`    // every document again, changed or not
	DryRun  bool `json:"dry_run,omitempty"` // only count
	Confirm bool `json:"confirm,omitempty"` // allow the deletions that the last run held back

	PermissionsOnly bool `json:"permissions_only,omitempty"` // read no document, only who may read the known ones
}

// Sync queues a run, or returns the one that is queued already.
func (c *Client) Sync(ctx context.Context, source string, req SyncRequest) (Run, error) {
	if err := required("name of a source", source); err != nil {
		return Run{}, err
	}
	return fetch[Run](ctx, c, http.MethodPost, api("sources", source, "sync"), req)
}

// Runs lists the newest runs of a source, newest first, at most `most`; 0: all.
func (c *Client) Runs(ctx context.Context, source string, most int) (List[Run], error) {
	if err := required("name of a source", source); err != nil {
		return List[Run]{}, err
	}
	return list[Run](ctx, c, api("sources", source, "runs"), "runs", most)
}

// DocumentError is a document that could not be indexed.
type DocumentError struct {
	ExternalID string    `json:"external_id"`
	URL        string    `json:"url"`
	Reason     string    `json:"reason"`
	Code       string    `json:"code"`
	Attempts   int       `json:"attempts"`
	At         time.Time `json:"at"`
}

// DocumentErrors lists the documents of a source that could not be indexed, at
// most `most`; 0: all.
func (c *Client) DocumentErrors(ctx context.Context, source string, most int) (List[DocumentError], error) {
	if err := required("name of a source", source); err != nil {
		return List[DocumentError]{}, err
	}
	return list[DocumentError](ctx, c, api("sources", source, "errors"), "errors", most)
}
