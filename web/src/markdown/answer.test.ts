import { expect, it } from 'vitest';
import type { Citation } from '../api/schema';
import { emptyAnswer } from '../stream/answer';
import { answerAsMarkdown } from './answer';
import { plainText } from './plain';

const text = 'Für **Essen** 40 €. Belege: ja.\n';
const bytes = (part: string) => new TextEncoder().encode(text.slice(0, text.indexOf(part) + part.length)).length;

function citation(number: number, end: number, rest: Partial<Citation> = {}): Citation {
  return {
    number,
    answer_start: 0,
    answer_end: end,
    document_id: 'D',
    version: 'V',
    start: 0,
    end: 1,
    quote: 'q',
    title: 'Travel',
    url: 'https://handbook.example/travel',
    heading: ['Travel', 'Meals'],
    source: 'handbook',
    updated_at: null,
    support: 'supported',
    state: 'current',
    ...rest,
  };
}

it('puts marks after the claims and lists the sources', () => {
  const citations = [
    citation(2, bytes('ja.\n'), { state: 'gone', title: '', url: '' }),
    citation(1, bytes('€.')),
    citation(3, bytes('€.'), { url: 'javascript:alert(1)' }),
    citation(1, bytes('€.')),
  ];
  expect(answerAsMarkdown({ ...emptyAnswer().answer, text, citations })).toBe(
    'Für **Essen** 40 €.[1][3] Belege: ja.[2]\n\n\nSources:\n\n' +
      '- [1] Travel › Meals <https://handbook.example/travel>\n- [2] no longer available\n- [3] Travel › Meals\n',
  );
});

it('reads Markdown as plain text', () => {
  expect(plainText('# A\n\n> - **b** [c](x) &amp; `d`\n\n| e | f |\n|---|---|\n| g | h |\n\n```\ni\n```')).toBe(
    'A: b c & d e, f; g, h i',
  );
  expect(plainText('# How much?\n\nAll of it.\n\n## Last')).toBe('How much? All of it. Last');
});
