import { Link } from 'wouter-preact';
import { useTitle } from './useTitle';

export function MissingPage() {
  useTitle('Not found');
  return (
    <div class="page">
      <h1>There is no such page</h1>
      <p>
        <Link href="/">Ask a question</Link> or <Link href="/search">search the documents</Link>.
      </p>
    </div>
  );
}
