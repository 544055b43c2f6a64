// Searching: passages, narrowed by source, kind and date.

import { useEffect, useState } from 'preact/hooks';
import { useLocation, useSearch } from 'wouter-preact';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { SearchRequest, SearchResponse } from '../api/schema';
import { FilterChips } from '../components/FilterChips';
import { formatNumber } from '../components/format';
import { Icon } from '../components/Icon';
import { ResultItem } from '../components/ResultItem';
import { SearchField } from '../components/SearchField';
import { announce } from '../state/announcer';
import { useTitle } from './useTitle';

const PAGE = 20;
const ages: Readonly<Record<string, [label: string, days: number]>> = {
  month: ['Past month', 31],
  year: ['Past year', 366],
};

interface Found {
  reply: SearchResponse;
  results: SearchResponse['results'];
}

export function SearchPage() {
  const query = useSearch();
  const [location, navigate] = useLocation();
  const parameters = new URLSearchParams(query);
  const [found, setFound] = useState<Found | null>(null);
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const q = parameters.get('q') ?? '';
  useTitle(q === '' ? 'Search' : q);

  const change = (changes: Record<string, string>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === '') next.delete(name);
      else next.set(name, value);
    }
    navigate(`${location}?${next}`);
  };
  const load = async (cursor: string | null, aborted: AbortSignal) => {
    setBusy(true);
    setFailure('');
    try {
      const reply = await api.search({ ...searchRequest(parameters), ...(cursor === null ? {} : { cursor }) }, aborted);
      if (aborted.aborted) return;
      setFound((before) => ({
        reply,
        results: [...(cursor === null ? [] : (before?.results ?? [])), ...reply.results],
      }));
      announce(reply.results.length === 0 ? 'Nothing was found' : 'Results are shown');
    } catch (error) {
      if (!aborted.aborted) setFailure(explain(error));
    } finally {
      if (!aborted.aborted) setBusy(false);
    }
  };
  useEffect(() => {
    if (q === '') return setFound(null);
    const work = new AbortController();
    void load(null, work.signal);
    return () => work.abort();
  }, [query]);

  return (
    <div class="page search-page">
      <h1 class="visually-hidden">Search</h1>
      <SearchField value={q} onSearch={(text) => change({ q: text })} />
      {found && (
        <div class="filters">
          <FilterChips
            label="Source"
            chosen={parameters.get('source') ?? ''}
            options={facet(found.reply, 'source')}
            onChoose={(value) => change({ source: value })}
          />
          <FilterChips
            label="Kind"
            chosen={parameters.get('kind') ?? ''}
            options={facet(found.reply, 'kind')}
            onChoose={(value) => change({ kind: value })}
          />
          <FilterChips
            label="Updated"
            chosen={parameters.get('age') ?? ''}
            options={Object.entries(ages).map(([value, [label]]) => ({ value, label }))}
            onChoose={(value) => change({ age: value })}
          />
        </div>
      )}
      {failure && <p class="failure">{failure}</p>}
      {busy && !found && <p class="status">Searching…</p>}
      {found && found.results.length === 0 && (
        <p class="notice">Nothing that you may read matches “{q}”. Try fewer or other words, or take filters away.</p>
      )}
      {found?.reply.notices.map((notice) => (
        <p class="notice" key={notice.code}>
          {notice.message}
        </p>
      ))}
      <ul class="results" aria-busy={busy}>
        {found?.results.map((result) => (
          <ResultItem result={result} level={2} key={`${result.document_id}:${result.start}`} />
        ))}
      </ul>
      {found?.reply.next_cursor && (
        <button
          type="button"
          class="button more"
          disabled={busy}
          onClick={() => void load(found.reply.next_cursor, new AbortController().signal)}
        >
          More results
        </button>
      )}
      {q === '' && (
        <p class="quiet search-hint">
          <Icon name="search" /> Words, a title, a name or an identifier: each result opens at its passage.
        </p>
      )}
    </div>
  );
}

function searchRequest(parameters: URLSearchParams): SearchRequest {
  const source = parameters.get('source');
  const kind = parameters.get('kind');
  const age = ages[parameters.get('age') ?? ''];
  const filters = {
    ...(kind ? { kind } : {}),
    ...(age ? { updated_after: new Date(Date.now() - age[1] * 86_400_000).toISOString() } : {}),
  };
  return {
    query: parameters.get('q') ?? '',
    limit: PAGE,
    ...(source ? { sources: [source] } : {}),
    ...(Object.keys(filters).length > 0 ? { filters } : {}),
  };
}

function facet(reply: SearchResponse, name: string) {
  return Object.entries(reply.facets[name] ?? {})
    .sort((a, b) => b[1] - a[1])
    .map(([value, count]) => ({ value, label: `${value} ${formatNumber(count)}` }));
}
