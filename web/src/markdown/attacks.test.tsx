// Nothing that an answer or a document says becomes anything but text, whether it comes at once or in pieces.

import { render } from 'preact';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import attacks from '../../e2e/attacks.json';
import { plainText } from './plain';
import { renderMarkdown } from './render';
import { safeURL } from './text';

const elements = new Set(
  'A BLOCKQUOTE BR CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL'.split(
    ' ',
  ),
);
const attributes = new Set('class start tabindex role aria-label href target rel'.split(' '));

function check(source: string): void {
  const root = document.createElement('div');
  render(<>{renderMarkdown(source, { link: safeURL }).node}</>, root);
  for (const element of root.querySelectorAll('*')) {
    expect(elements, source).toContain(element.tagName);
    for (const { name, value } of element.attributes) {
      expect(attributes, source).toContain(name);
      if (name !== 'href') continue;
      const { protocol, username, password } = new URL(value);
      expect([protocol, username, password], source).toEqual([expect.stringMatching(/^https?:$/), '', '']);
    }
  }
}

it.each(attacks)('%j is text', (attack) => {
  check(attack);
  expect(() => plainText(attack)).not.toThrow();
});

it('holds for any mixture', () => {
  const piece = fc.oneof(
    fc.constantFrom(...attacks),
    fc.constantFrom('\n', '\n\n', '- ', '> ', '| ', '`', '```\n', '**', '[', '](', ')', '<', '\\', '    ', 'text'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => check(pieces.join(''))),
    { numRuns: 400 },
  );
});

it('makes the same of an answer that arrives in pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...attacks), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(400)),
      (pieces, cuts) => {
        const source = pieces.join('\n\n');
        const whole = document.createElement('div');
        render(<>{renderMarkdown(source).node}</>, whole);
        const grown = document.createElement('div');
        for (const cut of cuts.map((place) => Math.min(place, source.length)).sort((a, b) => a - b)) {
          render(<>{renderMarkdown(source.slice(0, cut)).node}</>, grown);
        }
        render(<>{renderMarkdown(source).node}</>, grown);
        expect(grown.innerHTML).toBe(whole.innerHTML);
      },
    ),
    { numRuns: 150 },
  );
});
