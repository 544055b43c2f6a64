import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteIndex } from './bytes';

const encoder = new TextEncoder();
const text = fc
  .array(fc.constantFrom('a', 'é', '漢', '😀', '\n', 'e\u0301', 'x'.repeat(700)))
  .map((parts) => parts.join(''));

it('agrees with the encoder at every boundary', () => {
  fc.assert(
    fc.property(text, fc.nat(), (value, pick) => {
      const index = new ByteIndex(value);
      const points = [...value];
      const before = points.slice(0, pick % (points.length + 1)).join('');
      expect(index.length).toBe(encoder.encode(value).length);
      expect(index.toUnit(encoder.encode(before).length)).toBe(before.length);
    }),
  );
});

it('refuses places inside characters and outside the text', () => {
  const index = new ByteIndex('a😀é');
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, -1, 0.5].map((offset) => index.toUnit(offset))).toEqual([
    0,
    1,
    null,
    null,
    null,
    3,
    null,
    4,
    null,
    null,
    null,
  ]);
  expect(index.slice(1, 5)).toBe('😀');
  expect(index.slice(2, 5)).toBeNull();
  expect(index.slice(5, 1)).toBeNull();
});
