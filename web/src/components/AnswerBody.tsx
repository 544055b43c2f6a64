// The text of an answer: Markdown with a chip after each claim and a visible difference where the sources do not bear it out.

import { useMemo } from 'preact/hooks';
import type { Answer, Sentence } from '../api/schema';
import { citationPlaces } from '../markdown/answer';
import { ByteIndex } from '../markdown/bytes';
import { renderMarkdown, type Mark, type Range } from '../markdown/render';
import { safeURL } from '../markdown/text';
import { CitationChip } from './CitationChip';

const doubts = {
  unsupported: 'not found in the sources',
  partial: 'only partly found in the sources',
} as const;

export function AnswerBody({ answer, turn }: { answer: Answer; turn: string }) {
  const node = useMemo(() => renderAnswer(answer, turn), [answer, turn]);
  return <div class="prose">{node}</div>;
}

function renderAnswer(answer: Answer, turn: string) {
  const known = new Set(answer.citations.map((citation) => safeURL(citation.url)));
  const { ranges, flags } = doubtful(answer);
  const marks = citationPlaces(answer).map(({ at, citations }): Mark => ({
    at,
    node: (
      <span class="chips" key={at}>
        {/* A chip at the beginning of a line would seem to belong to what follows. */}
        {'\u2060'}
        {citations.map((citation) => (
          <CitationChip citation={citation} turn={turn} key={citation.number} />
        ))}
      </span>
    ),
  }));
  return renderMarkdown(answer.text, {
    ranges,
    marks: [...flags, ...marks].sort((a, b) => a.at - b.at),
    headingLevel: 3,
    // A model can be talked into writing a link that carries text away: only addresses of cited documents are links.
    link: (href) => {
      const url = safeURL(href);
      return url !== null && known.has(url) ? url : null;
    },
  }).node;
}

/** Where the sources do not bear the text out: ranges to underline, and words for those who do not see the line. */
function doubtful(answer: Answer): { ranges: Range[]; flags: Mark[] } {
  const index = new ByteIndex(answer.text);
  const ranges: Range[] = [];
  const flags: Mark[] = [];
  for (const sentence of answer.sentences) {
    const reason = doubt(sentence);
    const start = index.toUnit(sentence.start);
    const end = index.toUnit(sentence.end);
    if (reason === null || start === null || end === null) continue;
    const at = answer.text.slice(0, end).trimEnd().length;
    const wrap: Range['wrap'] = (children) => (
      <span class={sentence.support} title={reason}>
        {children}
      </span>
    );
    ranges.push({ start, end: at, wrap });
    flags.push({
      at,
      node: (
        <span class="flag" key={`flag${at}`}>
          {' '}
          ({reason})
        </span>
      ),
    });
  }
  return { ranges, flags };
}

function doubt({ support }: Sentence): string | null {
  return support === 'unsupported' || support === 'partial' ? doubts[support] : null;
}
