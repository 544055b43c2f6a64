// The caller's own password.

import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { explain } from '../api/client';
import { me, setPassword } from '../state/session';
import { MissingPage } from './MissingPage';
import { useTitle } from './useTitle';

const LEAST = 12; // characters; the server decides

export default function PasswordPage() {
  const person = me.value;
  const [changes] = useState(person?.password === 'set'); // when the page was opened
  const title = changes ? 'Change your password' : 'Set a password';
  const [done, setDone] = useState(false);
  useTitle(title);
  if (!person || person.password === 'off') return <MissingPage />;
  return (
    <div class="page">
      <h1>{title}</h1>
      {done ? (
        <p class="success" role="status">
          Your password is set, and your other sessions have ended. <Link href="/">Ask a question</Link>
        </p>
      ) : (
        <PasswordForm email={person.email} changes={changes} onDone={() => setDone(true)} />
      )}
    </div>
  );
}

function PasswordForm({ email, changes, onDone }: { email: string; changes: boolean; onDone: () => void }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [shown, setShown] = useState(false);
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setFailure('');
    try {
      await setPassword(current, next);
      onDone();
    } catch (error) {
      setFailure(explain(error));
      setBusy(false);
    }
  };
  return (
    <form
      class="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {!changes && <p>With it you sign in the next time, without a one-time code of an administrator.</p>}
      {/* for programs that keep passwords */}
      <input type="text" name="username" autoComplete="username" value={email} readOnly hidden />
      {changes && (
        <>
          <label class="field">
            <span>Password until now</span>
            <input
              type="password"
              name="current"
              autoComplete="current-password"
              value={current}
              aria-describedby="current-hint"
              onInput={(event) => setCurrent(event.currentTarget.value)}
            />
          </label>
          <p class="quiet" id="current-hint">
            Lost? Sign in with a new one-time code of an administrator; for 15 minutes you can then leave this empty.
          </p>
        </>
      )}
      <label class="field">
        <span>New password</span>
        <input
          type={shown ? 'text' : 'password'}
          name="password"
          autoComplete="new-password"
          spellcheck={false}
          required
          value={next}
          aria-describedby="password-hint"
          onInput={(event) => setNext(event.currentTarget.value)}
        />
      </label>
      <p class="quiet" id="password-hint">
        {LEAST} characters or more. Several words make a good one; digits and signs are not needed.
      </p>
      <label class="choice">
        <input type="checkbox" checked={shown} onChange={(event) => setShown(event.currentTarget.checked)} />
        Show it
      </label>
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      <div class="buttons">
        <button type="submit" class="button primary" disabled={busy || [...next].length < LEAST}>
          {busy ? 'Setting…' : 'Set the password'}
        </button>
        <Link href="/" class="button">
          {changes ? 'Cancel' : 'Not now'}
        </Link>
      </div>
    </form>
  );
}
