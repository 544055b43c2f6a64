import fc from 'fast-check';
import { expect, it } from 'vitest';
import { locate, windowAround } from './passage';

const encoder = new TextEncoder();

it('locates exactly the quote or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.nat(), fc.nat(), (text, a, b) => {
      const points = [...text];
      const [from, to] = [a % (points.length + 1), b % (points.length + 1)].sort((x, y) => x - y) as [number, number];
      const quote = points.slice(from, to).join('');
      const start = encoder.encode(points.slice(0, from).join('')).length;
      const end = start + encoder.encode(quote).length;
      const span = locate(text, start, end, quote);
      if (quote === '') {
        expect(span).toBeNull();
        return;
      }
      expect(text.slice(span!.start, span!.end)).toBe(quote);
      expect(locate(text, start, end, quote + '!')).toBeNull();
      expect(locate(text, start, end + 1000, quote)).toBeNull();
    }),
  );
});

it('shows whole lines around a passage', () => {
  const text = Array.from({ length: 500 }, (_, i) => `line ${i}`).join('\n');
  const at = text.indexOf('line 250');
  const shown = windowAround(text, { start: at, end: at + 8 }, 400);
  expect(text.slice(shown.start, shown.end)).toMatch(/^line \d+\n[^]*line 250\n[^]*line \d+\n$/);
  expect(shown.end - shown.start).toBeLessThan(2000);
  expect(windowAround(text, null, 10_000)).toEqual({ start: 0, end: text.length });
});
