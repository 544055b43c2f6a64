// The sources of an answer, under the numbers of its citations.

import type { Answer } from '../api/schema';
import { numberedSources } from '../markdown/answer';
import { safeURL } from '../markdown/text';
import { passageOfCitation, showPassage } from '../state/panel';
import { formatDay, formatHeading, plural } from './format';
import { Icon } from './Icon';

export function SourcesRow({ answer }: { answer: Answer }) {
  const citations = numberedSources(answer.citations);
  if (citations.length === 0) return null;
  const documents = new Set(citations.map((citation) => citation.document_id)).size;
  return (
    <details class="sources" open>
      <summary>{plural(documents, 'source')}</summary>
      <ol class="source-list">
        {citations.map((citation) => {
          const url = safeURL(citation.url);
          const gone = citation.state === 'gone';
          const heading = formatHeading(citation.heading, citation.title);
          return (
            <li key={citation.number} value={citation.number}>
              <span class="number" aria-hidden="true">
                {citation.number}
              </span>
              <button
                type="button"
                class="source-open"
                onClick={(event) => showPassage(passageOfCitation(citation), event.currentTarget)}
              >
                <span class="source-title">{gone ? 'No longer available' : citation.title}</span>
                {!gone && (
                  <span class="facts">
                    <span class="source-name">{citation.source}</span>
                    {heading && <span>{heading}</span>}
                    {citation.updated_at && <span>{formatDay(citation.updated_at)}</span>}
                    {citation.state === 'changed' && <span class="badge warn">changed since</span>}
                  </span>
                )}
              </button>
              {url && !gone && (
                <a
                  class="icon-button"
                  href={url}
                  target="_blank"
                  rel="noopener noreferrer"
                  aria-label={`Open ${citation.title} in ${citation.source}`}
                  title="Open in the source"
                >
                  <Icon name="external" />
                </a>
              )}
            </li>
          );
        })}
      </ol>
    </details>
  );
}
