// A passage found by a search.

import type { SearchResult } from '../api/schema';
import { plainText } from '../markdown/plain';
import { visible } from '../markdown/text';
import { passageOfResult, passageURL, showPassage } from '../state/panel';
import { AlsoIn } from './AlsoIn';
import { formatDay, formatHeading } from './format';

export function ResultItem({ result, level = 3 }: { result: SearchResult; level?: 2 | 3 }) {
  const passage = passageOfResult(result);
  const heading = formatHeading(result.heading, result.title);
  const Heading = `h${level}` as const;
  const open = (event: MouseEvent) => {
    // With a modifier key or another button the address opens as the browser would.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    showPassage(passage, event.currentTarget as HTMLElement);
  };
  return (
    <li class="result">
      <Heading>
        <a href={passageURL(passage)} onClick={open}>
          {visible(result.title) || 'Untitled'}
        </a>
      </Heading>
      <p class="facts">
        <span class="source-name">{result.source}</span>
        {heading && <span>{heading}</span>}
        {result.updated_at && <span>Updated {formatDay(result.updated_at)}</span>}
      </p>
      <p class="snippet">{result.kind === 'code' ? visible(result.snippet) : plainText(result.snippet)}</p>
      {result.also_in && <AlsoIn copies={result.also_in} more={result.also_in_more} />}
    </li>
  );
}
