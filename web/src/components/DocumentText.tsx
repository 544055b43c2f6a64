// The text of a document, with the cited passage highlighted in it and in view.

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Document } from '../api/schema';
import { lineEnd, lineStart, windowAround, type Span } from '../markdown/passage';
import { renderMarkdown, renderPlain, type Options, type Rendered } from '../markdown/render';
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
    () => renderWindow(text, shown, passage, isPlain(document), level),
    [text, shown.start, shown.end, passage],
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
 * Renders a part of the text as Markdown, or as it is written where that would not put the highlight exactly on the passage.
 */
function renderWindow(
  text: string,
  shown: Span,
  passage: Span | null,
  plain: boolean,
  level: number,
): Rendered['node'] {
  const part = text.slice(shown.start, shown.end);
  const options: Options = { link: safeURL, headingLevel: level };
  if (passage === null) return plain ? renderPlain(part).node : renderMarkdown(part, options).node;
  const start = passage.start - shown.start;
  const end = passage.end - shown.start;
  options.ranges = [{ start, end, wrap: (children) => <mark>{children}</mark> }];
  if (plain) return renderPlain(part, options).node;
  const rendered = renderMarkdown(part, options);
  const unsure = rendered.unplaced.some((block) => block.start < end && start < block.end);
  return unsure || rendered.wrapped === 0 ? renderPlain(part, options).node : rendered.node;
}

/** The end of a first heading that is the title, which stands above the text already; 0 where the passage holds it. */
function titleEnd(document: Document, passage: Span | null): number {
  const first = /^\s*# +(.*?) *#*\n+/.exec(document.text);
  if (!first || first[1] !== document.title || (passage && passage.start < first[0].length)) return 0;
  return first[0].length;
}

const PLAIN =
  /\.(go|py|js|jsx|ts|tsx|java|kt|c|h|cc|cpp|hpp|cs|rb|rs|php|swift|sql|sh|toml|ini|json|ya?ml|xml|csv|log|txt)$/i;

/** Whether the document is code or data, in which the characters of Markdown mean something else. */
function isPlain(document: Document): boolean {
  return document.kind === 'code' || PLAIN.test(document.external_id);
}
