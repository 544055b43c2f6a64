// A program without a browser is let in here: by the code that it shows, and a decision of who is signed in.

import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { ApiError, explain } from '../api/client';
import * as api from '../api/routes';
import type { Device, Scope } from '../api/schema';
import { formatAge, formatTime, plural } from '../components/format';
import { me } from '../state/session';
import { useTitle } from './useTitle';

type State =
  { kind: 'asking' } | { kind: 'shown'; code: string; device: Device } | { kind: 'decided'; admitted: boolean };

export default function DevicePage() {
  const [state, setState] = useState<State>({ kind: 'asking' });
  useTitle('Sign a program in');
  return (
    <div class="page">
      <h1>Sign a program in</h1>
      {state.kind === 'asking' && <CodeForm onFound={(code, device) => setState({ kind: 'shown', code, device })} />}
      {state.kind === 'shown' && (
        <Decision {...state} onDecided={(admitted) => setState({ kind: 'decided', admitted })} />
      )}
      {state.kind === 'decided' && (
        <p class="success" role="status">
          {state.admitted
            ? 'The program is signed in as you. You can go back to it and close this page.'
            : 'The program was refused. If you had not started it yourself, tell an administrator.'}
        </p>
      )}
    </div>
  );
}

function CodeForm({ onFound }: { onFound: (code: string, device: Device) => void }) {
  const [code, setCode] = useState('');
  const { failure, busy, run } = useRequest();
  return (
    <form
      class="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => onFound(code, await api.showDevice(code)));
      }}
    >
      <p id="device-hint">
        Enter the code that a program of yours shows, such as <code>cairn login</code> in a terminal. Nobody else has a
        reason to send you one.
      </p>
      <label class="field">
        <span>Code</span>
        <input
          type="text"
          class="code"
          name="code"
          autoComplete="off"
          autoCapitalize="characters"
          spellcheck={false}
          required
          maxLength={20}
          value={code}
          aria-describedby="device-hint"
          onInput={(event) => setCode(event.currentTarget.value)}
        />
      </label>
      <Failure text={failure} />
      <div class="buttons">
        <button type="submit" class="button primary" disabled={busy || code.trim() === ''}>
          {busy ? 'Looking…' : 'Continue'}
        </button>
      </div>
    </form>
  );
}

interface DecisionProps {
  code: string;
  device: Device;
  onDecided: (admitted: boolean) => void;
}

function Decision({ code, device, onDecided }: DecisionProps) {
  const { failure, busy, run } = useRequest();
  const decide = (admit: boolean) =>
    void run(async () => {
      await api.decideDevice(code, admit);
      onDecided(admit);
    });
  return (
    <section class="narrow" aria-labelledby="device-asks">
      <h2 id="device-asks">A program asks to be signed in as {me.value?.email || 'you'}</h2>
      <dl class="device">
        <dt>It calls itself</dt>
        <dd>{device.name}</dd>
        <dt>It asked from</dt>
        <dd>
          <span class="code">{device.address}</span>,{' '}
          <span title={formatTime(device.asked_at)}>{formatAge(device.asked_at)}</span>
        </dd>
        <dt>As you, it could</dt>
        <dd>{allowed(device.scopes)}</dd>
        <dt>For</dt>
        <dd>{lifetime(device.ttl_seconds)}, or until you revoke its token</dd>
      </dl>
      <p>
        Anybody can choose a name. Allow it only if you have started it yourself, a moment ago, on a machine with that
        address: it will see what you may see.
      </p>
      <Failure text={failure} />
      <div class="buttons">
        <button type="button" class="button primary" disabled={busy} onClick={() => decide(true)}>
          Allow
        </button>
        <button type="button" class="button" disabled={busy} onClick={() => decide(false)}>
          Refuse
        </button>
        <Link href="/" class="button">
          Not now
        </Link>
      </div>
    </section>
  );
}

function Failure({ text }: { text: string }) {
  if (text === '') return null;
  return (
    <p class="failure" role="alert">
      {text}
    </p>
  );
}

/** What went wrong with the last request, and whether one is under way. */
function useRequest() {
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const run = async (request: () => Promise<void>) => {
    setBusy(true);
    setFailure('');
    try {
      await request();
    } catch (error) {
      setFailure(
        error instanceof ApiError && error.code === 'not_found'
          ? 'No program shows this code now. Is it typed right? It is good for ten minutes, and once.'
          : explain(error),
      );
      setBusy(false);
    }
  };
  return { failure, busy, run };
}

const WORDS: Record<Scope, string> = {
  search: 'search',
  ask: 'ask questions and see your conversations',
  read: 'read documents',
  write: 'add and remove documents where you may',
  scim: 'manage accounts and groups, if you are an administrator',
  admin: 'do everything else that you may, such as making tokens',
};

function allowed(scopes: readonly Scope[]): string {
  const words = (Object.keys(WORDS) as Scope[]).filter((scope) => scopes.includes(scope)).map((scope) => WORDS[scope]);
  return new Intl.ListFormat('en').format(words);
}

function lifetime(seconds: number): string {
  const hours = Math.round(seconds / 3600);
  if (hours < 1) return plural(Math.round(seconds / 60), 'minute');
  return hours < 48 ? plural(hours, 'hour') : plural(Math.round(hours / 24), 'day');
}
