// What a result stands for is said in one line.

import { render } from 'preact';
import { expect, it } from 'vitest';
import type { Copy } from '../api/schema';
import { AlsoIn } from './AlsoIn';

let count = 0;

function copy(title: string, older = false): Copy {
  return { document_id: `D/${++count}`, title, source: 'wiki', url: 'javascript:alert(1)', updated_at: null, older };
}

function rendered(...copies: Copy[]): HTMLElement {
  const root = document.createElement('div');
  render(<AlsoIn copies={copies} />, root);
  return root;
}

it.each([
  ['', []],
  ['Also in: A (wiki)', [copy('A')]],
  ['Also in: A (wiki), B (wiki); older version: C (wiki)', [copy('C', true), copy('A'), copy('B')]],
  ['Older version: Untitled (wiki)', [copy('', true)]],
  ['Older versions: A (wiki), B (wiki)', [copy('A', true), copy('B', true)]],
  [
    'Also in: A (wiki); older versions: B (wiki), C (wiki) and 1 more',
    ['A', 'B', 'C', 'D'].map((t) => copy(t, t > 'A')),
  ],
  ['Also in: A (wiki), B (wiki), C (wiki) and 2 more', ['A', 'B', 'C', 'D', 'E'].map((t) => copy(t))],
])('says %j', (text, copies) => {
  expect(rendered(...copies).textContent).toBe(text);
});

it('says when an older version was changed', () => {
  const root = rendered(
    { ...copy('A', true), updated_at: '2025-03-04T12:00:00Z' },
    { ...copy('B'), updated_at: '2025-03-04T12:00:00Z' },
  );
  expect(root.textContent).toMatch(/^Also in: B \(wiki\); older version: A \(wiki, .*2025.*\)$/);
});

it('leads to the page of the document and nowhere else', () => {
  const link = rendered({ ...copy('<img src=x> \u202eA'), document_id: 'a/../b' }).querySelector('a')!;
  expect(link.getAttribute('href')).toBe('/d/a%2F..%2Fb');
  expect(link.textContent).toBe('<img src=x> A');
});
