// What stands under the field for the first question: which sources will be asked, or how to get a first one.

import { isAdministrator } from '../state/session';
import { sources, sourcesFailure } from '../state/sources';
import { thread } from '../state/thread';

const SHOWN = 8;

export function Welcome() {
  const list = sources.value;
  if (sourcesFailure.value) return <p class="failure">{sourcesFailure.value}</p>;
  if (list === null) return null;
  if (list.length === 0) return isAdministrator.value ? <FirstSteps /> : <NothingYet />;
  const chosen = thread.sources.value;
  const names = list.map((source) => source.name).slice(0, SHOWN);
  return (
    <p class="welcome">
      <span class="quiet">Searching in</span>{' '}
      {(chosen.length > 0 ? chosen : names).map((name) => (
        <span class="source-name" key={name}>
          {name}
        </span>
      ))}
      {chosen.length === 0 && list.length > SHOWN && <span class="quiet"> and {list.length - SHOWN} more</span>}
    </p>
  );
}

function FirstSteps() {
  return (
    <section class="first-steps" aria-label="First steps">
      <h2>Three steps to a first answer</h2>
      <ol>
        <li>
          Connect a folder:{' '}
          <code>cairn source add files --name handbook --set path=/path/to/folder --acl everyone</code>
        </li>
        <li>
          Read it: <code>cairn sync handbook --wait</code>
        </li>
        <li>Ask a question above.</li>
      </ol>
    </section>
  );
}

function NothingYet() {
  return (
    <p class="quiet welcome">There is no document yet that you may read. Ask your administrator to connect a source.</p>
  );
}
