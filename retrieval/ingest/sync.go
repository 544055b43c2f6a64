package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract"
)

// Syncer brings one source up to date.
type Syncer struct {
	Store   Store
	Prepare *Preparer
	Workers int // documents that are extracted at once; 0: 2
	Log     *slog.Logger
	// PreviewBytes bounds what a dry run keeps in mind of changes; 0: 64 MB.
	PreviewBytes int
}

// Sync is one run over one source.
type Sync struct {
	Source    cairn.Source
	Connector connectors.Connector
	Cursor    connectors.Cursor
	Lease     Lease
	Prune     bool // compare with the complete listing, when the connector has one
	Full      bool // read every document again
	DryRun    bool // count only
	Confirm   bool // delete as many documents as have vanished
	// ListLast says that the listing is read after the documents: what a source has that
	// was never compared with its listing can be found at once. A document that has
	// another name by then is not recognised by its text.
	ListLast bool
	// IgnoreACLs says that the source's ACL was declared to stand for what the
	// connector reads at the source.
	IgnoreACLs bool
	// Turn, when not nil, is called between two batches and while the source lists: it lets
	// others have their turn. An error ends the run.
	Turn func(ctx context.Context) error
	// Progress, when not nil, is told what the run does and how many documents this attempt
	// has counted: when either changes.
	Progress func(phase Phase, scanned int)
	// Listed, when not nil, is told how many documents the source has.
	Listed func(total int)

	// Beside opens another connector of the source. When that can tell permissions alone,
	// Run brings them up to date between two batches, PermissionsEvery after they last
	// were, which was PermissionsAge before it began. Nil: it does not.
	Beside           func() (connectors.Connector, error)
	PermissionsEvery time.Duration
	PermissionsAge   time.Duration
	// Permitted, when not nil, is told that those of all documents were, as they were
	// some time ago.
	Permitted func(ago time.Duration)
}

// Phase is what a run does.
type Phase string

// The phases of a run, in order.
const (
	PhaseGroups   Phase = "groups"   // the site's groups are read
	PhaseListing  Phase = "listing"  // the source lists what it has
	PhaseReading  Phase = "reading"  // documents, or permissions
	PhaseRemoving Phase = "removing" // what has vanished
)

// Result is how a run ended that was not broken off.
type Result struct {
	Counts cairn.Counts // of this attempt
	// Waiting is how many documents are withheld, as their deletion waits for a
	// confirmation; 0 when none do.
	Waiting int
	Pruned  bool // the listing was complete and was compared
	// Untold says that who may read some of the documents could not be told.
	Untold bool
	// Warnings are what an administrator should know.
	Warnings []cairn.RunWarning
	// Preview is what a dry run would do; nil of others.
	Preview *cairn.RunPreview
}

// The batch is large enough that a transaction is cheap a document and small
// enough that little is done again after a crash. The first ones are small, so
// that something can be found soon.
const (
	firstDocuments = 8
	batchDocuments = 64
	batchBytes     = 4 << 20
)

// maxAttempts is how often one revision of a failing document is tried; then it
// rests until the document changes or somebody asks for another try.
const maxAttempts = 5

// guardShare is the part of a source that one run may delete without being
// asked: vanished shares and mistyped paths look like mass deletions. What is
// more is withheld until somebody confirms. Sources of up to guardSmall
// documents have no guard.
const (
	guardShare = 0.3
	guardSmall = 3
)

// Run reads the changes of a source and commits them batch by batch. It can be
// killed at any moment and run again: what was committed stays, and nothing is
// stored twice. Errors are those of the source as a whole or of the store;
// documents that fail are recorded and passed over. A source that has the name of a
// directory is not read.
func (s *Syncer) Run(ctx context.Context, job Sync) (Result, error) {
	if err := cairn.CheckSourceName(job.Source.Name); err != nil {
		return Result{}, err
	}
	r := s.begin(job)
	return r.end(ctx, r.run(ctx))
}

// begin returns the state of a run that begins.
func (s *Syncer) begin(job Sync) *syncRun {
	r := &syncRun{Syncer: s, Sync: job, permitted: time.Now().Add(-job.PermissionsAge)}
	if job.DryRun {
		r.dry = newDryRun(s.Store, job, s.PreviewBytes)
		imagined := *s
		imagined.Store = r.dry
		r.Syncer = &imagined
	}
	return r
}

// run does what Run does.
func (r *syncRun) run(ctx context.Context) error {
	r.enter(PhaseGroups)
	unknown := r.readDirectory(ctx, r.Connector)
	r.enter(PhaseListing)
	if err := r.list(ctx); err != nil {
		return err
	}
	r.enter(PhaseReading)
	limit := firstDocuments
	for c, err := range r.Connector.Changes(ctx, r.since()) {
		if err != nil {
			return errors.Join(r.flush(ctx), fmt.Errorf("read %s: %w", r.Source.Name, err))
		}
		r.pending = append(r.pending, c)
		r.pendingBytes += c.Metadata.Size
		if len(r.pending) >= limit || r.pendingBytes >= batchBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
			if err := errors.Join(r.permitBetween(ctx), r.turn(ctx)); err != nil {
				return err
			}
			limit = min(2*limit, batchDocuments)
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	// What failed between two batches does not fail a run that has read everything.
	r.result.Untold = r.result.Untold || r.unpermitted
	r.enter(PhaseRemoving)
	if r.ListLast {
		if err := r.list(ctx); err != nil {
			return err
		}
	}
	return errors.Join(r.prune(ctx), unknown)
}

// enter begins a phase.
func (r *syncRun) enter(p Phase) {
	r.phase = p
	r.tell()
}

// tell tells how far the run is.
func (r *syncRun) tell() {
	if r.Progress != nil {
		r.Progress(r.phase, r.result.Counts.Scanned)
	}
}

// turn lets others have their turn.
func (r *syncRun) turn(ctx context.Context) error {
	if r.Turn == nil {
		return nil
	}
	return r.Turn(ctx)
}

func (j Sync) since() connectors.Cursor {
	if j.Full {
		return ""
	}
	return j.Cursor
}

// syncRun is the state of one Run.
type syncRun struct {
	*Syncer
	Sync
	result Result
	dry    *dryRun // the store of a dry run; nil of others
	warned warnings

	permissionsOnly bool

	phase        Phase
	pending      []connectors.Change
	pendingBytes int64
	stored       int                      // documents in the store when the run began
	deleted      int                      // by this run
	vanished     map[string]cairn.Version // known, but not in the listing
	hidden       map[string]cairn.Version // the same, and hidden already by a run of permissions
	vanishedBy   map[cairn.Version][]string

	permitted   time.Time // when permissions were last brought up to date, or were to be
	unpermitted bool      // between two batches, when they last were to be
	newest      newest    // what was told of them then
}

// flush turns the pending changes into a batch and commits it.
func (r *syncRun) flush(ctx context.Context) error {
	changes := lastOfEach(r.pending)
	cursor := lastCursor(r.pending)
	r.pending, r.pendingBytes = nil, 0
	if len(changes) == 0 && cursor == "" {
		return nil
	}
	externals := make([]string, 0, len(changes))
	for _, c := range changes {
		externals = append(externals, c.External)
		if c.From != "" {
			externals = append(externals, c.From)
		}
	}
	known, err := r.Store.Known(ctx, r.Source.ID, externals)
	if err != nil {
		return err
	}
	erased, err := r.Store.KeptOut(ctx, r.Source.ID, externals)
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(c connectors.Change) bool { return erased[c.External] })
	for i, c := range changes {
		changes[i] = r.narrow(c)
	}
	b := &batch{syncRun: r, known: known, out: Batch{Source: r.Source.ID, Run: r.Lease, Cursor: cursor}}
	if err := b.add(ctx, changes); err != nil {
		return err
	}
	if r.exceedsGuard(len(b.out.Deletes)) {
		gone := b.gone()
		return r.withhold(ctx, gone, gone)
	}
	r.deleted += len(b.out.Deletes)
	return r.commit(ctx, b.out)
}

// errGuard ends a run that would delete too much.
var errGuard = errors.New("the run would delete a large part of the source and waits for a confirmation")

// IsWaiting reports whether a run ended because its deletions wait for a
// confirmation.
func IsWaiting(err error) bool { return errors.Is(err, errGuard) }

func (r *syncRun) commit(ctx context.Context, b Batch) error {
	if _, err := r.Store.Commit(ctx, b); err != nil {
		return err
	}
	r.result.Counts = r.result.Counts.Add(b.Counts)
	r.tell()
	return nil
}

// exceedsGuard reports whether n more deletions would remove too much.
func (r *syncRun) exceedsGuard(n int) bool {
	total := r.deleted + n
	return !r.Confirm && r.stored > guardSmall && float64(total) > guardShare*float64(r.stored)
}

// remove hides documents that have vanished; when they are too many, it withholds them.
func (r *syncRun) remove(ctx context.Context, gone []string) error {
	if r.exceedsGuard(len(gone)) {
		return r.withhold(ctx, gone, gone)
	}
	r.deleted += len(gone)
	for part := range slices.Chunk(gone, 1000) {
		err := r.commit(ctx, Batch{Source: r.Source.ID, Run: r.Lease, Deletes: part, Counts: cairn.Counts{Deleted: len(part)}})
		if err != nil {
			return err
		}
	}
	return nil
}

// withholdBatch is how many documents are withheld in one transaction.
const withholdBatch = 500

// withhold lets nobody read documents that have vanished, until somebody confirms that
// they are gone, which errGuard asks for, or the source has them again. Those that are
// still open are among them.
func (r *syncRun) withhold(ctx context.Context, gone, open []string) error {
	if err := r.closeToAll(ctx, open); err != nil {
		return err
	}
	r.result.Waiting = len(gone)
	return errGuard
}

// closeToAll lets nobody read documents. Text, chunks and vectors stay, so that nothing
// has to be read again when a share was not mounted: the permissions that the source
// tells next open them.
func (r *syncRun) closeToAll(ctx context.Context, externals []string) error {
	for part := range slices.Chunk(externals, withholdBatch) {
		if err := r.commit(ctx, Batch{Source: r.Source.ID, Run: r.Lease, Withheld: part}); err != nil {
			return err
		}
	}
	return nil
}

// lastOfEach drops checkpoints, and leaves of each document what its changes
// amount to: the last one, or an upsert with the ACL that came after it. It keeps the
// former name.
func lastOfEach(changes []connectors.Change) []connectors.Change {
	at := make(map[string]int, len(changes))
	var out []connectors.Change
	for _, c := range changes {
		if c.Op == connectors.Checkpoint {
			continue
		}
		i, known := at[c.External]
		switch {
		case !known:
			at[c.External] = len(out)
			out = append(out, c)
		case c.Op == connectors.SetACL && out[i].Op == connectors.Upsert:
			out[i].ACL = c.ACL
		default:
			c.From = cmp.Or(c.From, out[i].From)
			out[i] = c
		}
	}
	return out
}

func lastCursor(changes []connectors.Change) connectors.Cursor {
	for _, c := range slices.Backward(changes) {
		if c.Cursor != "" {
			return c.Cursor
		}
	}
	return ""
}

// aclOf returns the ACL of a document: that which its source told, else the source's
// own. A source whose connector should have told and did not admits nobody.
func (r *syncRun) aclOf(told *cairn.ACL) (acl cairn.ACL, own bool) {
	if told != nil && !r.IgnoreACLs {
		return connectors.InDirectory(*told, r.Source.Name), true
	}
	if r.Source.ACLMode == cairn.ACLDeclared {
		return r.Source.ACL, false
	}
	return cairn.ACL{}, false
}

// isFailure reports whether err concerns one document only.
func isFailure(err error) bool {
	var failure *extract.Failure
	var source *connectors.DocumentError
	return errors.As(err, &failure) || errors.As(err, &source)
}
