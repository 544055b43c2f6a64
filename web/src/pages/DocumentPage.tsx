// A document on a page of its own, at the version and passage that the address names.

import { useMemo } from 'preact/hooks';
import { useSearch } from 'wouter-preact';
import { DocumentView } from '../components/DocumentView';
import type { Passage } from '../state/panel';
import { useTitle } from './useTitle';

export function DocumentPage({ id }: { id: string }) {
  const query = useSearch();
  const passage = useMemo((): Passage => {
    const parameters = new URLSearchParams(query);
    return {
      documentId: id,
      version: parameters.get('version') ?? '',
      start: offset(parameters.get('start')),
      end: offset(parameters.get('end')),
      quote: '',
      title: '',
      gone: false,
    };
  }, [id, query]);
  useTitle('Document');
  return (
    <div class="page document-page">
      <DocumentView passage={passage} level={1} />
    </div>
  );
}

function offset(text: string | null): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
