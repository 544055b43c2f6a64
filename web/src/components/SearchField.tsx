// The field of the search page, with titles that continue what was typed.

import { useEffect, useState } from 'preact/hooks';
import * as api from '../api/routes';
import { Icon } from './Icon';

const TYPING_MS = 200;

export function SearchField({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(value);
  const [titles, setTitles] = useState<string[]>([]);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    const q = text.trim();
    if (q.length < 2 || q === value) return setTitles([]);
    const work = new AbortController();
    const timer = setTimeout(() => {
      api.suggest(q.slice(0, 200), work.signal).then(
        ({ suggestions }) => setTitles(suggestions.map((suggestion) => suggestion.text)),
        () => setTitles([]), // suggestions are a convenience: without them the field works as well
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      work.abort();
    };
  }, [text, value]);
  return (
    <form
      class="search-field"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') onSearch(text.trim());
      }}
    >
      <label class="visually-hidden" for="search">
        Search the documents
      </label>
      <input
        id="search"
        type="search"
        list="titles"
        maxLength={4000}
        placeholder="Search the documents"
        autoComplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <datalist id="titles">
        {titles.map((title) => (
          <option value={title} key={title} />
        ))}
      </datalist>
      <button type="submit" class="round" aria-label="Search" disabled={text.trim() === ''}>
        <Icon name="search" />
      </button>
    </form>
  );
}
