// The sources of an answer: each document with the numbers of the passages that were taken from it.

import type { Answer, Citation } from '../api/schema';
import { numberedSources } from '../markdown/answer';
import { safeURL, visible } from '../markdown/text';
import { isOpen, passageOfCitation, showPassage } from '../state/panel';
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

/** Citations with the same key together, in the order of their first numbers. */
function group(citations: readonly Citation[], key: (citation: Citation) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const citation of citations) {
    const known = groups.get(key(citation));
    if (known) known.push(citation);
    else groups.set(key(citation), [citation]);
  }
  return [...groups.values()];
}

const byDocument = (citations: readonly Citation[]) =>
  group(citations, ({ document_id: id, version }) => `${id} ${version}`);
const bySection = (citations: readonly Citation[]) => group(citations, ({ heading }) => heading.join('\n'));

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
        {bySection(citations).map((section) => (
          <span class="section" key={section[0].number}>
            {section.map((citation) => (
              <PassageButton citation={citation} key={citation.number} />
            ))}
            {visible(section[0].heading.filter((part) => part !== first.title).at(-1) ?? '')}
          </span>
        ))}
      </div>
    </li>
  );
}

function PassageButton({ citation }: { citation: Citation }) {
  const where = formatHeading(citation.heading) || citation.title || 'no longer available';
  return (
    <button
      type="button"
      class={isOpen(citation) ? 'chip open' : 'chip'}
      aria-label={`Passage ${citation.number}: ${where}`}
      onClick={(event) => showPassage(passageOfCitation(citation), event.currentTarget)}
    >
      <span>{citation.number}</span>
    </button>
  );
}
