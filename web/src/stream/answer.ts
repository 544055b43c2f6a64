// What is known of an answer while it is being made, as a function of the events so far.

import type { Answer, SearchResult } from '../api/schema';
import type { AnswerEvent } from './events';

/** What the server is doing: `sending` before it has the question, nothing once the answer has ended. */
export type Phase = 'sending' | 'searching' | 'reading' | 'answering' | 'checking' | '';

export interface AnswerState {
  answer: Answer;
  phase: Phase;
  /** The passages that the answer is made from; null before they were found. */
  passages: SearchResult[] | null;
  /** Whether the connection to a running answer is lost at the moment. */
  lost: boolean;
  /** Why there is no answer, in words; empty when there is one or may still be one. */
  failure: string;
}

/** An answer of which nothing is known yet. */
export function emptyAnswer(): AnswerState {
  const answer: Answer = {
    conversation_id: '',
    message_id: '',
    state: 'running',
    outcome: '',
    text: '',
    sentences: [],
    citations: [],
    nearest: [],
    model: '',
    usage: { input_tokens: 0, cached_tokens: 0, output_tokens: 0, cost_usd: 0 },
    notices: [],
    took_ms: 0,
  };
  return { answer, phase: 'sending', passages: null, lost: false, failure: '' };
}

/** The state of an answer that the server keeps. */
export function storedAnswer(answer: Answer): AnswerState {
  const running = answer.state === 'running';
  return { ...emptyAnswer(), answer, phase: running ? 'searching' : '' };
}

/** Whether the answer is still being made. */
export function isRunning(state: AnswerState): boolean {
  return state.answer.state === 'running' && state.failure === '';
}

/** Returns the state after an event. */
export function applyEvent(state: AnswerState, event: AnswerEvent): AnswerState {
  const { answer } = state;
  switch (event.type) {
    case 'start':
      return { ...state, answer: { ...answer, ...event.data }, phase: 'searching' };
    case 'status':
      return { ...state, phase: phaseOf(event.data.phase, state.phase) };
    case 'passages':
      return { ...state, passages: event.data.results, phase: 'reading' };
    case 'delta': {
      const { text, start, end, support } = event.data;
      const sentences = [...answer.sentences, { start, end, support }];
      return { ...state, answer: { ...answer, text: answer.text + text, sentences }, phase: 'answering' };
    }
    case 'citation':
      return { ...state, answer: { ...answer, citations: [...answer.citations, event.data] } };
    case 'reset':
      return { ...state, answer: { ...answer, text: '', sentences: [], citations: [] }, phase: 'answering' };
    case 'done':
      return { ...state, answer: event.data, phase: '', lost: false };
    case 'error':
      return { ...state, answer: { ...answer, state: 'failed' }, phase: '', lost: false, failure: event.data.message };
    case 'reconnect':
      return state;
  }
}

function phaseOf(name: string, current: Phase): Phase {
  const known: readonly string[] = ['searching', 'reading', 'answering', 'checking'];
  return known.includes(name) ? (name as Phase) : current;
}

/** Says in a reader's words what is being done. */
export function describePhase(state: AnswerState): string {
  if (state.lost) return 'The connection is lost. Trying again…';
  switch (state.phase) {
    case 'sending':
    case 'searching':
      return 'Searching…';
    case 'reading': {
      const count = state.passages?.length ?? 0;
      return count === 1 ? 'Reading 1 passage…' : count > 1 ? `Reading ${count} passages…` : 'Reading…';
    }
    case 'answering':
      return 'Writing the answer…';
    case 'checking':
      return 'Checking the answer against its sources…';
    case '':
      return '';
  }
}
