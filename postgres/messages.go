package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/answer"
)

var _ answer.Record = (*Answers)(nil)

// Answers writes questions and their answers while they are made. It implements
// answer.Record.
type Answers struct{ db *DB }

// NewAnswers returns the record of a database.
func NewAnswers(db *DB) *Answers { return &Answers{db} }

// historyTurns is how many earlier turns Begin returns.
const historyTurns = 4

// Begin implements answer.Record.
func (a *Answers) Begin(ctx context.Context, ask answer.Ask) (answer.Started, []answer.Turn, error) {
	started := answer.Started{Conversation: ask.Conversation, Message: cairn.NewID()}
	var chain []cairn.Message
	if ask.Conversation != "" {
		_, messages, err := a.db.Conversation(ctx, ask.Viewer, ask.Conversation)
		if err != nil {
			return answer.Started{}, nil, err
		}
		if chain, err = chainTo(messages, ask.Parent); err != nil {
			return answer.Started{}, nil, err
		}
	} else if ask.Parent != "" {
		return answer.Started{}, nil, cairn.ErrNotFound
	}
	request, err := json.Marshal(map[string]any{"model": ask.Model, "filters": ask.Filters, "ephemeral": ask.Ephemeral})
	if err != nil {
		return answer.Started{}, nil, fmt.Errorf("begin answer: %w", err)
	}
	var turns []answer.Turn
	err = pgx.BeginFunc(ctx, a.db.worker, func(tx pgx.Tx) error {
		var err error
		if started.Conversation == "" {
			started.Conversation = cairn.NewID()
			_, err = tx.Exec(ctx, `INSERT INTO conversations (id, account_id, title) VALUES ($1, $2, $3)`,
				started.Conversation, ask.Viewer.Account, answer.Title(ask.Question))
		}
		if err == nil {
			turns, err = insertMessage(ctx, tx, started, chain, ask, request)
		}
		return err
	})
	if err != nil {
		return answer.Started{}, nil, fmt.Errorf("begin answer: %w", refused(err, ""))
	}
	return started, turns, nil
}

// insertMessage stores the question after the last message of the chain, with
// the evidence of the turns that its answer will be made from, and returns those.
func insertMessage(ctx context.Context, tx pgx.Tx, s answer.Started, chain []cairn.Message, ask answer.Ask, request []byte) ([]answer.Turn, error) {
	var parent *string
	if len(chain) > 0 {
		parent = &chain[len(chain)-1].ID
	}
	turns, used := turnsOf(chain)
	// An erasure takes its locks in this order too: documents, then the
	// conversation, then its messages.
	if err := holdEvidence(ctx, tx, used); err != nil {
		return nil, err
	}
	tag, err := tx.Exec(ctx, `UPDATE conversations SET updated_at = now() WHERE id = $1 AND account_id = $2`, s.Conversation, ask.Viewer.Account)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, cairn.ErrNotFound
	}
	there, err := holdMessages(ctx, tx, used, parent)
	if err != nil {
		return nil, err
	}
	turns, used = remaining(turns, used, there)
	_, err = tx.Exec(ctx, `
		INSERT INTO messages (id, conversation_id, parent_id, question, request, state, lease_until)
		VALUES ($1, $2, $3, $4, $5, 'running', now() + $6::interval)`,
		s.Message, s.Conversation, parent, ask.Question, request, leaseTime)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO message_evidence (message_id, document_id, version)
		SELECT DISTINCT $1, document_id, version FROM message_evidence WHERE message_id = ANY ($2)`, s.Message, used)
	return turns, err
}

// holdEvidence keeps the documents that messages were made from from being
// erased until the transaction ends.
func holdEvidence(ctx context.Context, tx pgx.Tx, messages []string) error {
	_, err := tx.Exec(ctx, `
		SELECT FROM documents WHERE id IN (SELECT document_id FROM message_evidence WHERE message_id = ANY ($1))
		ORDER BY id FOR KEY SHARE`, messages)
	return err
}

// holdMessages keeps messages from being erased until the transaction ends, and
// returns which are still there. A parent that is not is ErrNotFound.
func holdMessages(ctx context.Context, tx pgx.Tx, ids []string, parent *string) ([]string, error) {
	if parent == nil {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT id FROM messages WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE`, append(slices.Clone(ids), *parent))
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && !slices.Contains(there, *parent) {
		err = cairn.ErrNotFound
	}
	return there, err
}

// remaining returns those of the turns whose message is there.
func remaining(turns []answer.Turn, used, there []string) (keptTurns []answer.Turn, kept []string) {
	for i, id := range used {
		if slices.Contains(there, id) {
			keptTurns, kept = append(keptTurns, turns[i]), append(kept, id)
		}
	}
	return keptTurns, kept
}

// chainTo returns the messages from the first of a conversation to the one that
// a new question follows: parent, or the newest when parent is empty.
func chainTo(messages []cairn.Message, parent string) ([]cairn.Message, error) {
	byID := make(map[string]cairn.Message, len(messages))
	for _, m := range messages {
		byID[m.ID] = m
	}
	if parent == "" && len(messages) > 0 {
		parent = messages[len(messages)-1].ID
	}
	var chain []cairn.Message
	for parent != "" {
		m, ok := byID[parent]
		if !ok || len(chain) > len(messages) {
			return nil, cairn.ErrNotFound
		}
		chain = append([]cairn.Message{m}, chain...)
		parent = m.Parent
	}
	return chain, nil
}

// turnsOf returns the last turns of a chain that may be used in a prompt, and
// the messages that they come from.
func turnsOf(chain []cairn.Message) (turns []answer.Turn, used []string) {
	if len(chain) > historyTurns {
		chain = chain[len(chain)-historyTurns:]
	}
	for _, m := range chain {
		if m.Withheld || m.Answer.State == cairn.MessageRunning {
			continue
		}
		turns = append(turns, answer.Turn{Question: m.Question, Answer: m.Answer.Text})
		used = append(used, m.ID)
	}
	return turns, used
}

// Keep implements answer.Record.
func (a *Answers) Keep(ctx context.Context, message string) (wanted bool, err error) {
	err = a.db.worker.QueryRow(ctx, `
		UPDATE messages SET lease_until = now() + $2::interval WHERE id = $1 AND state = 'running'
		RETURNING NOT stop`, message, leaseTime).Scan(&wanted)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("keep answer: %w", err)
	}
	return wanted, nil
}

// storedRange is how messages.nearest keeps a passage.
type storedRange struct {
	Document cairn.DocumentID `json:"document"`
	Version  cairn.Version    `json:"version"`
	Start    int              `json:"start"`
	End      int              `json:"end"`
}

// Finish implements answer.Record. The last event is stored without the answer,
// which is read from the message whenever the event is.
func (a *Answers) Finish(ctx context.Context, message string, seq int, ans cairn.Answer) error {
	near := make([]storedRange, len(ans.Nearest))
	for i, p := range ans.Nearest {
		near[i] = storedRange{p.Document, p.Version, p.Start, p.End}
	}
	err := pgx.BeginFunc(ctx, a.db.worker, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE messages SET state = $2, outcome = $3, answer = $4, sentences = $5, nearest = $6, notices = $7, model = $8,
			       usage = $9, finished_at = clock_timestamp(), lease_until = NULL
			WHERE id = $1 AND state = 'running'`,
			message, ans.State, ans.Outcome, ans.Text, orEmpty(ans.Sentences), near, orEmpty(ans.Notices), ans.Model, ans.Usage)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 { // erased, or given up on by another replica
			return cairn.ErrNotFound
		}
		if err := insertCitations(ctx, tx, message, ans.Citations); err != nil {
			return err
		}
		return appendDone(ctx, tx, message, seq)
	})
	if err != nil {
		return fmt.Errorf("finish answer: %w", err)
	}
	return nil
}

func insertCitations(ctx context.Context, tx pgx.Tx, message string, citations []cairn.Citation) error {
	rows := make([][]any, len(citations))
	for i, c := range citations {
		rows[i] = []any{message, i, c.Number, c.AnswerStart, c.AnswerEnd, string(c.Document), string(c.Version), c.Start, c.End, string(c.Support)}
	}
	batch := &pgx.Batch{}
	for _, r := range rows {
		batch.Queue(`
			INSERT INTO citations (message_id, position, number, answer_start, answer_end, document_id, version, start_at, end_at, support)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, r...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// orEmpty returns an empty slice for nil, so that JSON has [] and not null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Stop implements answer.Record.
func (a *Answers) Stop(ctx context.Context, v cairn.Viewer, message string) error {
	tag, err := a.db.worker.Exec(ctx, `
		UPDATE messages m SET stop = true FROM conversations c
		WHERE m.id = $1 AND c.id = m.conversation_id AND c.account_id = $2`, message, v.Account)
	if err != nil {
		return fmt.Errorf("stop answer: %w", missing(err))
	}
	if tag.RowsAffected() == 0 {
		return cairn.ErrNotFound
	}
	return nil
}

// Forget implements answer.Record. It leaves no tombstone: a backup that has such a
// question has it as one that is running, and Abandoned erases it when that is restored.
func (a *Answers) Forget(ctx context.Context, v cairn.Viewer, message string) error {
	_, err := a.db.worker.Exec(ctx, `
		DELETE FROM conversations c USING messages m
		WHERE m.id = $1 AND c.id = m.conversation_id AND c.account_id = $2 AND m.request->>'ephemeral' = 'true'`, message, v.Account)
	if err != nil {
		return fmt.Errorf("forget question: %w", err)
	}
	return nil
}

// Abandoned implements answer.Record.
func (a *Answers) Abandoned(ctx context.Context) (map[string][]answer.Event, error) {
	_, err := a.db.worker.Exec(ctx, `
		DELETE FROM conversations c USING messages m
		WHERE m.conversation_id = c.id AND m.state = 'running' AND m.lease_until < now() AND m.request->>'ephemeral' = 'true'`)
	if err != nil {
		return nil, fmt.Errorf("abandoned questions: %w", err)
	}
	rows, err := a.db.worker.Query(ctx, `SELECT id FROM messages WHERE state = 'running' AND lease_until < now()`)
	if err != nil {
		return nil, fmt.Errorf("abandoned answers: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("abandoned answers: %w", err)
	}
	abandoned := make(map[string][]answer.Event, len(ids))
	for _, id := range ids {
		if abandoned[id], err = readEvents(ctx, a.db.worker, id, 0); err != nil {
			return nil, fmt.Errorf("abandoned answers: %w", err)
		}
	}
	return abandoned, nil
}
