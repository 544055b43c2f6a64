// Markdown as one line of plain text, for places that have no room for structure.

import { Lexer, type Token, type Tokens } from 'marked';
import { decodeEntities, visible } from './text';

/** Returns what a reader would see of Markdown, without its markers and line breaks. */
export function plainText(markdown: string): string {
  let tokens: Token[];
  try {
    tokens = new Lexer().lex(markdown);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return visible(markdown); // nested beyond what the stack holds
  }
  return visible(join(tokens, ' ')).replace(/\s+/g, ' ').trim();
}

function join(tokens: readonly Token[], separator: string): string {
  return tokens.map((token, i) => words(token) + (i < tokens.length - 1 ? headingEnd(token) : '')).join(separator);
}

/** What parts a heading from its text, which would else read as one sentence. */
function headingEnd(token: Token): string {
  return token.type === 'heading' && /[\p{L}\p{N})]$/u.test(words(token).trim()) ? ':' : '';
}

function words(token: Token): string {
  switch (token.type) {
    case 'list':
      return (token as Tokens.List).items.map((item) => join(item.tokens, ' ')).join(' ');
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      return [header, ...rows].map((row) => row.map((cell) => join(cell.tokens, '')).join(', ')).join('; ');
    }
    case 'code':
    case 'codespan':
    case 'escape':
      return (token as Tokens.Code).text;
    case 'image':
      return (token as Tokens.Image).text;
    case 'space':
    case 'br':
    case 'hr':
    case 'def':
    case 'checkbox':
      return ' ';
    case 'blockquote':
      return join((token as Tokens.Blockquote).tokens, ' ');
    default:
      return 'tokens' in token && token.tokens ? join(token.tokens, '') : decodeEntities(token.raw);
  }
}
