// Sources, for administrators: how each is, what the last run did, what could not be read.

import { useEffect } from 'preact/hooks';
import { CommandLineCode } from '../components/CommandLineCode';
import { SourceCard } from '../components/SourceCard';
import { isAdministrator } from '../state/session';
import { anyRunning, loadSources, sources, sourcesFailure } from '../state/sources';
import { useTitle } from './useTitle';

const RUNNING_MS = 2000;
const IDLE_MS = 30_000;

export default function SourcesPage() {
  useTitle('Sources');
  const list = sources.value;
  const running = list !== null && anyRunning(list);
  useEffect(() => {
    void loadSources();
    const timer = setInterval(() => void loadSources(), running ? RUNNING_MS : IDLE_MS);
    return () => clearInterval(timer);
  }, [running]);

  if (!isAdministrator.value) {
    return (
      <div class="page">
        <h1>Sources</h1>
        <p class="notice">Only administrators see how sources are.</p>
      </div>
    );
  }
  return (
    <div class="page">
      <h1>Sources</h1>
      {sourcesFailure.value && <p class="failure">{sourcesFailure.value}</p>}
      {list?.length === 0 && (
        <p class="notice">
          There is no source yet. Add one:{' '}
          <code>cairn source add files --name handbook --set path=/path/to/folder</code>
        </p>
      )}
      <ul class="source-cards">
        {list?.map((source) => (
          <SourceCard source={source} key={source.name} />
        ))}
      </ul>
      <CommandLineCode />
    </div>
  );
}
