// One source as an administrator sees it.

import { useState } from 'preact/hooks';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { Run, Source } from '../api/schema';
import { announce } from '../state/announcer';
import { loadSources } from '../state/sources';
import { formatAge, formatNumber, formatTime, plural } from './format';
import { SourceErrors } from './SourceErrors';

const stateNames: Readonly<Record<Run['state'], string>> = {
  queued: 'Waiting to run',
  running: 'Running',
  succeeded: 'Up to date',
  partial: 'Some documents failed',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export function SourceCard({ source }: { source: Source }) {
  const [failure, setFailure] = useState('');
  const run = source.last_run;
  const running = run?.state === 'queued' || run?.state === 'running';
  const errors = source.errors ?? 0;
  const pushed = source.kind === 'push'; // programs bring the documents: there is nothing to read
  const act = async (action: () => Promise<unknown>, done: string) => {
    setFailure('');
    try {
      await action();
      announce(done);
    } catch (error) {
      setFailure(explain(error));
    }
    await loadSources();
  };
  return (
    <li class="source-card">
      <header>
        <h2>{source.name}</h2>
        <span class="source-name">{source.kind}</span>
        <span class={`badge ${source.paused ? 'paused' : (run?.state ?? 'never')}`}>
          {source.paused ? 'Paused' : run ? stateNames[run.state] : pushed ? 'Open' : 'Never read'}
        </span>
      </header>
      <p class="facts">
        <span>{plural(source.documents ?? 0, 'document')}</span>
        <span>{source.acl_mode === 'source' ? 'Permissions of the source' : audience(source)}</span>
        {run?.finished_at && <span title={formatTime(run.finished_at)}>Read {formatAge(run.finished_at)}</span>}
      </p>
      {run && <RunFacts run={run} />}
      {source.degraded && (
        <p class="failure">
          Permissions could not be brought up to date since {formatTime(source.degraded.since)}; what was known before
          holds. {source.degraded.reason}
        </p>
      )}
      {failure && <p class="failure">{failure}</p>}
      <div class="buttons">
        {running ? (
          <button
            type="button"
            class="button"
            onClick={() => void act(() => api.cancelSync(source.name), `${source.name} is being cancelled`)}
          >
            Cancel the run
          </button>
        ) : pushed ? null : (
          <button
            type="button"
            class="button primary"
            disabled={source.paused === true}
            onClick={() => void act(() => api.syncSource(source.name), `${source.name} is being read`)}
          >
            Sync now
          </button>
        )}
        <button
          type="button"
          class="button"
          onClick={() =>
            void act(
              () => api.pauseSource(source.name, !source.paused),
              source.paused ? `${source.name} goes on` : `${source.name} is paused`,
            )
          }
        >
          {source.paused ? 'Go on' : 'Pause'}
        </button>
      </div>
      {errors > 0 && <SourceErrors source={source.name} count={errors} />}
    </li>
  );
}

function RunFacts({ run }: { run: Run }) {
  const counts: [string, number][] = [
    ['scanned', run.scanned],
    ['added', run.added],
    ['modified', run.modified],
    ['deleted', run.deleted],
    ['unchanged', run.unchanged],
    ['failed', run.failed],
  ];
  return (
    <>
      {run.state === 'running' && run.total > 0 && (
        <progress max={run.total} value={run.scanned} aria-label="Documents read">
          {formatNumber(run.scanned)} of {formatNumber(run.total)}
        </progress>
      )}
      <dl class="counts">
        {counts.map(([name, value]) => (
          <div key={name} class={name === 'failed' && value > 0 ? 'bad' : ''}>
            <dt>{name}</dt>
            <dd>{formatNumber(value)}</dd>
          </div>
        ))}
      </dl>
      {run.reason && <p class={run.state === 'failed' ? 'failure' : 'notice'}>{run.reason}</p>}
    </>
  );
}

/** Who may read the documents of a source whose permissions were declared. */
function audience(source: Source): string {
  const principals = source.acl?.allow.flat() ?? [];
  if (principals.includes('everyone')) return 'Everyone may read it';
  return principals.length === 0 ? 'Nobody may read it' : `For ${principals.slice(0, 3).join(', ')}`;
}
