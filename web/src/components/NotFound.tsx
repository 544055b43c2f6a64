// The answer when nothing answers: what was searched, and what came closest.

import type { SearchResult } from '../api/schema';
import { ResultItem } from './ResultItem';

interface Props {
  /** The answer says itself that there is none. */
  said: boolean;
  nearest: readonly SearchResult[];
  /** Names of the sources that the question was narrowed to; none: all. */
  sources: readonly string[];
}

export function NothingFound({ said, nearest, sources }: Props) {
  const where = sources.length === 0 ? 'all sources that you may read' : sources.join(', ');
  return (
    <section class="nothing" aria-label="Nothing found">
      <p>
        {!said && 'Nothing that you may read answers this question. '}Searched: {where}.
        {sources.length > 0 && ' Try all sources, or other words.'}
      </p>
      {nearest.length > 0 && (
        <>
          <p class="label">The nearest documents</p>
          <ul class="results">
            {nearest.slice(0, 5).map((result) => (
              <ResultItem result={result} key={`${result.document_id}:${result.start}`} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
