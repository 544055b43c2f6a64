// Where else a result is found: copies and older versions that were folded into it.

import { Fragment } from 'preact';
import { Link } from 'wouter-preact';
import type { Copy } from '../api/schema';
import { visible } from '../markdown/text';
import { formatDay, formatNumber } from './format';

const SHOWN = 3;

/** One line of links: copies, then older versions with their day; "and 2 more" counts what is not named, with `more` beside the copies. */
export function AlsoIn({ copies, more = 0 }: { copies: readonly Copy[]; more?: number | undefined }) {
  const older = copies.filter((copy) => copy.older);
  const shown = [...copies.filter((copy) => !copy.older), ...older].slice(0, SHOWN);
  const rest = copies.length - shown.length + more;
  if (shown.length === 0) return null;
  return (
    <p class="also-in">
      {shown.map((copy, i) => (
        <Fragment key={copy.document_id}>
          {lead(shown, i)}
          <Link href={`/d/${encodeURIComponent(copy.document_id)}`}>{visible(copy.title) || 'Untitled'}</Link>
          {` (${[copy.source, copy.older ? formatDay(copy.updated_at) : ''].filter(Boolean).join(', ')})`}
        </Fragment>
      ))}
      {rest > 0 && ` and ${formatNumber(rest)} more`}
    </p>
  );
}

/** The words before a link: what it and those after it are, where that changes. */
function lead(shown: readonly Copy[], i: number): string {
  const { older } = shown[i]!;
  if (i > 0 && shown[i - 1]!.older === older) return ', ';
  if (!older) return 'Also in: ';
  const versions = i === shown.length - 1 ? 'version' : 'versions';
  return i === 0 ? `Older ${versions}: ` : `; older ${versions}: `;
}
