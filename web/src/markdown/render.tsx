// Markdown to elements, through a closed switch over the tokens of the lexer: no string of HTML is ever made, raw HTML and
// images stay text, and what is not known here is shown as it was written. Each piece of text knows where it lies in the
// source, so that ranges of the source (a cited passage, a doubtful sentence) and marks at places in it (citations) end up
// where they belong.

import { h, type ComponentChild, type VNode } from 'preact';
import { Lexer, type Token, type Tokens } from 'marked';
import { Cut } from './cut';
import { decodeEntities, visible } from './text';

/** A range of the source, in UTF-16 indices, half-open, and the element that its text is put in. */
export interface Range {
  start: number;
  end: number;
  wrap: (children: ComponentChild) => VNode;
}

/** Something to be shown after source[:at]. */
export interface Mark {
  at: number;
  node: ComponentChild;
}

export interface Options {
  /** Ranges that do not overlap, in their order. */
  ranges?: readonly Range[];
  /** Marks in the order of their places. */
  marks?: readonly Mark[];
  /** Returns the address that a link may have, or null for one that is shown without being a link. */
  link?: (href: string) => string | null;
  /** Level of the highest headings of the text, 1 when it is missing; no level is passed over below it. */
  headingLevel?: number;
}

export interface Rendered {
  node: ComponentChild;
  /** Source ranges of blocks in which the place of some text is unknown. */
  unplaced: { start: number; end: number }[];
  /** How many pieces of text were put into one of the ranges. */
  wrapped: number;
}

/** Renders Markdown. The same source and options always give the same elements, however the source arrived. */
export function renderMarkdown(source: string, options: Options = {}): Rendered {
  try {
    return new Renderer(options).document(source);
  } catch (error) {
    // Only nesting beyond what the stack holds ends here; the text itself is still worth showing.
    if (!(error instanceof RangeError)) throw error;
    return renderPlain(source, options);
  }
}

/** How text that is not Markdown is set: in the type of code, as prose, or with each line as a row of its own. */
export type Setting = 'code' | 'prose' | 'rows';

/** Renders text as it is written, with the same ranges and marks. */
export function renderPlain(source: string, options: Options = {}, setting: Setting = 'prose'): Rendered {
  return new Renderer(options).plain(source, setting);
}

class Renderer {
  private readonly ranges: readonly Range[];
  private readonly marks: readonly Mark[];
  private nextMark = 0;
  private wrapped = 0;
  private lost = false;
  /** The depths of headings that the text has, in their order. */
  private depths: number[] = [];
  private level: number;

  constructor(private readonly options: Options) {
    this.ranges = options.ranges ?? [];
    this.marks = options.marks ?? [];
    this.level = this.topLevel - 1;
  }

  document(source: string): Rendered {
    const unplaced: Rendered['unplaced'] = [];
    const children: ComponentChild[] = [];
    const whole = Cut.whole(source);
    const tokens = new Lexer().lex(source);
    this.depths = [
      ...new Set(tokens.flatMap((token) => (token.type === 'heading' ? [token.depth as number] : []))),
    ].sort();
    let at = 0;
    for (const token of tokens) {
      const found = source.startsWith(token.raw, at) ? at : source.indexOf(token.raw, at);
      const end = found < 0 ? source.length : found + token.raw.length;
      this.lost = false;
      children.push(this.block(token, found < 0 ? Cut.lost(token.raw) : whole.slice(found, end)));
      if (this.lost) unplaced.push({ start: at, end });
      if (found < 0) continue;
      children.push(this.marksAsBlock(end));
      at = end;
    }
    children.push(this.marksAsBlock(Infinity));
    return { node: children, unplaced, wrapped: this.wrapped };
  }

  plain(source: string, setting: Setting): Rendered {
    const asWritten = (piece: string) => piece;
    const whole = Cut.whole(source);
    const children: ComponentChild[] = [];
    if (setting === 'rows') {
      let at = 0;
      for (const line of source.split('\n')) {
        if (line.trim() !== '') children.push(<p>{this.leaf(whole.slice(at, at + line.length), asWritten)}</p>);
        at += line.length + 1;
      }
    } else {
      children.push(this.leaf(whole, asWritten));
    }
    children.push(this.marksUpTo(Infinity));
    const node =
      setting === 'code' ? <pre tabIndex={0}>{children}</pre> : <div class={`plain ${setting}`}>{children}</div>;
    return { node, unplaced: [], wrapped: this.wrapped };
  }

  private blocks(tokens: readonly Token[], cut: Cut): ComponentChild[] {
    return this.walk(tokens, cut, (token, part) => [this.block(token, part), this.marksAsBlock(part.end)]);
  }

  /** Calls visit with each token and its part of the cut, in which the tokens stand one after another. */
  private walk(
    tokens: readonly Token[],
    cut: Cut,
    visit: (token: Token, part: Cut) => ComponentChild[],
  ): ComponentChild[] {
    let at = 0;
    return tokens.flatMap((token) => {
      const found = cut.text.startsWith(token.raw, at) ? at : cut.text.indexOf(token.raw, at);
      if (found < 0) return visit(token, Cut.lost(token.raw));
      at = found + token.raw.length;
      return visit(token, cut.slice(found, at));
    });
  }

  private block(token: Token, cut: Cut): ComponentChild {
    switch (token.type) {
      case 'space':
      case 'def':
        return null;
      case 'hr':
        return <hr />;
      case 'heading':
        return this.heading(token as Tokens.Heading, cut);
      case 'paragraph':
        return <p>{this.inlineBlock(token as Tokens.Paragraph, cut)}</p>;
      case 'text':
        return this.inlineBlock(token as Tokens.Text, cut);
      case 'checkbox':
        return this.checkbox(token as Tokens.Checkbox);
      case 'blockquote': {
        const quote = token as Tokens.Blockquote;
        return <blockquote>{this.blocks(quote.tokens, cut.strip(quote.text))}</blockquote>;
      }
      case 'list':
        return this.list(token as Tokens.List, cut);
      case 'code':
        return this.code(token as Tokens.Code, cut);
      case 'table':
        return this.table(token as Tokens.Table, cut);
      default:
        return <p class="raw">{this.leaf(cut)}</p>;
    }
  }

  private heading(token: Tokens.Heading, cut: Cut): VNode {
    const rank = Math.max(0, this.depths.indexOf(token.depth));
    this.level = Math.min(6, this.topLevel + rank, this.level + 1);
    const from = /^ {0,3}#* */.exec(cut.text)![0].length;
    const children = [this.inline(token.tokens, cut.find(token.text, from)), this.marksUpTo(cut.end)];
    return h(`h${this.level}` as 'h1', null, children);
  }

  private get topLevel(): number {
    return this.options.headingLevel ?? 1;
  }

  private inlineBlock(token: Tokens.Paragraph | Tokens.Text, cut: Cut): ComponentChild[] {
    const children = token.tokens ? this.inline(token.tokens, cut.find(token.text)) : [this.leaf(cut)];
    return [...children, this.marksUpTo(cut.end)];
  }

  private list(token: Tokens.List, cut: Cut): VNode {
    const items = this.walk(token.items as Token[], cut, (item, part) => {
      const { tokens, text } = item as Tokens.ListItem;
      return [<li>{[this.blocks(tokens, part.strip(text)), this.marksUpTo(part.end)]}</li>];
    });
    if (!token.ordered) return <ul>{items}</ul>;
    const start = Number(token.start);
    return start > 1 ? <ol start={start}>{items}</ol> : <ol>{items}</ol>;
  }

  private code(token: Tokens.Code, cut: Cut): VNode {
    const fenced = token.codeBlockStyle !== 'indented';
    const text = cut.strip(token.text, fenced ? 1 : 0);
    return (
      <pre tabIndex={0}>
        <code>{this.leaf(text, (piece) => piece)}</code>
      </pre>
    );
  }

  private table(token: Tokens.Table, cut: Cut): VNode {
    const lines = cut.text.split('\n');
    let begin = 0;
    const starts = lines.map((line) => {
      const at = begin;
      begin += line.length + 1;
      return at;
    });
    const row = (cells: Tokens.TableCell[], line: number, tag: 'th' | 'td') => {
      const at = starts[line] ?? cut.text.length;
      const part = cut.slice(at, at + (lines[line]?.length ?? 0));
      return <tr>{this.cells(cells, part, tag)}</tr>;
    };
    return (
      <div class="table" role="group" aria-label="Table" tabIndex={0}>
        <table>
          <thead>{row(token.header, 0, 'th')}</thead>
          <tbody>{token.rows.map((cells, i) => row(cells, i + 2, 'td'))}</tbody>
        </table>
      </div>
    );
  }

  private cells(cells: Tokens.TableCell[], row: Cut, tag: 'th' | 'td'): ComponentChild[] {
    let at = 0;
    return cells.map((cell, i) => {
      const found = row.text.indexOf(cell.text, at);
      const part = found < 0 ? Cut.lost(cell.text) : row.slice(found, found + cell.text.length);
      if (found >= 0) at = found + cell.text.length;
      const children: ComponentChild[] = this.inline(cell.tokens, part);
      if (i === cells.length - 1) children.push(this.marksUpTo(row.end));
      return h(tag, cell.align ? { class: cell.align } : null, children);
    });
  }

  private inline(tokens: readonly Token[], cut: Cut): ComponentChild[] {
    return this.walk(tokens, cut, (token, part) => [this.inlineToken(token, part), this.marksUpTo(part.end)]);
  }

  private inlineToken(token: Token, cut: Cut): ComponentChild {
    switch (token.type) {
      case 'text':
        return 'tokens' in token && token.tokens ? this.inline(token.tokens, cut) : this.leaf(cut);
      case 'strong':
        return <strong>{this.inside(token as Tokens.Strong, cut)}</strong>;
      case 'em':
        return <em>{this.inside(token as Tokens.Em, cut)}</em>;
      case 'del':
        return <del>{this.inside(token as Tokens.Del, cut)}</del>;
      case 'codespan':
        return <code>{this.codespan(token as Tokens.Codespan, cut)}</code>;
      case 'br':
        return <br />;
      case 'escape':
        return this.atom(visible((token as Tokens.Escape).text), cut);
      case 'checkbox':
        return this.checkbox(token as Tokens.Checkbox);
      case 'link':
        return this.link(token as Tokens.Link, cut);
      case 'image':
        return this.atom(visible(`[image: ${(token as Tokens.Image).text || 'no description'}]`), cut);
      case 'html':
        return /^<br\s*\/?>$/i.test(token.raw) ? <br /> : this.leaf(cut);
      default:
        return this.leaf(cut);
    }
  }

  /** What stands between the delimiters of an emphasis. */
  private inside(token: Tokens.Strong | Tokens.Em | Tokens.Del, cut: Cut): ComponentChild[] {
    return this.inline(token.tokens, cut.find(token.text, (cut.text.length - token.text.length) >> 1));
  }

  private codespan(token: Tokens.Codespan, cut: Cut): ComponentChild {
    const at = cut.text.replace(/\n/g, ' ').indexOf(token.text, 1);
    const text = at < 0 ? Cut.lost(token.text) : cut.slice(at, at + token.text.length);
    return this.leaf(text, (piece) => piece);
  }

  private link(token: Tokens.Link, cut: Cut): ComponentChild {
    const label = this.inline(token.tokens, cut.find(token.text, cut.text.startsWith('[') ? 1 : 0));
    const href = this.options.link?.(token.href) ?? null;
    if (href === null) return <span class="no-link">{label}</span>;
    return (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {label}
      </a>
    );
  }

  private checkbox(token: Tokens.Checkbox): VNode {
    return (
      <span class="checkbox" role="img" aria-label={token.checked ? 'done' : 'to do'}>
        {token.checked ? '☑' : '☐'}{' '}
      </span>
    );
  }

  /** Text that stands in the source as it is shown, but for what show does to it. */
  private leaf(cut: Cut, show: (piece: string) => string = decodeEntities): ComponentChild[] {
    const children: ComponentChild[] = [];
    for (const run of cut.runs()) {
      const text = cut.text.slice(run.start, run.end);
      if (run.source < 0) {
        this.lost ||= text.trim() !== '';
        children.push(visible(show(text)));
        continue;
      }
      const end = run.source + text.length;
      for (let at = run.source; at < end;) {
        children.push(this.marksUpTo(at));
        const to = this.boundary(at, end);
        children.push(this.wrap(visible(show(text.slice(at - run.source, to - run.source))), at, to));
        at = to;
      }
    }
    return children;
  }

  /** Text that stands for its whole place in the source and cannot be divided. */
  private atom(text: string, cut: Cut): ComponentChild {
    const first = cut.runs()[0];
    if (!first || first.source < 0) {
      this.lost = true;
      return text;
    }
    return this.wrap(text, first.source, cut.end);
  }

  private wrap(text: string, start: number, end: number): ComponentChild {
    const range = this.ranges.find((r) => r.start <= start && end <= r.end && r.start < r.end);
    if (!range) return text;
    this.wrapped++;
    return range.wrap(text);
  }

  /** The first place after at, and not after end, where a range begins or ends or a mark stands. */
  private boundary(at: number, end: number): number {
    let to = end;
    for (const { start: s, end: e } of this.ranges) {
      if (s > at && s < to) to = s;
      if (e > at && e < to) to = e;
    }
    for (let k = this.nextMark; k < this.marks.length; k++) {
      const place = this.marks[k]!.at;
      if (place > at && place < to) to = place;
    }
    return to;
  }

  /** The marks that stand at or before the place and were not shown yet. */
  private marksUpTo(place: number): ComponentChild[] {
    const nodes: ComponentChild[] = [];
    while (this.nextMark < this.marks.length && this.marks[this.nextMark]!.at <= place) {
      nodes.push(this.marks[this.nextMark++]!.node);
    }
    return nodes;
  }

  private marksAsBlock(place: number): ComponentChild {
    const nodes = this.marksUpTo(place);
    return nodes.length > 0 ? <p class="marks">{nodes}</p> : null;
  }
}
