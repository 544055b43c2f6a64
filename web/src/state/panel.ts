// The passage that is open beside the conversation.

import { signal } from '@preact/signals';
import type { Citation, SearchResult } from '../api/schema';

/** A passage of one version of a document; offsets are bytes of UTF-8. */
export interface Passage {
  documentId: string;
  version: string;
  start: number;
  end: number;
  /** What stands there; a highlight is only shown where it still does. */
  quote: string;
  title: string;
  gone: boolean;
}

export const openPassage = signal<Passage | null>(null);

let opener: HTMLElement | null = null;

/** Opens a passage; when it is closed the focus goes back to the element that opened it. */
export function showPassage(passage: Passage, from: HTMLElement | null): void {
  opener = from;
  openPassage.value = passage;
}

/** Closes the passage that is open. */
export function closePassage(): void {
  openPassage.value = null;
  opener?.focus();
  opener = null;
}

/** Whether the passage of a citation is the one that is open. */
export function isOpen(citation: Citation): boolean {
  const open = openPassage.value;
  return (
    open !== null &&
    open.documentId === citation.document_id &&
    open.version === citation.version &&
    open.start === citation.start &&
    open.end === citation.end
  );
}

export function passageOfCitation(citation: Citation): Passage {
  return {
    documentId: citation.document_id,
    version: citation.version,
    start: citation.start,
    end: citation.end,
    quote: citation.quote,
    title: citation.title,
    gone: citation.state === 'gone',
  };
}

export function passageOfResult(result: SearchResult): Passage {
  const { document_id: documentId, version, start, end, snippet: quote, title } = result;
  return { documentId, version, start, end, quote, title, gone: false };
}

/** The address of the page that shows a passage. */
export function passageURL(passage: Passage): string {
  const range = `version=${encodeURIComponent(passage.version)}&start=${passage.start}&end=${passage.end}`;
  return `/d/${encodeURIComponent(passage.documentId)}?${range}`;
}
