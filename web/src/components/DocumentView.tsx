// A version of a document with a passage in it, as the panel and the page show it.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { ApiError, explain } from '../api/client';
import type { Document } from '../api/schema';
import { locate } from '../markdown/passage';
import { safeURL, visible } from '../markdown/text';
import { readDocument } from '../state/documents';
import type { Passage } from '../state/panel';
import { DocumentText } from './DocumentText';
import { formatDay } from './format';
import { Icon } from './Icon';

type Reading =
  { kind: 'reading' } | { kind: 'read'; document: Document } | { kind: 'gone' } | { kind: 'failed'; reason: string };

/** Reads and shows a document. The passage may lack a range (end 0) and a version (the newest is shown). */
export function DocumentView({ passage, level }: { passage: Passage; level: 1 | 2 }) {
  const [reading, setReading] = useState<Reading>({ kind: 'reading' });
  useEffect(() => {
    if (passage.gone) return setReading({ kind: 'gone' });
    let current = true;
    setReading({ kind: 'reading' });
    readDocument(passage.documentId, passage.version).then(
      (document) => current && setReading({ kind: 'read', document }),
      (error: unknown) => current && setReading(failure(error)),
    );
    return () => {
      current = false;
    };
  }, [passage]);

  switch (reading.kind) {
    case 'reading':
      return <p class="status document-note">Opening the document…</p>;
    case 'gone':
      return (
        <p class="notice document-note" role="note">
          This document is no longer available: it was deleted, or you may no longer read it. Its text is not shown.
        </p>
      );
    case 'failed':
      return <p class="failure document-note">{reading.reason}</p>;
    case 'read':
      return <ReadDocument document={reading.document} passage={passage} level={level} />;
  }
}

function ReadDocument({ document, passage, level }: { document: Document; passage: Passage; level: 1 | 2 }) {
  const asked = passage.end > passage.start && passage.version !== '';
  const span = useMemo(
    () => (asked ? locate(document.text, passage.start, passage.end, passage.quote) : null),
    [document, passage],
  );
  const url = safeURL(document.url);
  const Title = `h${level}` as const;
  return (
    <article class="document">
      <header>
        <Title>{visible(document.title) || 'Untitled'}</Title>
        <p class="facts">
          <span class="source-name">{document.source}</span>
          {document.author && <span>{visible(document.author)}</span>}
          {document.updated_at && <span>Updated {formatDay(document.updated_at)}</span>}
          {url && (
            <a href={url} target="_blank" rel="noopener noreferrer">
              Open in the source <Icon name="external" />
            </a>
          )}
        </p>
        {document.state === 'changed' && (
          <p class="notice">
            <strong>Changed since.</strong> This is the version that the answer was made from.{' '}
            <Link href={`/d/${encodeURIComponent(document.id)}`}>Read the current version</Link>
          </p>
        )}
        {asked && span === null && (
          <p class="notice">The passage could not be located exactly, so nothing is highlighted.</p>
        )}
      </header>
      <DocumentText
        document={document}
        passage={span}
        level={level + 1}
        key={`${document.id} ${document.version} ${passage.start}`}
      />
    </article>
  );
}

function failure(error: unknown): Reading {
  if (error instanceof ApiError && error.status === 404) return { kind: 'gone' };
  return { kind: 'failed', reason: explain(error) };
}
