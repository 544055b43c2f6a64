// An answer as Markdown to be pasted elsewhere: the text with numbered marks, and the sources behind the numbers.

import type { Answer, Citation } from '../api/schema';
import { ByteIndex } from './bytes';
import { safeURL } from './text';

/** The citations of an answer by number, one for each number. */
export function numberedSources(citations: readonly Citation[]): Citation[] {
  const byNumber = new Map<number, Citation>();
  for (const citation of citations) {
    if (!byNumber.has(citation.number)) byNumber.set(citation.number, citation);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/** Citations by the index of the text after which their marks belong, in the order of the text. */
export function citationPlaces(answer: Answer): { at: number; citations: Citation[] }[] {
  const index = new ByteIndex(answer.text);
  const places = new Map<number, Citation[]>();
  for (const citation of answer.citations) {
    const end = index.toUnit(citation.answer_end) ?? answer.text.length;
    const at = answer.text.slice(0, end).trimEnd().length; // white space after the claim is not part of it
    const here = places.get(at) ?? [];
    if (!here.some((other) => other.number === citation.number)) places.set(at, [...here, citation]);
  }
  return [...places]
    .map(([at, citations]) => ({ at, citations: citations.sort((a, b) => a.number - b.number) }))
    .sort((a, b) => a.at - b.at);
}

/** Returns the answer with marks such as [1] after its claims and a list of its sources. */
export function answerAsMarkdown(answer: Answer): string {
  let text = '';
  let from = 0;
  for (const { at, citations } of citationPlaces(answer)) {
    text += answer.text.slice(from, at) + citations.map(({ number }) => `[${number}]`).join('');
    from = at;
  }
  text += answer.text.slice(from);
  const sources = numberedSources(answer.citations).map((citation) => {
    if (citation.state === 'gone') return `[${citation.number}] no longer available`;
    const url = safeURL(citation.url);
    const title = [citation.title, ...citation.heading.filter((part) => part !== citation.title)].join(' › ');
    return `[${citation.number}] ${title}${url ? ` <${url}>` : ''}`;
  });
  return sources.length === 0
    ? `${text}\n`
    : `${text}\n\nSources:\n\n${sources.map((line) => `- ${line}`).join('\n')}\n`;
}
