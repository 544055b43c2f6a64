// What is being done while an answer is made: always words, and after a while how long it has taken.

import { useEffect, useState } from 'preact/hooks';
import { describePhase, type AnswerState } from '../stream/answer';

const LONG_MS = 10_000;

export function StatusLine({ state }: { state: AnswerState }) {
  const [since] = useState(Date.now);
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const waited = now - since;
  return (
    <p class={state.lost ? 'status lost' : 'status'}>
      <span class="pulse" aria-hidden="true" />
      {describePhase(state)}
      {waited >= LONG_MS && <span class="quiet"> {Math.round(waited / 1000)} s</span>}
    </p>
  );
}
