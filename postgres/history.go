package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// messageRow is a message as the database has it.
type messageRow struct {
	ID             string
	ConversationID string
	ParentID       *string
	Question       string
	State          cairn.MessageState
	Outcome        cairn.Outcome
	Answer         string
	Sentences      []cairn.Sentence
	Nearest        []storedRange
	Notices        []cairn.Notice
	Model          string
	Usage          cairn.Usage
	CreatedAt      time.Time
	FinishedAt     *time.Time
	Withheld       bool
	Evidence       []cairn.DocumentID
}

// citationRow is a citation as the database has it.
type citationRow struct {
	MessageID   string
	Number      int
	AnswerStart int
	AnswerEnd   int
	DocumentID  cairn.DocumentID
	Version     cairn.Version
	StartAt     int
	EndAt       int
	Support     cairn.Support
}

// readMessages returns those of the messages that belong to v, oldest first,
// complete with what v may read now of the documents that they cite. A message
// with evidence that v may not read is Withheld.
func (db *DB) readMessages(ctx context.Context, v cairn.Viewer, ids []string) ([]cairn.Message, error) {
	messages, err := db.readMessagesOnce(ctx, v, ids)
	if err == nil && slices.ContainsFunc(messages, func(m cairn.Message) bool { return m.Withheld }) {
		// The classes were read before the messages: evidence or a permission
		// may be newer than they are. What is withheld twice is withheld.
		messages, err = db.readMessagesOnce(ctx, v, ids)
	}
	if err != nil {
		return nil, fmt.Errorf("messages: %w", missing(err))
	}
	return messages, nil
}

func (db *DB) readMessagesOnce(ctx context.Context, v cairn.Viewer, ids []string) ([]cairn.Message, error) {
	classes, err := db.classesOfMessages(ctx, ids)
	if err != nil {
		return nil, err
	}
	var messages []cairn.Message
	err = db.asViewer(ctx, v, classes, func(tx pgx.Tx) error {
		var err error
		messages, err = readVisibleMessages(ctx, tx, ids)
		return err
	})
	return messages, err
}

// classesOfMessages returns the ACL classes of the documents that messages
// were made from, those that they cite among them, and of those shown as nearest.
func (db *DB) classesOfMessages(ctx context.Context, ids []string) ([]int32, error) {
	rows, err := db.worker.Query(ctx, `
		WITH shown AS MATERIALIZED (
			SELECT document_id AS id FROM message_evidence WHERE message_id = ANY ($1)
			UNION SELECT n->>'document' FROM messages m, jsonb_array_elements(m.nearest) n WHERE m.id = ANY ($1))
		SELECT d.acl_id FROM documents d JOIN shown USING (id)
		UNION SELECT b.acl_id FROM bodies b JOIN shown ON b.document_id = shown.id WHERE b.acl_id IS NOT NULL`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

func readVisibleMessages(ctx context.Context, tx pgx.Tx, ids []string) ([]cairn.Message, error) {
	rows, err := tx.Query(ctx, `
		SELECT m.id, m.conversation_id, m.parent_id, m.question, m.state,
		       m.outcome, m.answer, m.sentences, m.nearest, m.notices, m.model, m.usage, m.created_at, m.finished_at,
		       EXISTS (SELECT FROM message_evidence e WHERE e.message_id = m.id
		               AND NOT EXISTS (SELECT FROM bodies b WHERE b.document_id = e.document_id AND b.version = e.version)) AS withheld,
		       ARRAY (SELECT DISTINCT document_id FROM message_evidence e WHERE e.message_id = m.id) AS evidence
		FROM messages m WHERE m.id = ANY ($1)
		ORDER BY m.created_at, m.id`, ids)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[messageRow])
	if err != nil {
		return nil, err
	}
	citations, err := readCitations(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	messages := make([]cairn.Message, len(found))
	for i, r := range found {
		messages[i] = r.message()
		if r.Withheld {
			continue
		}
		a := &messages[i].Answer
		a.Citations = citations[r.ID]
		if a.Nearest, err = readNearest(ctx, tx, r.Nearest); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// message returns the message without what lies in other tables.
func (r messageRow) message() cairn.Message {
	m := cairn.Message{
		ID: r.ID, Conversation: r.ConversationID, Created: r.CreatedAt, Withheld: r.Withheld,
		Answer: cairn.Answer{
			Conversation: r.ConversationID, Message: r.ID, State: r.State, Outcome: r.Outcome, Model: r.Model, Usage: r.Usage,
		},
	}
	if r.ParentID != nil {
		m.Parent = *r.ParentID
	}
	if r.FinishedAt != nil {
		m.Answer.Took = r.FinishedAt.Sub(r.CreatedAt)
	}
	if r.Withheld {
		m.Answer.Notices = []cairn.Notice{{
			Code: "withheld", Message: "You can no longer read all the documents that this answer was made from.",
		}}
		return m
	}
	m.Question, m.Answer.Text, m.Answer.Sentences, m.Answer.Notices = r.Question, r.Answer, r.Sentences, r.Notices
	m.Answer.Evidence = r.Evidence
	return m
}

// readCitations returns the citations of messages, in their order.
func readCitations(ctx context.Context, tx pgx.Tx, messages []string) (map[string][]cairn.Citation, error) {
	rows, err := tx.Query(ctx, `
		SELECT message_id, number, answer_start, answer_end, document_id, version, start_at, end_at, support
		FROM citations WHERE message_id = ANY ($1)
		ORDER BY message_id, position`, messages)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[citationRow])
	if err != nil {
		return nil, err
	}
	ranges := make([]retrieval.Range, len(found))
	for i, r := range found {
		ranges[i] = retrieval.Range{Document: r.DocumentID, Version: r.Version, Start: r.StartAt, End: r.EndAt}
	}
	places, err := readPlaces(ctx, tx, ranges)
	if err != nil {
		return nil, err
	}
	byMessage := make(map[string][]cairn.Citation)
	for i, r := range found {
		byMessage[r.MessageID] = append(byMessage[r.MessageID], r.citation(places[i]))
	}
	return byMessage, nil
}

// citation joins a citation with its place; nil when that is gone.
func (r citationRow) citation(p *place) cairn.Citation {
	c := cairn.Citation{
		Number: r.Number, AnswerStart: r.AnswerStart, AnswerEnd: r.AnswerEnd,
		Document: r.DocumentID, Version: r.Version, Start: r.StartAt, End: r.EndAt,
		Support: r.Support, State: cairn.CitationGone,
	}
	if p == nil {
		return c
	}
	c.Quote, c.Title, c.URL, c.Heading = string(p.Text), p.Title, withAnchor(p.URL, p.Anchor), p.Heading
	c.Source, c.Modified, c.State = p.Source, orZero(p.Modified), citationState(r.Version, p.Newest)
	return c
}

// readNearest returns the passages of ranges that can still be read.
func readNearest(ctx context.Context, tx pgx.Tx, stored []storedRange) ([]cairn.Passage, error) {
	ranges := make([]retrieval.Range, len(stored))
	for i, r := range stored {
		ranges[i] = retrieval.Range{Document: r.Document, Version: r.Version, Start: r.Start, End: r.End}
	}
	places, err := readPlaces(ctx, tx, ranges)
	if err != nil {
		return nil, err
	}
	var passages []cairn.Passage
	for i, p := range places {
		if p == nil {
			continue
		}
		r := ranges[i]
		passages = append(passages, cairn.Passage{
			Number: len(passages) + 1, Document: r.Document, Version: r.Version, Source: p.Source, Kind: p.Kind,
			Title: p.Title, URL: withAnchor(p.URL, p.Anchor), Author: p.Author, Language: p.Language, Heading: p.Heading,
			Start: r.Start, End: r.End, Text: string(p.Text), Modified: orZero(p.Modified),
		})
	}
	return passages, nil
}
