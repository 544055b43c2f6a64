package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

// Append implements answer.Record.
func (a *Answers) Append(ctx context.Context, message string, seq int, events []answer.Event) error {
	encoded := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if encoded[i], err = json.Marshal(e); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	// The row is held against Finish: nothing may follow the last event.
	tag, err := a.db.worker.Exec(ctx, `
		WITH m AS (SELECT id FROM messages WHERE id = $1 AND state = 'running' FOR SHARE)
		INSERT INTO message_events (message_id, seq, event)
		SELECT m.id, $2 + n - 1, e FROM m, unnest($3::jsonb[]) WITH ORDINALITY AS x (e, n)`, message, seq, encoded)
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	if tag.RowsAffected() == 0 && len(events) > 0 { // erased, or given up on by another replica
		return fmt.Errorf("store events: %w", cairn.ErrNotFound)
	}
	return nil
}

// appendDone stores the last event. Its number is seq or, when a process that
// was given up on has stored more than it told, the next one that is free.
func appendDone(ctx context.Context, tx pgx.Tx, message string, seq int) error {
	encoded, err := json.Marshal(answer.Event{Type: answer.EventDone})
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO message_events (message_id, seq, event)
		SELECT $1, greatest($2, coalesce(max(seq), 0) + 1), $3 FROM message_events WHERE message_id = $1`, message, seq, encoded)
	return err
}

// Events implements answer.Record.
func (a *Answers) Events(ctx context.Context, v cairn.Viewer, message string, after int) (events []answer.Event, final bool, err error) {
	events, final, err = a.events(ctx, v, message, after)
	if errors.Is(err, cairn.ErrNotFound) {
		// The classes were read before the evidence: it may be newer than they are.
		events, final, err = a.events(ctx, v, message, after)
	}
	if err != nil {
		return nil, false, fmt.Errorf("events: %w", err)
	}
	for i := range events {
		if events[i].Type != answer.EventDone {
			continue
		}
		m, err := a.db.Message(ctx, v, message)
		if err != nil {
			return nil, false, err
		}
		events[i].Answer = &m.Answer
	}
	return events, final, nil
}

// events reads events with done ones still without their answer.
func (a *Answers) events(ctx context.Context, v cairn.Viewer, message string, after int) (events []answer.Event, final bool, err error) {
	classes, err := a.db.classesOfEvidence(ctx, message)
	if err != nil {
		return nil, false, missing(err)
	}
	err = a.db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		// Each statement sees what was committed by then. What an event was made from is
		// stored before it and so is read after it; the end is stored after the last event.
		if err := tx.QueryRow(ctx, `SELECT state <> 'running' FROM messages WHERE id = $1`, message).Scan(&final); err != nil {
			return missing(err)
		}
		if events, err = readEvents(ctx, tx, message, after); err != nil {
			return err
		}
		var unreadable bool
		var evidence []cairn.DocumentID
		err := tx.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM message_evidence e WHERE e.message_id = m.id
			               AND NOT EXISTS (SELECT FROM bodies b WHERE b.document_id = e.document_id AND b.version = e.version)),
			       ARRAY (SELECT DISTINCT document_id FROM message_evidence e WHERE e.message_id = m.id)
			FROM messages m WHERE m.id = $1`, message).Scan(&unreadable, &evidence)
		switch {
		case err != nil:
			return missing(err)
		case unreadable:
			return cairn.ErrNotFound
		}
		for i := range events {
			events[i].Evidence = evidence
		}
		return nil
	})
	return events, final, err
}

func readEvents(ctx context.Context, q querier, message string, after int) ([]answer.Event, error) {
	rows, err := q.Query(ctx, `SELECT seq, event FROM message_events WHERE message_id = $1 AND seq > $2 ORDER BY seq`, message, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (answer.Event, error) {
		var seq int
		var encoded []byte
		if err := row.Scan(&seq, &encoded); err != nil {
			return answer.Event{}, err
		}
		var e answer.Event
		if err := json.Unmarshal(encoded, &e); err != nil {
			return answer.Event{}, fmt.Errorf("event %d: %w", seq, err)
		}
		e.Seq = seq
		return e, nil
	})
}
