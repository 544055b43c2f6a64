// A question with its answer.

import { isRunning } from '../stream/answer';
import { numberedSources } from '../markdown/answer';
import { thread, type Turn } from '../state/thread';
import type { Step } from '../state/tree';
import { Actions } from './Actions';
import { AnswerBody } from './AnswerBody';
import { descriptionId } from './CitationChip';
import { describeCitation } from './CitationFacts';
import { formatDuration, plural } from './format';
import { Icon } from './Icon';
import { NothingFound } from './NotFound';
import { SourcesRow } from './SourcesRow';
import { StatusLine } from './StatusLine';

export function TurnView({ step }: { step: Step<Turn> }) {
  const { turn } = step;
  return (
    <article class="turn" aria-labelledby={`q-${turn.key}`}>
      <div class="question">
        <h2 id={`q-${turn.key}`}>{turn.question || 'A question that can no longer be shown'}</h2>
        {step.siblings.length > 1 && <BranchSwitch step={step} />}
      </div>
      {turn.withheld ? (
        <p class="notice">
          This answer was made from documents that you may no longer read, so it is not shown. Ask again to get an
          answer from what you may read now.
        </p>
      ) : (
        <AnswerView turn={turn} />
      )}
    </article>
  );
}

function AnswerView({ turn }: { turn: Turn }) {
  const state = turn.state.value;
  const { answer } = state;
  const running = isRunning(state);
  return (
    <div class="answer" aria-busy={running}>
      {answer.notices.map((notice) => (
        <p class="notice" key={notice.code}>
          {notice.message}
        </p>
      ))}
      {answer.text !== '' && <AnswerBody answer={answer} turn={turn.key} />}
      {answer.outcome === 'not_found' && (
        <NothingFound said={answer.text !== ''} nearest={answer.nearest} sources={thread.sources.value} />
      )}
      {running && <StatusLine state={state} />}
      {answer.state === 'stopped' && <p class="status">Stopped. What was checked until then is shown.</p>}
      {answer.state === 'failed' && state.failure === '' && (
        <p class="failure">The answer broke off. What was checked until then is shown.</p>
      )}
      {state.failure !== '' && (
        <p class="failure">
          {state.failure}{' '}
          <button type="button" class="button" onClick={() => void thread.askAgain(turn)}>
            Try again
          </button>
        </p>
      )}
      {answer.citations.length > 0 && <Descriptions turn={turn} />}
      {!running && state.failure === '' && (
        <>
          <SourcesRow answer={answer} />
          <footer class="turn-foot">
            <Actions answer={answer} onAgain={() => void thread.askAgain(turn)} />
            <Origin turn={turn} />
          </footer>
        </>
      )}
    </div>
  );
}

/** How the answer came about, in a few words. */
function Origin({ turn }: { turn: Turn }) {
  const { answer, passages } = turn.state.value;
  const parts = [
    passages ? `${plural(passages.length, 'passage')} read` : '',
    answer.took_ms > 0 ? formatDuration(answer.took_ms) : '',
    answer.text === '' ? '' : answer.model === 'extractive' ? 'quoted from the sources' : answer.model,
  ];
  return <p class="origin">{parts.filter((part) => part !== '').join(' · ')}</p>;
}

/** What the chips of the turn are described by. */
function Descriptions({ turn }: { turn: Turn }) {
  return (
    <div hidden>
      {numberedSources(turn.state.value.answer.citations).map((citation) => (
        <p id={descriptionId(turn.key, citation.number)} key={citation.number}>
          {describeCitation(citation)}
        </p>
      ))}
    </div>
  );
}

function BranchSwitch({ step: { turn, siblings } }: { step: Step<Turn> }) {
  const at = siblings.indexOf(turn);
  const go = (by: number) => {
    const other = siblings[at + by];
    if (other) thread.choose(other);
  };
  return (
    <div class="branches" role="group" aria-label="Versions of this answer">
      <button type="button" class="icon-button" aria-label="Earlier answer" disabled={at === 0} onClick={() => go(-1)}>
        <Icon name="left" />
      </button>
      <span>
        {at + 1} / {siblings.length}
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label="Later answer"
        disabled={at === siblings.length - 1}
        onClick={() => go(1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}
