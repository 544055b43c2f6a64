import { expect, it } from 'vitest';
import { branch, type Node } from './tree';

const node = (key: string, parent: string | null, id = key): Node => ({ key, id, parent });
const keys = (turns: Node[], chosen = {}) => branch(turns, chosen).map((step) => step.turn.key);

const turns = [node('a', null), node('b', 'a'), node('c', 'b'), node('b2', 'a'), node('d', 'b2')];

it('shows the newest branch unless another was chosen', () => {
  expect(keys(turns)).toEqual(['a', 'b2', 'd']);
  expect(keys(turns, { a: 'b' })).toEqual(['a', 'b', 'c']);
  expect(branch(turns, {})[1]!.siblings.map(({ key }) => key)).toEqual(['b', 'b2']);
});

it('shows a turn that the server does not know yet', () => {
  expect(keys([...turns, node('new', 'd', '')])).toEqual(['a', 'b2', 'd', 'new']);
  expect(keys([node('new', null, '')])).toEqual(['new']);
});

it('survives parents that are missing or go in a circle', () => {
  expect(keys([node('a', 'lost'), node('b', 'a')])).toEqual(['a', 'b']);
  expect(keys([node('a', 'b'), node('b', 'a')])).toEqual([]);
});
