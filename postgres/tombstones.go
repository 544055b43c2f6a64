package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
)

// TombstoneFile is the name of the file of tombstones in the data directory.
const TombstoneFile = "tombstones.ndjson"

// Tombstones keeps the ids of what was erased in a file beside the database, so
// that a restored backup, which does not know of them, can be cleaned again. It may
// be used by several goroutines at once.
type Tombstones struct {
	db   *DB
	path string

	mu    sync.Mutex
	known map[string]time.Time // lines of the file that Keep may meet again, with their times
	until time.Time            // of the newest line
	seen  census               // what Keep saw last
}

// census tells whether there are other tombstones than before.
type census struct {
	Since, Newest time.Time
	Count         int
}

// NewTombstones returns the tombstones in a folder. Nothing is read yet.
func NewTombstones(db *DB, folder string) *Tombstones {
	return &Tombstones{db: db, path: filepath.Join(folder, TombstoneFile), known: make(map[string]time.Time)}
}

// tombstone is a line of the file: never a name, only its hash.
type tombstone struct {
	Kind     string    `json:"kind"`
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Erasure  string    `json:"erasure,omitempty"`
	Source   string    `json:"source,omitempty"`
	External []byte    `json:"external,omitempty"`
	Lifted   bool      `json:"lifted,omitempty"`
}

// Replay brings what the file has into the database, and erases again what an
// older backup has brought back. It is to be called before anybody is served.
func (t *Tombstones) Replay(ctx context.Context) error {
	if err := t.read(ctx); err != nil {
		return fmt.Errorf("read %s: %w", t.path, err)
	}
	receipt, err := t.db.eraseBuried(ctx)
	if err != nil {
		return fmt.Errorf("erase again what was restored: %w", err)
	}
	if receipt.ID != "" {
		t.db.log.Warn("the database has come back from an older backup: what had been erased since was erased again", "erasure", receipt.ID)
	}
	return t.Keep(ctx)
}

// tombstonesAtOnce bounds how many lines one statement brings into the database.
const tombstonesAtOnce = 5_000

// read brings the lines of the file into the database. A last line that was cut
// short by a crash is passed over: its tombstone is in the database.
func (t *Tombstones) read(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var batch []tombstone
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var stone tombstone
		if json.Unmarshal(line, &stone) == nil && stone.ID != "" {
			batch = append(batch, stone)
			t.note(stone)
		}
		if len(batch) >= tombstonesAtOnce || err != nil && len(batch) > 0 {
			if err := t.db.putTombstones(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		if err != nil {
			return nil
		}
	}
}

// overlap is for how long a tombstone may be committed after its time, which is
// that at which its transaction began.
const overlap = time.Hour

func (t *Tombstones) note(stone tombstone) {
	if stone.At.After(t.until) {
		t.until = stone.At
	}
	t.known[stone.key()] = stone.At
	if len(t.known) > 2*tombstonesAtOnce {
		t.forget()
	}
}

// forget drops what Keep will not meet again.
func (t *Tombstones) forget() {
	for key, at := range t.known {
		if at.Before(t.until.Add(-overlap)) {
			delete(t.known, key)
		}
	}
}

func (s tombstone) key() string { return s.Kind + "/" + s.ID + "/" + fmt.Sprint(s.Lifted) }

// Keep appends to the file what this server or another one has erased since.
func (t *Tombstones) Keep(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := census{Since: t.until.Add(-overlap)}
	err := t.db.worker.QueryRow(ctx, `SELECT coalesce(max(at), 'epoch'), count(*) FROM tombstones WHERE at >= $1`, now.Since).Scan(&now.Newest, &now.Count)
	if err != nil {
		return fmt.Errorf("keep tombstones: %w", err)
	}
	if now == t.seen {
		return nil
	}
	stones, err := t.db.tombstonesSince(ctx, now.Since)
	if err != nil {
		return err
	}
	t.seen = now
	stones = slices.DeleteFunc(stones, func(s tombstone) bool { _, known := t.known[s.key()]; return known })
	if len(stones) == 0 {
		return nil
	}
	if err := appendLines(t.path, stones); err != nil {
		t.seen = census{}
		return fmt.Errorf("keep tombstones: %w", err)
	}
	for _, s := range stones {
		t.note(s)
	}
	t.forget()
	return nil
}

// appendLines adds lines to a file, and returns when they are on the disk. It
// begins a line of its own even after one that was cut short.
func appendLines(path string, stones []tombstone) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if whole, err := endsLine(f); err != nil {
		return err
	} else if !whole {
		_ = w.WriteByte('\n') // what fails here fails at Flush, too
	}
	lines := json.NewEncoder(w)
	for _, s := range stones {
		if err := lines.Encode(s); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// endsLine reports whether a file is empty or ends with a whole line.
func endsLine(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err == nil, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil {
		return false, err
	}
	return last[0] == '\n', nil
}

func (db *DB) tombstonesSince(ctx context.Context, at time.Time) ([]tombstone, error) {
	rows, err := db.worker.Query(ctx, `
		SELECT kind, id, at, erasure_id AS erasure, coalesce(source_id, '') AS source, external_hash AS external, lifted
		FROM tombstones WHERE at >= $1 ORDER BY at, kind, id`, at)
	if err != nil {
		return nil, fmt.Errorf("tombstones: %w", err)
	}
	stones, err := pgx.CollectRows(rows, pgx.RowToStructByName[tombstone])
	if err != nil {
		return nil, fmt.Errorf("tombstones: %w", err)
	}
	return stones, nil
}

// putTombstones stores those of the tombstones that the database lacks. Of those
// of one id, that which was lifted holds.
func (db *DB) putTombstones(ctx context.Context, stones []tombstone) error {
	var kinds, ids, erasures, sources, liftedIDs []string
	var times []time.Time
	var externals [][]byte
	for _, s := range stones {
		kinds, ids, erasures, sources = append(kinds, s.Kind), append(ids, s.ID), append(erasures, s.Erasure), append(sources, s.Source)
		times, externals = append(times, s.At), append(externals, s.External)
		if s.Lifted {
			liftedIDs = append(liftedIDs, s.ID)
		}
	}
	_, err := db.worker.Exec(ctx, `
		INSERT INTO tombstones (kind, id, at, erasure_id, source_id, external_hash)
		SELECT k, i, t, e, nullif(s, ''), x
		FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[]) u (k, i, t, e, s, x)
		ON CONFLICT DO NOTHING`, kinds, ids, times, erasures, sources, externals)
	if err != nil || len(liftedIDs) == 0 {
		return err
	}
	_, err = db.worker.Exec(ctx, `UPDATE tombstones SET lifted = true WHERE id = ANY ($1) AND external_hash IS NOT NULL AND NOT lifted`, liftedIDs)
	return err
}

// What there is in spite of its tombstone, in the order in which it is erased.
const (
	buriedSources       = `SELECT s.id FROM sources s JOIN tombstones t ON t.kind = 'source' AND t.id = s.id ORDER BY s.id`
	buriedAccounts      = `SELECT a.id FROM accounts a JOIN tombstones t ON t.kind = 'account' AND t.id = a.id ORDER BY a.id`
	buriedDocuments     = `SELECT d.id FROM documents d JOIN tombstones t ON t.kind = 'document' AND t.id = d.id ORDER BY d.id`
	buriedConversations = `SELECT c.id FROM conversations c JOIN tombstones t ON t.kind = 'conversation' AND t.id = c.id ORDER BY c.id`
)

// eraseBuried erases everything of which there is a tombstone.
func (db *DB) eraseBuried(ctx context.Context) (cairn.Erasure, error) {
	return db.erase(ctx, cairn.ErasedRestore, "", "", func(e *eraser) error {
		source := func(ids []string) error { return e.source(ctx, cairn.SourceID(ids[0])) }
		account := func(ids []string) error { return e.account(ctx, cairn.AccountID(ids[0])) }
		documents := func(ids []string) error { return e.documents(ctx, ids) }
		conversations := func(ids []string) error { return e.conversations(ctx, ids) }
		return errors.Join(
			e.inParts(ctx, buriedSources, 1, source), e.inParts(ctx, buriedAccounts, 1, account),
			e.inParts(ctx, buriedDocuments, eraseBatch, documents), e.inParts(ctx, buriedConversations, eraseBatch, conversations))
	})
}

// inParts erases what a query finds, so many at once.
func (e *eraser) inParts(ctx context.Context, find string, n int, erase func(ids []string) error) error {
	ids, err := e.query(ctx, find)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, n) {
		if err := erase(part); err != nil {
			return err
		}
	}
	return nil
}
