// The documents and answers of the mock server.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const version = (text) => ({ version: createHash('sha256').update(text).digest('hex').slice(0, 32), text });

const travel = `# Travel

How people at Acme travel for work. Questions go to [Finance](https://handbook.example/finance).

## Before you go

- Ask your lead *before* you book anything above **500 €**.
- Book trains and flights in the travel portal; keep the confirmation.
- For trips of more than five days, write a short plan and share it with the team.

## Meals

Meals are paid up to 40 € a day. Breakfast counts when the hotel does not include it. Alcohol is never paid.

| Country | A day | With breakfast |
|---|---:|---:|
| Germany | 40 € | 32 € |
| Switzerland | 65 CHF | 52 CHF |
| 日本 | 6,500 ¥ | 5,200 ¥ |

> Receipts are needed for everything above 10 €.
> Photos are fine as long as the amount can be read.

## Getting your money back

1. Open the expense form within **30 days** of the trip.
2. Attach every receipt.
3. Your lead approves it; Finance pays on the next Friday.

\`\`\`
acme expenses submit --trip BERLIN-2026
\`\`\`
`;

const oldLeave = `# Parental leave

Parents get twelve weeks of paid leave. Tell People Operations two months before.
`;
const newLeave = `# Parental leave

Parents get sixteen weeks of paid leave. Tell People Operations three months before.
`;

const code = `// Package retry runs a call again.
package retry

// Limit is how often a call is made at most.
const Limit = 5

func Do(call func() error) error {
	for i := 0; i < Limit; i++ {
		if err := call(); err == nil { // *done*
			return nil
		}
	}
	return errors.New("gave up")
}
`;

const long = Array.from(
  { length: 4000 },
  (_, i) => `Paragraph ${i + 1} of a long report speaks of nothing in particular 😀.`,
).join('\n\n');

export const documents = {
  D1: {
    title: 'Travel',
    url: 'https://handbook.example/travel',
    author: 'Ann Example',
    kind: 'page',
    external_id: 'travel.md',
    versions: [version(travel)],
  },
  D2: {
    title: 'Parental leave',
    url: 'https://handbook.example/leave',
    author: 'Ben Example',
    kind: 'page',
    external_id: 'leave.md',
    versions: [version(oldLeave), version(newLeave)],
  },
  D3: {
    title: 'Salaries 2024',
    url: '',
    author: '',
    kind: 'page',
    external_id: 'pay.md',
    gone: true,
    versions: [version('')],
  },
  D4: {
    title: 'retry.go',
    url: 'https://git.example/retry.go',
    author: '',
    kind: 'code',
    external_id: 'src/retry.go',
    versions: [version(code)],
  },
  D5: {
    title: 'A long report',
    url: '',
    author: '',
    kind: 'page',
    external_id: 'report.md',
    versions: [version(long)],
  },
};

const copy = (document_id, title, source, older = false) => ({
  document_id,
  title,
  source,
  url: '',
  updated_at: '2025-03-04T09:30:00Z',
  older,
});

/** What was folded into the results, by their document. */
export const copies = {
  D1: [
    copy('D6', 'Travel 2024', 'archive', true),
    copy('D2', 'Travel policy \u202e(copy)', 'notes'),
    copy('D7', '<b>Trips</b>', 'wiki'),
    copy('D8', 'Travel 2023', 'archive', true),
    copy('D9', 'Travel 2022', 'archive', true),
  ],
};

/** A citation of the first place where the quote stands. */
function cite(number, id, quote, { heading = [], versionAt = -1, state = 'current', at } = {}) {
  const document = documents[id];
  const { version, text } = document.versions.at(versionAt);
  const index = at ?? text.indexOf(quote);
  const start = Buffer.byteLength(text.slice(0, index));
  const gone = state === 'gone';
  return {
    event: 'citation',
    data: {
      number,
      document_id: id,
      version,
      start,
      end: start + Buffer.byteLength(quote),
      quote: gone ? '' : quote,
      title: gone ? '' : document.title,
      url: gone ? '' : document.url,
      heading,
      source: gone ? '' : 'handbook',
      updated_at: gone ? null : '2026-10-02T09:30:00Z',
      support: 'supported',
      state,
    },
  };
}

const delta = (text, support = 'supported') => ({ event: 'delta', data: { text, support } });
const result = (id) => {
  const { version, text } = documents[id].versions.at(-1);
  const snippet = text.slice(0, 120);
  return {
    document_id: id,
    version,
    source: 'handbook',
    kind: 'page',
    title: documents[id].title,
    url: documents[id].url,
    author: '',
    heading: [],
    snippet,
    start: 0,
    end: Buffer.byteLength(snippet),
    score: 0.4,
    updated_at: '2026-10-02T09:30:00Z',
  };
};
const opening = [
  { event: 'status', data: { phase: 'searching' } },
  { event: 'passages', data: { results: ['D1', 'D2', 'D4'].map(result) } },
  { event: 'status', data: { phase: 'answering' } },
];

const meals = [
  ...opening,
  delta('**Meals** are paid up to 40 € a day.'),
  cite(1, 'D1', 'Meals are paid up to 40 € a day.', { heading: ['Travel', 'Meals'] }),
  delta(' Receipts are needed for everything above 10 €, and photos of them are fine.'),
  cite(
    2,
    'D1',
    'Receipts are needed for everything above 10 €.\n> Photos are fine as long as the amount can be read.',
    { heading: ['Travel', 'Meals'] },
  ),
  delta(' Most people choose the cheaper option.', 'unsupported'),
  delta('\n\n### What differs by country\n\n', 'none'),
  delta('| Country | A day |\n|---|---:|\n', 'none'),
  delta('| Germany | 40 € |\n'),
  cite(3, 'D1', '| Germany | 40 € | 32 € |', { heading: ['Travel', 'Meals'] }),
  delta('| 日本 | 6,500 ¥ |\n'),
  cite(4, 'D1', '| 日本 | 6,500 ¥ | 5,200 ¥ |', { heading: ['Travel', 'Meals'] }),
  delta('\n### How to get the money\n\n', 'none'),
  delta('1. Open the expense form within **30 days**.\n'),
  cite(5, 'D1', 'Open the expense form within **30 days** of the trip.', {
    heading: ['Travel', 'Getting your money back'],
  }),
  delta('2. Attach every receipt.\n'),
  cite(6, 'D1', 'Attach every receipt.', { heading: ['Travel', 'Getting your money back'] }),
  { event: 'status', data: { phase: 'checking' } },
];

/** Attacks on whoever makes HTML of an answer; nothing of them may become more than text. */
export const attacks = JSON.parse(readFileSync(new URL('./attacks.json', import.meta.url), 'utf8'));

const scripts = {
  meals,
  slow: [
    ...opening.map((step) => ({ ...step, ms: 150 })),
    ...Array.from({ length: 30 }, (_, i) => ({
      ...delta(`${i === 0 ? '' : ' '}Sentence number ${i + 1} is here.`),
      ms: 60,
    })),
    cite(1, 'D1', 'Attach every receipt.'),
  ],
  leave: [
    ...opening,
    delta('Parents get twelve weeks of paid leave.'),
    cite(1, 'D2', 'Parents get twelve weeks of paid leave.', { versionAt: 0, state: 'changed' }),
    delta(' The salary does not change.'),
    cite(2, 'D3', '', { state: 'gone' }),
  ],
  code: [
    ...opening,
    delta('A call is made at most 5 times:'),
    cite(1, 'D4', 'const Limit = 5', {}),
    delta('\n\n```go\nconst Limit = 5\n```\n'),
    cite(2, 'D4', '\tfor i := 0; i < Limit; i++ {\n\t\tif err := call(); err == nil { // *done*'),
  ],
  long: [
    ...opening,
    delta('Paragraph 3000 speaks of nothing.'),
    cite(1, 'D5', 'Paragraph 3000 of a long report speaks of nothing in particular 😀.'),
  ],
  nowhere: [
    ...opening,
    delta('I found nothing in the documents you can read that answers this.', 'none'),
    { event: 'end', data: { outcome: 'not_found', nearest: [result('D1'), result('D2')] } },
  ],
  model: [
    ...opening,
    delta('Attach every receipt.'),
    cite(1, 'D1', 'Attach every receipt.'),
    { event: 'reset' },
    delta('Open the expense form within 30 days.', 'partial'),
    cite(1, 'D1', 'Open the expense form within **30 days** of the trip.'),
    {
      event: 'end',
      data: {
        notices: [
          {
            code: 'model_unavailable',
            message: 'The model could not be reached; this answer is quoted from the sources.',
          },
        ],
      },
    },
  ],
  attack: [...opening, ...attacks.map((text) => delta(`${text}\n\n`)), cite(1, 'D1', 'Attach every receipt.')],
};

/** The steps of the answer to a question: the script whose name it contains. */
export function script(question) {
  const name = Object.keys(scripts).find((key) => question.toLowerCase().includes(key));
  return scripts[name ?? 'meals'];
}
