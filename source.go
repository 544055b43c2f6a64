package cairn

import "time"

// Source is a configured place that documents come from.
type Source struct {
	ID       SourceID
	Name     string            // [a-z0-9-]+, unique
	Kind     string            // of the connector: "files", "push", …
	Settings map[string]string // those that are not secret
	// Secrets are the secret settings that are set. A store returns their names alone,
	// with the zero Secret; given back to it, the zero Secret means what is stored.
	Secrets map[string]Secret
	ACLMode ACLMode
	ACL     ACL // what documents get when the mode is ACLDeclared
	Owner   AccountID
	Paused  bool
	Created time.Time
}

// ACLMode says where the permissions of a source's documents come from.
type ACLMode string

// The modes of permission.
const (
	ACLFromSource ACLMode = "source"   // the connector reads them
	ACLDeclared   ACLMode = "declared" // the source's own ACL, unless a document came with one of its own
)

// RunState is where a run of a source is. The last four are final.
type RunState string

// The states of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunPartial   RunState = "partial" // finished, with failures or deletions that wait for confirmation
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Final reports whether a run in state s will not go on.
func (s RunState) Final() bool { return s != RunQueued && s != RunRunning }

// Run is one synchronisation of a source.
type Run struct {
	ID       string
	Source   SourceID
	State    RunState
	Full     bool // every document is read again, changed or not
	DryRun   bool // nothing is written
	Confirm  bool // deletions beyond the guard are allowed
	Reason   string
	Created  time.Time
	Started  time.Time // zero: not yet
	Finished time.Time // zero: not yet
	Total    int       // documents that the source lists; 0 when it cannot tell
	Counts

	// PermissionsOnly says that no document is read: who may read the known ones is
	// brought up to date, and what has vanished is hidden. Modified are then those with
	// another ACL, Failed those whose permissions could not be told.
	PermissionsOnly bool

	Scheduled bool // the clock began it, or a webhook; false when somebody has asked for it
	// PartsOnly says that it has read nothing but the parts that webhooks told of, and is no
	// sync that the schedule counts from.
	PartsOnly bool

	// Warnings are what an administrator should know of a run that may have ended well; of
	// its last attempt.
	Warnings []RunWarning

	// Preview is what a dry run would do; nil of others, and a day after its end.
	Preview *RunPreview

	// How far it is while it runs, some seconds ago.
	Phase string  // what it does: "waiting" for its turn, "groups", "listing", "reading", "removing"
	Rate  float64 // documents a second, over the last minute
}

// Remaining estimates how long a run will still read; 0 when nobody can tell.
func (r Run) Remaining() time.Duration {
	if r.State != RunRunning || r.Rate <= 0 || r.Total <= r.Scanned {
		return 0
	}
	return time.Duration(float64(r.Total-r.Scanned) / r.Rate * float64(time.Second))
}

// RunWarning is one thing that an administrator should know of a run.
type RunWarning struct {
	Code    string `json:"code"`    // stable, for programs
	Message string `json:"message"` // a sentence; it names no document
	Count   int    `json:"count"`   // of what it is about
}

// SyncOptions is what a person may ask of a run.
type SyncOptions struct {
	Full    bool // read every document again, changed or not
	DryRun  bool // write nothing, only count
	Confirm bool // allow deletions beyond the guard

	PermissionsOnly bool // read no document: see Run
}

// Counts tells what became of the documents of a run.
// Scanned = Added + Modified + Failed + Unchanged.
type Counts struct {
	Scanned   int `json:"scanned"`
	Added     int `json:"added"`
	Modified  int `json:"modified"`
	Deleted   int `json:"deleted"`
	Failed    int `json:"failed"`
	Unchanged int `json:"unchanged"`
}

// Add returns the sums of c and d.
func (c Counts) Add(d Counts) Counts {
	return Counts{
		Scanned: c.Scanned + d.Scanned, Added: c.Added + d.Added, Modified: c.Modified + d.Modified,
		Deleted: c.Deleted + d.Deleted, Failed: c.Failed + d.Failed, Unchanged: c.Unchanged + d.Unchanged,
	}
}

// DocumentError says why a document could not be indexed.
type DocumentError struct {
	External string
	URL      string
	Code     string // stable, for programs: "encrypted", "corrupt", "too_large", "empty", …
	Reason   string // a sentence that a person understands
	Attempts int
	At       time.Time
}
