// The conversation on the screen: its turns, and the answer that is being made.

import { batch, computed, signal, type Signal } from '@preact/signals';
import { ApiError, explain } from '../api/client';
import * as api from '../api/routes';
import type { Message } from '../api/schema';
import { applyEvent, emptyAnswer, isRunning, storedAnswer, type AnswerState } from '../stream/answer';
import type { AnswerEvent } from '../stream/events';
import { askAndFollow, followMessage, type Listener } from '../stream/follow';
import { announce } from './announcer';
import { conversationChanged } from './conversations';
import { branch, type Node } from './tree';

/** A question with its answer. */
export interface Turn extends Node {
  question: string;
  /** The answer was made from documents that the reader may no longer see. */
  withheld: boolean;
  state: Signal<AnswerState>;
}

export class Thread {
  /** Id of the conversation; empty until the first question was taken. */
  readonly id = signal('');
  readonly loading = signal(false);
  readonly failure = signal('');
  /** Names of the sources to which questions are narrowed; none: all. */
  readonly sources = signal<readonly string[]>([]);
  private readonly turns = signal<readonly Turn[]>([]);
  private readonly chosen = signal<Readonly<Record<string, string>>>({});
  readonly steps = computed(() => branch(this.turns.value, this.chosen.value));
  readonly running = computed(() => this.steps.value.some((step) => isRunning(step.turn.state.value)));

  private work = new AbortController();
  private keys = 0;

  /** Shows another conversation, none when the id is empty. What was being followed goes on at the server. */
  async open(id: string): Promise<void> {
    if (id === this.id.peek() && this.failure.peek() === '') return;
    this.work.abort();
    this.work = new AbortController();
    const { signal: aborted } = this.work;
    batch(() => {
      this.id.value = id;
      this.turns.value = [];
      this.chosen.value = {};
      this.failure.value = '';
      this.loading.value = id !== '';
    });
    if (id === '') return;
    try {
      const { messages } = await api.conversation(id, aborted);
      if (!aborted.aborted) this.show(messages);
    } catch (error) {
      if (!aborted.aborted) this.failure.value = missing(error) ?? explain(error);
    } finally {
      if (!aborted.aborted) this.loading.value = false;
    }
  }

  /**
   * Asks a question after the last turn shown, or after the turn given. Resolves when its answer has ended; with false when
   * nobody was signed in any more, so that the question is to be asked again.
   */
  async ask(question: string, after?: string | null): Promise<boolean> {
    const parent = after === undefined ? (this.steps.peek().at(-1)?.turn.id ?? null) : after;
    const turn = this.add({ id: '', parent, question, withheld: false, state: signal(emptyAnswer()) });
    announce('Searching');
    const conversation = this.id.peek();
    const request = {
      question,
      ...(conversation ? { conversation_id: conversation } : {}),
      ...(parent ? { parent_message_id: parent } : {}),
      ...(this.sources.peek().length > 0 ? { sources: [...this.sources.peek()] } : {}),
    };
    return this.follow(turn, (listener, aborted) => askAndFollow(request, listener, aborted));
  }

  /** Asks the question of a turn again, as another branch from the same place. */
  async askAgain(turn: Turn): Promise<void> {
    // A turn that failed before the server took its question leaves nothing behind.
    if (turn.id === '') this.drop(turn);
    await this.ask(turn.question, turn.parent);
  }

  /** Ends the answer that is being made; what was written of it stays. */
  async stop(): Promise<void> {
    const running = this.steps.peek().find((step) => isRunning(step.turn.state.peek()))?.turn;
    if (!running) return;
    if (running.id === '') {
      this.work.abort();
      this.work = new AbortController();
      update(running, { failure: 'Stopped before the question was taken.', phase: '' });
      return;
    }
    try {
      await api.stop(running.id);
    } catch (error) {
      announce(explain(error));
    }
  }

  /** Shows another branch at the place of a turn. */
  choose(turn: Turn): void {
    const known = this.turns.peek().some((other) => other.id !== '' && other.id === turn.parent);
    this.chosen.value = { ...this.chosen.peek(), [known ? turn.parent! : '']: turn.key };
  }

  private show(messages: readonly Message[]): void {
    this.turns.value = messages.map((message) => ({
      key: `t${++this.keys}`,
      id: message.id,
      parent: message.parent_message_id,
      question: message.question,
      withheld: message.withheld,
      state: signal(storedAnswer(message.answer)),
    }));
    for (const turn of this.turns.value) {
      if (isRunning(turn.state.peek())) void this.resume(turn);
    }
  }

  /** Follows an answer that was being made when the page was loaded. */
  private async resume(turn: Turn): Promise<void> {
    const { answer } = turn.state.peek();
    const blank = emptyAnswer();
    // All events are told again from the first one on.
    turn.state.value = {
      ...blank,
      answer: { ...blank.answer, conversation_id: answer.conversation_id, message_id: answer.message_id },
    };
    await this.follow(turn, (listener, aborted) => followMessage(turn.id, listener, aborted));
  }

  private async follow(turn: Turn, run: (listener: Listener, aborted: AbortSignal) => Promise<void>): Promise<boolean> {
    const { signal: aborted } = this.work;
    try {
      await run({ event: (event) => this.receive(turn, event), lost: (lost) => this.setLost(turn, lost) }, aborted);
    } catch (error) {
      if (aborted.aborted) return true;
      if (turn.id === '' && error instanceof ApiError && error.status === 401) {
        this.drop(turn);
        return false;
      }
      update(turn, { failure: explain(error), phase: '', lost: false });
      announce('No answer: ' + explain(error));
    }
    conversationChanged();
    return true;
  }

  private receive(turn: Turn, event: AnswerEvent): void {
    const before = turn.state.peek();
    if (event.type === 'start' && turn.id === '') {
      batch(() => {
        this.replace(turn, { id: event.data.message_id });
        if (this.id.peek() === '') this.id.value = event.data.conversation_id;
      });
      conversationChanged();
    }
    turn.state.value = applyEvent(before, event);
    if (event.type === 'delta' && before.answer.text === '') announce('Answering');
    if (event.type === 'done') announce(ending(turn.state.peek()));
    if (event.type === 'error') announce('No answer: ' + event.data.message);
  }

  private setLost(turn: Turn, lost: boolean): void {
    if (turn.state.peek().lost === lost) return;
    update(turn, { lost });
    announce(lost ? 'The connection is lost. Trying again.' : 'Connected again');
  }

  private add(turn: Omit<Turn, 'key'>): Turn {
    const added = { ...turn, key: `t${++this.keys}` };
    const { [turn.parent ?? '']: _, ...chosen } = this.chosen.peek();
    batch(() => {
      this.turns.value = [...this.turns.peek(), added];
      this.chosen.value = chosen; // the newest branch is the one to see
    });
    return added;
  }

  private drop(turn: Turn): void {
    this.turns.value = this.turns.peek().filter((other) => other !== turn);
  }

  private replace(turn: Turn, change: Partial<Turn>): void {
    Object.assign(turn, change);
    this.turns.value = [...this.turns.peek()];
  }
}

function update(turn: Turn, change: Partial<AnswerState>): void {
  turn.state.value = { ...turn.state.peek(), ...change };
}

function missing(error: unknown): string | null {
  return error instanceof ApiError && error.status === 404
    ? 'This conversation does not exist, or it is not yours.'
    : null;
}

function ending(state: AnswerState): string {
  if (state.answer.state === 'stopped') return 'Stopped';
  if (state.answer.outcome === 'not_found') return 'Nothing was found';
  return state.answer.state === 'failed' ? 'The answer broke off' : 'Answer ready';
}

/** The conversation on the screen. */
export const thread = new Thread();
