// What is known of a citation: where it is from, how old it is, what it says.

import type { Citation } from '../api/schema';
import { plainText } from '../markdown/plain';
import { formatDay, formatHeading } from './format';

export function CitationFacts({ citation }: { citation: Citation }) {
  if (citation.state === 'gone') {
    return <p class="quiet">This document is no longer available to you, so its text is not shown.</p>;
  }
  const heading = formatHeading(citation.heading, citation.title);
  return (
    <>
      <p class="card-title">{citation.title}</p>
      <p class="facts">
        <span class="source-name">{citation.source}</span>
        {heading && <span>{heading}</span>}
        {citation.updated_at && <span>Updated {formatDay(citation.updated_at)}</span>}
      </p>
      <p class="quote">{plainText(citation.quote)}</p>
      {citation.state === 'changed' && <p class="badge warn">The document has changed since</p>}
    </>
  );
}

/** The same in one string, for a description that is read aloud. */
export function describeCitation(citation: Citation): string {
  if (citation.state === 'gone') return 'This document is no longer available to you.';
  const heading = formatHeading(citation.heading, citation.title);
  const parts = [
    citation.source,
    heading,
    citation.updated_at ? `updated ${formatDay(citation.updated_at)}` : '',
    plainText(citation.quote).slice(0, 200),
  ];
  return parts.filter((part) => part !== '').join(', ');
}
