// The text of a document, with the cited passage highlighted in it and in view.

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Document } from '../api/schema';
import { ByteIndex } from '../markdown/bytes';
import { lineEnd, lineStart, windowAround, type Span } from '../markdown/passage';
import { renderMarkdown, renderPlain, type Mark, type Options, type Rendered, type Setting } from '../markdown/render';
import { safeURL } from '../markdown/text';

/** A text longer than twice this is shown in part, around the passage. */
const REACH = 40_000;

interface Props {
  document: Document;
  /** Where the passage lies in the text, if one is to be highlighted. */
  passage: Span | null;
  /** Level of the highest headings of the text. */
  level: number;
}

export function DocumentText({ document, passage, level }: Props) {
  const { text } = document;
  const begin = useMemo(() => titleEnd(document, passage), [document, passage]);
  const [shown, setShown] = useState(() => {
    const { start, end } = windowAround(text, passage, REACH);
    return { start: Math.max(begin, start), end };
  });
  const element = useRef<HTMLDivElement>(null);
  const node = useMemo(
    () => renderWindow(document, shown, passage, level),
    [document, shown.start, shown.end, passage, level],
  );
  useLayoutEffect(() => {
    element.current?.querySelector('mark')?.scrollIntoView({ block: 'center' });
  }, [text, passage]);
  return (
    <div class="prose document-text" ref={element}>
      {shown.start > begin && (
        <button
          type="button"
          class="button more"
          onClick={() => setShown({ start: Math.max(begin, lineStart(text, shown.start - 2 * REACH)), end: shown.end })}
        >
          Show the text before
        </button>
      )}
      {node}
      {shown.end < text.length && (
        <button
          type="button"
          class="button more"
          onClick={() => setShown({ start: shown.start, end: lineEnd(text, shown.end + 2 * REACH) })}
        >
          Show the text after
        </button>
      )}
    </div>
  );
}

/**
 * Renders a part of the text, as Markdown where the document is some and that puts the highlight exactly on the passage, else
 * as it is written.
 */
function renderWindow(document: Document, shown: Span, passage: Span | null, level: number): Rendered['node'] {
  const part = document.text.slice(shown.start, shown.end);
  const setting = settingOf(document);
  const options: Options = { link: safeURL, headingLevel: level, marks: sectionLabels(document, shown) };
  const start = (passage?.start ?? 0) - shown.start;
  const end = (passage?.end ?? 0) - shown.start;
  if (passage) options.ranges = [{ start, end, wrap: (children) => <mark>{children}</mark> }];
  if (setting !== 'markdown') return renderPlain(part, options, setting).node;
  const rendered = renderMarkdown(part, options);
  const unsure = rendered.unplaced.some((block) => block.start < end && start < block.end);
  return passage && (unsure || rendered.wrapped === 0) ? renderPlain(part, options).node : rendered.node;
}

/** How the text of a kind of document is shown. */
function settingOf({ kind }: Document): Setting | 'markdown' {
  switch (kind) {
    case 'code':
    case 'data':
      return 'code';
    case 'spreadsheet':
      return 'rows';
    case 'text':
    case 'pdf':
    case 'mail':
    case 'presentation':
      return 'prose';
    default:
      return 'markdown';
  }
}

/** The pages and sheets of a document, which its text does not name. */
function sectionLabels({ kind, text, sections }: Document, shown: Span): Mark[] {
  if (kind !== 'pdf' && kind !== 'spreadsheet') return [];
  const index = new ByteIndex(text);
  return sections.flatMap(({ heading, anchor, start }) => {
    const at = index.toUnit(start);
    const label = heading.at(-1) ?? anchor.replace(/^#page=/, 'Page ');
    if (at === null || at < shown.start || at > shown.end || label === '') return [];
    return [{ at: at - shown.start, node: <span class="section-label">{label}</span> }];
  });
}

/** The end of a first heading that is the title, which stands above the text already; 0 where the passage holds it. */
function titleEnd(document: Document, passage: Span | null): number {
  const first = /^\s*# +(.*?) *#*\n+/.exec(document.text);
  if (!first || first[1] !== document.title || (passage && passage.start < first[0].length)) return 0;
  return first[0].length;
}
