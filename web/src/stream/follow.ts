// Following an answer over connections that break: the server makes the answer whoever listens, and tells again what came
// after the last event that was received.

import { ApiError, OfflineError } from '../api/client';
import * as api from '../api/routes';
import type { AskRequest, Message } from '../api/schema';
import { readEvents, type AnswerEvent } from './events';

export interface Listener {
  event(event: AnswerEvent): void;
  /** The connection was lost (true) or is there again. */
  lost(lost: boolean): void;
}

/** What following needs of the server; a test gives it another one. */
export interface Server {
  ask(question: AskRequest, signal: AbortSignal): Promise<Response>;
  follow(message: string, lastEvent: string, signal: AbortSignal): Promise<Response>;
  message(id: string, signal?: AbortSignal): Promise<Message>;
  /** Waits before another attempt, at most so many milliseconds. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

export const realServer: Server = { ask: api.ask, follow: api.follow, message: api.message, pause };

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Asks a question and gives its events to the listener until the answer has ended. Throws when the question did not reach
 * the server or was refused; a connection that breaks later is taken up again for as long as it takes.
 */
export async function askAndFollow(
  question: AskRequest,
  listener: Listener,
  signal: AbortSignal,
  server: Server = realServer,
): Promise<void> {
  const follower = new Follower(listener, signal, server);
  const response = await server.ask(question, signal);
  await follower.run('', response);
}

/** Gives all events of an answer that is being made to the listener, from the first one on. */
export async function followMessage(
  message: string,
  listener: Listener,
  signal: AbortSignal,
  server: Server = realServer,
): Promise<void> {
  await new Follower(listener, signal, server).run(message, null);
}

class Follower {
  private message = '';
  private lastEvent = '';
  private failures = 0;

  constructor(
    private readonly listener: Listener,
    private readonly signal: AbortSignal,
    private readonly server: Server,
  ) {}

  async run(message: string, first: Response | null): Promise<void> {
    this.message = message;
    let response = first;
    for (;;) {
      try {
        response ??= await this.server.follow(this.message, this.lastEvent, this.signal);
        if (response.status === 204 || !response.body) return await this.finish();
        if (await this.read(response.body)) return;
      } catch (error) {
        if (this.signal.aborted || isFinal(error)) throw error;
        // Asking once more could ask twice: whether the question arrived is not known.
        if (this.message === '') throw new OfflineError(error);
      }
      if (this.message === '') throw new OfflineError(new Error('the stream ended before it began'));
      this.listener.lost(true);
      await this.server.pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++), this.signal);
      this.signal.throwIfAborted();
      response = null;
    }
  }

  /** Reads one reply; returns whether the answer has ended. */
  private async read(body: ReadableStream<Uint8Array>): Promise<boolean> {
    for await (const { id, event } of readEvents(body)) {
      // An error without an id is none of the answer's: something is wrong with this way of following it.
      if (id === '' && event.type === 'error') return false;
      if (id !== '') this.lastEvent = id;
      this.failures = 0;
      this.listener.lost(false);
      if (event.type === 'start') this.message = event.data.message_id;
      if (event.type === 'reconnect') return false;
      this.listener.event(event);
      if (event.type === 'done' || event.type === 'error') return true;
    }
    return false;
  }

  /** The server has no more events: what it keeps of the answer is what there is. */
  private async finish(): Promise<void> {
    const { answer } = await this.server.message(this.message, this.signal);
    this.listener.event({ type: 'done', data: answer });
  }
}

/** Whether trying again cannot help. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
}

/** Waits; ends earlier when the browser says that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms / 2 + (Math.random() * ms) / 2);
    addEventListener('online', end);
    signal.addEventListener('abort', end);
  });
}
