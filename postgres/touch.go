package postgres

import (
	"context"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// touch notes new revisions and times of documents; what is as it was is not written.
func (w *batchWriter) touch(ctx context.Context, touches map[string]ingest.Touch) error {
	if len(touches) == 0 {
		return nil
	}
	var externals, revisions []string
	var modified []*time.Time
	for external, t := range touches {
		externals, revisions, modified = append(externals, external), append(revisions, t.Revision), append(modified, nilTime(t.Modified))
	}
	_, err := w.tx.Exec(ctx, `
		UPDATE documents d SET revision = x.revision, modified_at = coalesce(x.modified, d.modified_at)
		FROM unnest($2::text[], $3::text[], $4::timestamptz[]) x (external_id, revision, modified)
		WHERE d.source_id = $1 AND d.external_id = x.external_id
		  AND (d.revision <> x.revision OR d.modified_at IS DISTINCT FROM coalesce(x.modified, d.modified_at))`,
		w.source, externals, revisions, modified)
	return err
}

// setACLs gives documents, with what is attached to them, new ACLs; they are withheld
// no longer. What has the ACL already is not written.
func (w *batchWriter) setACLs(ctx context.Context, acls map[string]*cairn.ACL) error {
	if len(acls) == 0 {
		return nil
	}
	var externals []string
	var classes []int32
	var owns []bool
	for external, a := range acls {
		externals, classes, owns = append(externals, external), append(classes, w.classOf(a)), append(owns, a != nil)
	}
	_, err := w.tx.Exec(ctx, `
		WITH given AS (
			SELECT d.id, x.acl_id, x.own FROM unnest($2::text[], $3::int[], $4::bool[]) x (external_id, acl_id, own)
			JOIN documents d ON d.source_id = $1 AND d.external_id = x.external_id),
		whole AS (
			SELECT id, acl_id, own FROM given
			UNION
			SELECT d.id, g.acl_id, g.own FROM documents d JOIN given g ON g.id = d.parent_id
			WHERE d.attached AND NOT d.id IN (SELECT id FROM given)),
		changed AS (
			UPDATE documents d SET acl_id = w.acl_id, acl_own = w.own, withheld_acl = NULL FROM whole w
			WHERE d.id = w.id AND ((d.acl_id, d.acl_own) IS DISTINCT FROM (w.acl_id, w.own) OR d.withheld_acl IS NOT NULL)
			RETURNING d.id, d.acl_id)
		UPDATE chunks c SET acl_id = n.acl_id FROM changed n WHERE c.document_id = n.id AND c.acl_id <> n.acl_id`,
		w.source, externals, classes, owns)
	return err
}

// withhold lets nobody read documents, with what is attached to them. They keep the
// ACLs that they would have: see toldACL.
func (w *batchWriter) withhold(ctx context.Context, externals []string) error {
	if len(externals) == 0 {
		return nil
	}
	_, err := w.tx.Exec(ctx, `
		WITH RECURSIVE tree AS (
			SELECT id FROM documents WHERE source_id = $1 AND external_id = ANY ($2)
			UNION SELECT d.id FROM documents d JOIN tree t ON d.parent_id = t.id AND d.attached),
		closed AS (
			UPDATE documents SET withheld_acl = acl_id, acl_id = $3
			WHERE id IN (SELECT id FROM tree) AND withheld_acl IS NULL
			RETURNING id, acl_id)
		UPDATE chunks c SET acl_id = n.acl_id FROM closed n WHERE c.document_id = n.id AND c.acl_id <> n.acl_id`,
		w.source, externals, w.classOf(&cairn.ACL{}))
	return err
}

// toldACL is the class that a document d has, or would have if it were not withheld:
// what its source told of it, and erasures go by. What decides who may read it is
// d.acl_id, always.
const toldACL = `coalesce(d.withheld_acl, d.acl_id)`

// note records errors of documents.
func (w *batchWriter) note(ctx context.Context, failures []ingest.Failure) error {
	if len(failures) == 0 {
		return nil
	}
	var externals, urls, codes, reasons, revisions []string
	for _, f := range failures {
		externals, urls, codes = append(externals, f.External), append(urls, f.URL), append(codes, f.Code)
		reasons, revisions = append(reasons, f.Reason), append(revisions, f.Revision)
	}
	_, err := w.tx.Exec(ctx, `
		INSERT INTO document_errors (source_id, external_id, url, code, reason, revision)
		SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
		ON CONFLICT (source_id, external_id) DO UPDATE SET url = excluded.url, code = excluded.code, reason = excluded.reason,
		    attempts = CASE WHEN document_errors.revision = excluded.revision THEN document_errors.attempts + 1 ELSE 1 END,
		    revision = excluded.revision, at = now()`,
		w.source, externals, urls, codes, reasons, revisions)
	return err
}

// expect checks that documents are as they were when a batch was made of them.
// The source is locked, so that they stay so until the transaction ends.
func (w *batchWriter) expect(ctx context.Context, fingerprints map[string]string) error {
	if len(fingerprints) == 0 {
		return nil
	}
	var externals, expected []string
	for external, f := range fingerprints {
		externals, expected = append(externals, external), append(expected, f)
	}
	var held int
	err := w.tx.QueryRow(ctx, `
		SELECT count(*) FROM unnest($2::text[], $3::text[]) x (external_id, fingerprint)
		JOIN documents d ON d.source_id = $1 AND d.external_id = x.external_id
		WHERE d.fingerprint = x.fingerprint AND d.hidden_at IS NULL`, w.source, externals, expected).Scan(&held)
	if err != nil {
		return err
	}
	if held < len(fingerprints) {
		return cairn.Errorf(cairn.ErrConflict, "a document was changed by another program just now; send it again")
	}
	return nil
}
