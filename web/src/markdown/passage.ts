// Finding a cited passage in the text of its document.

import { ByteIndex } from './bytes';

/** Indices of a string, half-open. */
export interface Span {
  start: number;
  end: number;
}

/**
 * Returns where the bytes [start, end) lie in the text, or null when they are not exactly the quote: better no highlight than
 * a wrong one. An empty quote is not compared.
 */
export function locate(text: string, start: number, end: number, quote: string): Span | null {
  const index = new ByteIndex(text);
  const from = index.toUnit(start);
  const to = index.toUnit(end);
  if (from === null || to === null || from >= to) return null;
  return quote === '' || text.slice(from, to) === quote ? { start: from, end: to } : null;
}

/** Returns the part of a text of at most about two times reach that lies around a span, from line to line. */
export function windowAround(text: string, span: Span | null, reach: number): Span {
  if (text.length <= 2 * reach) return { start: 0, end: text.length };
  const start = Math.max(0, (span?.start ?? 0) - reach);
  const end = Math.min(text.length, (span?.end ?? 0) + reach);
  return { start: lineStart(text, start), end: lineEnd(text, end) };
}

/** The beginning of the paragraph, or else of the line, that holds the index. */
export function lineStart(text: string, at: number): number {
  if (at <= 0) return 0;
  const paragraph = text.lastIndexOf('\n\n', at);
  if (paragraph >= 0 && at - paragraph < 4000) return paragraph + 2;
  return text.lastIndexOf('\n', at) + 1;
}

/** The end of the paragraph, or else of the line, that holds the index. */
export function lineEnd(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const paragraph = text.indexOf('\n\n', at);
  if (paragraph >= 0 && paragraph - at < 4000) return paragraph + 1;
  const line = text.indexOf('\n', at);
  return line < 0 ? text.length : line + 1;
}
