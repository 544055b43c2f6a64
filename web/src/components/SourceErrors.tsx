// The documents of a source that could not be read, with the reason of each.

import { useState } from 'preact/hooks';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { DocumentError } from '../api/schema';
import { visible } from '../markdown/text';
import { announce } from '../state/announcer';
import { loadSources } from '../state/sources';
import { formatTime, plural } from './format';

export function SourceErrors({ source, count }: { source: string; count: number }) {
  const [errors, setErrors] = useState<DocumentError[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [failure, setFailure] = useState('');
  const attempt = async (action: () => Promise<void>) => {
    setFailure('');
    try {
      await action();
    } catch (error) {
      setFailure(explain(error));
    }
  };
  const load = (cursor?: string) =>
    attempt(async () => {
      const page = await api.sourceErrors(source, cursor);
      setErrors((before) => [...(cursor === undefined ? [] : (before ?? [])), ...page.errors]);
      setNext(page.next_cursor);
    });
  const retry = () =>
    attempt(async () => {
      const { retrying } = await api.retryErrors(source);
      announce(`${plural(retrying, 'document')} will be tried again`);
      await loadSources();
    });
  return (
    <details class="errors" onToggle={(event) => event.currentTarget.open && errors === null && void load()}>
      <summary>{plural(count, 'document')} could not be read</summary>
      {failure && <p class="failure">{failure}</p>}
      <ul>
        {errors?.map((error) => (
          <li key={error.external_id}>
            <p class="error-id">{visible(error.external_id)}</p>
            <p>{visible(error.reason)}</p>
            <p class="facts">
              <span>{formatTime(error.at)}</span>
              <span>{plural(error.attempts, 'attempt')}</span>
            </p>
          </li>
        ))}
      </ul>
      <div class="buttons">
        {next !== null && (
          <button type="button" class="button" onClick={() => void load(next)}>
            More
          </button>
        )}
        <button type="button" class="button" onClick={() => void retry()}>
          Try all again
        </button>
      </div>
    </details>
  );
}
