package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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

	// Beside is another connector of the source. When it can tell permissions alone,
	// Run brings them up to date between two batches, PermissionsEvery after they last
	// were, which was PermissionsAge before it began. Nil: it does not.
	Beside           connectors.Connector
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
	r := &syncRun{Syncer: s, Sync: job, permitted: time.Now().Add(-job.PermissionsAge)}
	if job.DryRun {
		r.result.Preview = new(cairn.RunPreview)
	}
	r.enter(PhaseGroups)
	unknown := r.readDirectory(ctx, job.Connector)
	r.enter(PhaseListing)
	if err := r.list(ctx); err != nil {
		return r.result, err
	}
	r.enter(PhaseReading)
	limit := firstDocuments
	for c, err := range job.Connector.Changes(ctx, job.since()) {
		if err != nil {
			return r.result, errors.Join(r.flush(ctx), fmt.Errorf("read %s: %w", job.Source.Name, err))
		}
		r.pending = append(r.pending, c)
		r.pendingBytes += c.Metadata.Size
		if len(r.pending) >= limit || r.pendingBytes >= batchBytes {
			if err := r.flush(ctx); err != nil {
				return r.result, err
			}
			if err := errors.Join(r.permitBetween(ctx), r.turn(ctx)); err != nil {
				return r.result, err
			}
			limit = min(2*limit, batchDocuments)
		}
	}
	if err := r.flush(ctx); err != nil {
		return r.result, err
	}
	// What failed between two batches does not fail a run that has read everything.
	r.result.Untold = r.result.Untold || r.unpermitted
	r.enter(PhaseRemoving)
	err := errors.Join(r.prune(ctx), unknown)
	return r.result, err
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

// readDirectory takes over who is in which group of the source. When that fails, who
// was in them before still is, and the documents are read all the same; the error says
// so, and ends the run after them.
func (r *syncRun) readDirectory(ctx context.Context, site connectors.Connector) error {
	directory, ok := site.(connectors.Directory)
	if !ok || r.DryRun {
		return nil
	}
	err := r.Store.SetMembers(ctx, r.Source, r.Lease, directory.Members(ctx))
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, cairn.ErrConflict) {
		return err // the run is no longer ours, as its next batch finds out
	}
	r.Log.Warn("the groups of a source could not be read", "source", r.Source.Name, "run", r.Lease.Run, "error", Class(err))
	if shown := (*cairn.Error)(nil); errors.As(err, &shown) {
		return err
	}
	return cairn.Errorf(cairn.ErrUnavailable, "The groups of the source could not be read. Who was in them before still is (%s).", Class(err))
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
	result       Result
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
}

// list compares the store with the source's listing before anything is read, so
// that a new name can be recognised as that of a document which has vanished.
func (r *syncRun) list(ctx context.Context) error {
	stored, err := r.Store.Externals(ctx, r.Source.ID)
	if err != nil {
		return err
	}
	for _, version := range stored {
		if version != "" {
			r.stored++
		}
	}
	lister, ok := r.Connector.(connectors.Lister)
	if !ok || !r.Prune {
		return nil
	}
	present := make(map[string]struct{}, len(stored))
	for external, err := range lister.Externals(ctx) {
		if err != nil {
			// An incomplete listing proves nothing: go on without it.
			r.Log.Warn("the listing of a source is incomplete, nothing will be deleted", "source", r.Source.Name, "run", r.Lease.Run, "error", Class(err))
			return nil
		}
		present[external] = struct{}{}
		if err := r.turn(ctx); err != nil {
			return err
		}
	}
	if r.Listed != nil {
		r.Listed(len(present))
	}
	hidden, err := r.Store.Hidden(ctx, r.Source.ID)
	if err != nil {
		return err
	}
	r.vanishedBy = make(map[cairn.Version][]string)
	r.vanished, r.hidden = r.missing(stored, present), r.missing(hidden, present)
	return nil
}

// missing returns those of the documents that are not present, and notes their versions.
func (r *syncRun) missing(documents map[string]cairn.Version, present map[string]struct{}) map[string]cairn.Version {
	gone := make(map[string]cairn.Version)
	for external, version := range documents {
		if _, ok := present[external]; !ok {
			gone[external] = version
			r.vanishedBy[version] = append(r.vanishedBy[version], external)
		}
	}
	return gone
}

// flush turns the pending changes into a batch and commits it.
func (r *syncRun) flush(ctx context.Context) error {
	changes := lastOfEach(r.pending)
	cursor := lastCursor(r.pending)
	r.pending, r.pendingBytes = nil, 0
	if len(changes) == 0 && cursor == "" {
		return nil
	}
	externals := make([]string, len(changes))
	for i, c := range changes {
		externals[i] = c.External
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
	b := &batch{syncRun: r, known: known, out: Batch{Source: r.Source.ID, Run: r.Lease, Cursor: cursor}}
	if err := b.add(ctx, changes); err != nil {
		return err
	}
	if r.exceedsGuard(len(b.out.Deletes)) {
		return r.withhold(ctx, b.out.Deletes, b.out.Deletes)
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
	if r.DryRun {
		b = Batch{Source: b.Source, Run: b.Run, Counts: b.Counts}
	}
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

// prune deletes what has vanished from the listing.
func (r *syncRun) prune(ctx context.Context) error {
	if r.vanished == nil {
		return nil
	}
	var gone, resolved []string
	for external, version := range r.vanished {
		if version == "" { // it never was more than an error
			resolved = append(resolved, external)
		} else {
			gone = append(gone, external)
		}
	}
	for part := range slices.Chunk(resolved, 1000) {
		if err := r.commit(ctx, Batch{Source: r.Source.ID, Run: r.Lease, Resolved: part}); err != nil {
			return err
		}
	}
	slices.Sort(gone)
	if err := r.remove(ctx, gone); err != nil {
		return err
	}
	r.result.Pruned = true
	return nil
}

// remove hides documents that have vanished; when they are too many, it withholds them.
func (r *syncRun) remove(ctx context.Context, gone []string) error {
	if r.result.Preview != nil {
		r.result.Preview.Deleted = named(r.result.Preview.Deleted, gone...)
	}
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

// previewed is how many documents of a kind a dry run names.
const previewed = 100

// named adds names to a list, as far as a dry run has room for them.
func named(list []string, names ...string) []string {
	return append(list, names[:min(len(names), previewed-len(list))]...)
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
// amount to: the last one, or an upsert with the ACL that came after it.
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

// readAll reads documents, several at once. results[i] belongs to changes[i].
func (r *syncRun) readAll(ctx context.Context, changes []connectors.Change) ([]readResult, error) {
	results := make([]readResult, len(changes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(r.Workers, 2))
	for i, c := range changes {
		g.Go(func() error {
			puts, err := r.readOne(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			results[i] = readResult{puts, err}
			return nil
		})
	}
	return results, g.Wait()
}

type readResult struct {
	puts []Put
	err  error
}

func (r *syncRun) readOne(ctx context.Context, c connectors.Change) ([]Put, error) {
	if c.Err != nil {
		return nil, c.Err
	}
	body, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	acl, own := r.aclOf(c.ACL)
	return r.Prepare.read(ctx, original{External: c.External, Metadata: c.Metadata, ACL: acl, OwnACL: own}, body)
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
