// The sources that the person may ask, and, for administrators, how they are.

import { signal } from '@preact/signals';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { Source } from '../api/schema';

export const sources = signal<readonly Source[] | null>(null);
export const sourcesFailure = signal('');

/** Reads the list of sources, all of its pages. */
export async function loadSources(): Promise<void> {
  try {
    const all: Source[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await api.sources(cursor);
      all.push(...page.sources);
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    sources.value = all;
    sourcesFailure.value = '';
  } catch (error) {
    sourcesFailure.value = explain(error);
  }
}

/** Whether a run of one of the sources is under way. */
export function anyRunning(list: readonly Source[]): boolean {
  return list.some((source) => source.last_run?.state === 'queued' || source.last_run?.state === 'running');
}
