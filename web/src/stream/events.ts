// The events of an answer as the server sends them.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Answer, Citation, DeltaEvent, ErrorDetail, PassagesEvent, StartEvent, StatusEvent } from '../api/schema';

export type AnswerEvent =
  | { type: 'start'; data: StartEvent }
  | { type: 'status'; data: StatusEvent }
  | { type: 'passages'; data: PassagesEvent }
  | { type: 'delta'; data: DeltaEvent }
  | { type: 'citation'; data: Citation }
  | { type: 'reset' }
  | { type: 'done'; data: Answer }
  | { type: 'error'; data: ErrorDetail }
  | { type: 'reconnect' };

/** An event with the id to go on from; the id is empty when the event has none. */
export interface Received {
  id: string;
  event: AnswerEvent;
}

/** The server sends a comment at least every 15 seconds: after this long without a byte the connection is dead. */
const SILENCE_MS = 40_000;

/** Reads the events of a reply until it ends. Throws when the connection breaks or falls silent. */
export async function* readEvents(body: ReadableStream<Uint8Array>, silence = SILENCE_MS): AsyncGenerator<Received> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let pending: Received[] = [];
  const parser = createParser({
    onEvent(message) {
      const event = parseEvent(message);
      if (event) pending.push({ id: message.id ?? '', event });
    },
  });
  try {
    for (;;) {
      const { done, value } = await within(silence, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* pending;
      pending = [];
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Returns the event that a message carries, null when it is of a kind that is not known here. */
function parseEvent(message: EventSourceMessage): AnswerEvent | null {
  const data: unknown = message.data === '' ? {} : JSON.parse(message.data);
  switch (message.event) {
    case 'start':
    case 'status':
    case 'passages':
    case 'delta':
    case 'citation':
    case 'done':
      return { type: message.event, data } as AnswerEvent;
    case 'error': {
      const body = data as { error?: ErrorDetail };
      return { type: 'error', data: body.error ?? (data as ErrorDetail) };
    }
    case 'reset':
    case 'reconnect':
      return { type: message.event };
    default:
      return null;
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the connection fell silent')), ms);
  });
  try {
    return await Promise.race([promise, silent]);
  } finally {
    clearTimeout(timer);
  }
}
