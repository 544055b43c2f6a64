import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyEvent, describePhase, emptyAnswer, isRunning } from './answer';
import { readEvents, type AnswerEvent, type Received } from './events';

const encoder = new TextEncoder();

const script: AnswerEvent[] = [
  { type: 'start', data: { conversation_id: 'C', message_id: 'M' } },
  { type: 'status', data: { phase: 'searching' } },
  { type: 'delta', data: { text: 'Übermut 😀.', start: 0, end: 14, support: 'supported' } },
  { type: 'reset' },
  { type: 'delta', data: { text: 'Tut selten\n\ngut.', start: 0, end: 16, support: 'unsupported' } },
  { type: 'error', data: { code: 'internal', message: 'it broke' } },
];

function wire(events: readonly AnswerEvent[], newline = '\n'): Uint8Array {
  const text = events.map((event, i) => {
    const data = event.type === 'error' ? { error: event.data } : 'data' in event ? event.data : {};
    return [`id: ${i + 1}`, `event: ${event.type}`, `data: ${JSON.stringify(data)}`, ': a comment', '', ''].join(
      newline,
    );
  });
  return encoder.encode(text.join(''));
}

function inPieces(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const places = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
  return new ReadableStream({
    start(controller) {
      for (let i = 1; i < places.length; i++) controller.enqueue(bytes.slice(places[i - 1], places[i]));
      controller.close();
    },
  });
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Received[]> {
  const events: Received[] = [];
  for await (const received of readEvents(stream)) events.push(received);
  return events;
}

it('gives the same events however the bytes are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), async (cuts, newline) => {
      const received = await collect(inPieces(wire(script, newline), cuts));
      expect(received).toEqual(script.map((event, i) => ({ id: String(i + 1), event })));
    }),
    { numRuns: 60 },
  );
});

it('passes over kinds that are not known', async () => {
  const bytes = encoder.encode('event: novelty\ndata: {}\n\nevent: reconnect\ndata: {}\n\n');
  expect(await collect(inPieces(bytes, []))).toEqual([{ id: '', event: { type: 'reconnect' } }]);
});

it('gives up on a connection that falls silent', async () => {
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  await expect(readEvents(silent, 20).next()).rejects.toThrow('silent');
});

it('knows at each event what there is of the answer', () => {
  const states = script.reduce((all, event) => [...all, applyEvent(all.at(-1)!, event)], [emptyAnswer()]);
  expect(states.map((state) => state.answer.text)).toEqual([
    '',
    '',
    '',
    'Übermut 😀.',
    '',
    'Tut selten\n\ngut.',
    'Tut selten\n\ngut.',
  ]);
  expect(states.map(describePhase).slice(0, 4)).toEqual([
    'Searching…',
    'Searching…',
    'Searching…',
    'Writing the answer…',
  ]);
  expect(states.map(isRunning)).toEqual([true, true, true, true, true, true, false]);
  expect(states.at(-1)!.failure).toBe('it broke');
});
