// The sources of an answer: each document with the numbers of the passages that were taken from it.

import type { Answer, Citation } from '../api/schema';
import { numberedSources } from '../markdown/answer';
import { safeURL, visible } from '../markdown/text';
import { passageOfCitation, showPassage } from '../state/panel';
import { formatDay, formatHeading, plural } from './format';
import { Icon } from './Icon';

export function SourcesRow({ answer }: { answer: Answer }) {
  const documents = byDocument(numberedSources(answer.citations));
  if (documents.length === 0) return null;
  return (
    <details class="sources" open>
      <summary>{plural(documents.length, 'source')}</summary>
      <ul class="source-list">
        {documents.map((citations) => (
          <SourceItem citations={citations} key={`${citations[0].document_id} ${citations[0].version}`} />
        ))}
      </ul>
    </details>
  );
}

type Group = [Citation, ...Citation[]];

/** Citations of the same version of a document together, in the order of their first numbers. */
function byDocument(citations: readonly Citation[]): Group[] {
  const groups = new Map<string, Group>();
  for (const citation of citations) {
    const key = `${citation.document_id} ${citation.version}`;
    const group = groups.get(key);
    if (group) group.push(citation);
    else groups.set(key, [citation]);
  }
  return [...groups.values()];
}

function SourceItem({ citations }: { citations: Group }) {
  const first = citations[0];
  const gone = first.state === 'gone';
  const url = gone ? null : safeURL(first.url);
  return (
    <li>
      <div class="source-head">
        <p class="source-title">{gone ? 'No longer available' : visible(first.title) || 'Untitled'}</p>
        {!gone && (
          <p class="facts">
            <span class="source-name">{first.source}</span>
            {first.updated_at && <span>{formatDay(first.updated_at)}</span>}
            {first.state === 'changed' && <span class="badge warn">changed since</span>}
          </p>
        )}
        {url && (
          <a
            class="icon-button"
            href={url}
            target="_blank"
            rel="noopener noreferrer"
            aria-label={`Open ${first.title} in ${first.source}`}
            title="Open in the source"
          >
            <Icon name="external" />
          </a>
        )}
      </div>
      <div class="passages">
        {citations.map((citation) => (
          <button
            type="button"
            class="passage-link"
            key={citation.number}
            aria-label={`Passage ${citation.number}: ${formatHeading(citation.heading) || first.title}`}
            onClick={(event) => showPassage(passageOfCitation(citation), event.currentTarget)}
          >
            <span class="number">{citation.number}</span>
            {visible(citation.heading.at(-1) ?? '') || 'Open'}
          </button>
        ))}
      </div>
    </li>
  );
}
