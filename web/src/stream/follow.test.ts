import { expect, it } from 'vitest';
import { ApiError } from '../api/client';
import { emptyAnswer } from './answer';
import type { AnswerEvent } from './events';
import { askAndFollow, followMessage, type Server } from './follow';

const encoder = new TextEncoder();
const events = [
  'start {"conversation_id":"C","message_id":"M"}',
  'delta {"text":"a"}',
  'delta {"text":"b"}',
  'done {}',
];

/** A reply with the events after one, that breaks after a number of bytes when one is given. */
function reply(after: number, bytes = Infinity, tail = ''): Response {
  const text = events.map((event, i) => {
    const [name, data] = [event.slice(0, event.indexOf(' ')), event.slice(event.indexOf(' ') + 1)];
    return `id: ${i + 1}\nevent: ${name}\ndata: ${data}\n\n`;
  });
  const whole = encoder.encode(text.slice(after).join('') + tail);
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (!sent) controller.enqueue(whole.slice(0, bytes));
      else if (bytes < whole.length) controller.error(new TypeError('network error'));
      else controller.close();
      sent = true;
    },
  });
  return new Response(body);
}

function listen() {
  const got: string[] = [];
  return {
    got,
    listener: {
      event: (event: AnswerEvent) => got.push(event.type === 'delta' ? event.data.text : event.type),
      lost: () => {},
    },
  };
}

function server(parts: Partial<Server>): Server & { asked: string[]; pauses: number[] } {
  const asked: string[] = [];
  const pauses: number[] = [];
  const unexpected = () => Promise.reject(new Error('not expected'));
  return {
    asked,
    pauses,
    ask: unexpected,
    message: unexpected,
    ...parts,
    follow: (message, lastEvent, signal) => {
      asked.push(`${message} ${lastEvent}`);
      return (parts.follow ?? unexpected)(message, lastEvent, signal);
    },
    pause: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  };
}

const signal = new AbortController().signal;

it('goes on after every place at which a connection can break, and tells each event once', async () => {
  const length = (await reply(0).arrayBuffer()).byteLength;
  const first = length - (await reply(1).arrayBuffer()).byteLength;
  for (let bytes = first; bytes < length; bytes += 7) {
    const { got, listener } = listen();
    const fake = server({
      ask: async () => reply(0, bytes),
      follow: async (_, lastEvent) => reply(Number(lastEvent)),
    });
    await askAndFollow({ question: 'q' }, listener, signal, fake);
    expect(got, String(bytes)).toEqual(['start', 'a', 'b', 'done']);
  }
});

it('waits longer after each failure', async () => {
  let failures = 6;
  const { got, listener } = listen();
  const fake = server({
    follow: async () => {
      if (failures-- > 0) throw new ApiError(503, 'unavailable', 'starting');
      return reply(0);
    },
  });
  await followMessage('M', listener, signal, fake);
  expect(fake.pauses).toEqual([500, 1000, 2000, 4000, 8000, 10000]);
  expect(got).toEqual(['start', 'a', 'b', 'done']);
});

it('goes on elsewhere when the server says that it goes away', async () => {
  const { got, listener } = listen();
  const fake = server({
    ask: async () => {
      const first = await reply(0).text();
      const text = first.slice(0, first.indexOf('id: 3')) + 'event: reconnect\ndata: {}\n\n';
      return new Response(text);
    },
    follow: async (_, lastEvent) => reply(Number(lastEvent)),
  });
  await askAndFollow({ question: 'q' }, listener, signal, fake);
  expect(fake.asked).toEqual(['M 2']);
  expect(got).toEqual(['start', 'a', 'b', 'done']);
});

it('asks again after an error that is none of the answer', async () => {
  const { got, listener } = listen();
  const fake = server({
    ask: async () => {
      const first = await reply(0).text();
      const error = 'event: error\ndata: {"error":{"code":"unauthenticated","message":"sign in"}}\n\n';
      return new Response(first.slice(0, first.indexOf('id: 3')) + error);
    },
    follow: async () => Promise.reject(new ApiError(401, 'unauthenticated', 'sign in')),
  });
  await expect(askAndFollow({ question: 'q' }, listener, signal, fake)).rejects.toThrow('sign in');
  expect(got).toEqual(['start', 'a']);
});

it('reads the message when there are no events any more', async () => {
  const { got, listener } = listen();
  const { answer } = emptyAnswer();
  const fake = server({
    follow: async () => new Response(null, { status: 204 }),
    message: async () => ({ id: 'M', parent_message_id: null, question: 'q', withheld: false, created_at: '', answer }),
  });
  await followMessage('M', listener, signal, fake);
  expect(got).toEqual(['done']);
});

it('does not repeat a question that may have arrived, nor a request that was refused', async () => {
  const { listener } = listen();
  await expect(
    askAndFollow({ question: 'q' }, listener, signal, server({ ask: async () => reply(0, 5) })),
  ).rejects.toThrow();
  const refusing = server({ follow: async () => Promise.reject(new ApiError(404, 'not_found', 'not found')) });
  await expect(followMessage('M', listener, signal, refusing)).rejects.toThrow('not found');
  expect(refusing.asked).toHaveLength(1);
});

it('ends when it is told to', async () => {
  const { listener } = listen();
  const stop = new AbortController();
  const fake = server({
    follow: async () => {
      stop.abort();
      throw new TypeError('aborted');
    },
  });
  await expect(followMessage('M', listener, stop.signal, fake)).rejects.toThrow();
  expect(fake.asked).toHaveLength(1);
});
