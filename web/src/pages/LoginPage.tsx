// Signing in: at the issuer, if there is one, with a password, where there are any, or with a one-time code.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { WaysIn } from '../api/schema';
import { Logo } from '../components/Logo';
import { me, signIn, signInWithPassword } from '../state/session';
import { useTitle } from './useTitle';

export function LoginPage() {
  const [byCode, setByCode] = useState(false); // although there are passwords
  const ways = useWaysIn();
  useTitle('Sign in');
  const passwords = ways?.passwords === true && !byCode;
  const primary = !ways?.oidc;
  return (
    <main class="login" id="main">
      <Logo size={48} />
      <h1>Sign in to Cairn</h1>
      {ways?.failure && (
        <p class="failure" role="alert">
          {ways.failure}
        </p>
      )}
      {ways?.oidc && <IssuerLink label={ways.oidc.label} problem={ways.failure ? null : ways.oidc.problem} />}
      {passwords ? <PasswordForm primary={primary} /> : <CodeForm primary={primary} onBegin={() => setByCode(true)} />}
      {ways?.passwords && (
        <button type="button" class="link" onClick={() => setByCode(!byCode)}>
          {byCode ? 'Sign in with a password' : 'I have a one-time code, or no password'}
        </button>
      )}
    </main>
  );
}

function PasswordForm({ primary }: { primary: boolean }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  return (
    <SignInForm
      primary={primary}
      ready={email.trim() !== '' && password !== ''}
      signIn={() => signInWithPassword(email.trim(), password)}
    >
      <label class="field">
        <span>E-mail address</span>
        <input
          type="email"
          name="username"
          autoComplete="username"
          required
          maxLength={320}
          value={email}
          onInput={(event) => setEmail(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>Password</span>
        <input
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
    </SignInForm>
  );
}

function CodeForm({ primary, onBegin }: { primary: boolean; onBegin: () => void }) {
  const [code, setCode] = useState('');
  const [email, setEmail] = useState('');
  return (
    <SignInForm primary={primary} ready={code.trim() !== ''} signIn={() => signIn(code.trim(), email.trim())}>
      <label class="field">
        <span>One-time code</span>
        <input
          type="text"
          class="code"
          name="code"
          autoComplete="one-time-code"
          autoCapitalize="characters"
          spellcheck={false}
          required
          maxLength={100}
          value={code}
          aria-describedby="code-hint"
          onInput={(event) => {
            onBegin();
            setCode(event.currentTarget.value);
          }}
        />
      </label>
      <p class="quiet" id="code-hint">
        The server prints one when it starts without users; later an administrator makes one for you. On your own
        machine, open the address that <code>cairn serve</code> printed instead.
      </p>
      <label class="field">
        <span>Your e-mail address (first administrator)</span>
        <input
          type="email"
          name="email"
          autoComplete="email"
          maxLength={320}
          value={email}
          aria-describedby="email-hint"
          onInput={(event) => {
            onBegin();
            setEmail(event.currentTarget.value);
          }}
        />
      </label>
      <p class="quiet" id="email-hint">
        With the code that the server printed, give it: documents shared with this address are found, and commands know
        you by it. With a code of your own account, leave it empty.
      </p>
    </SignInForm>
  );
}

interface FormProps {
  primary: boolean;
  /** Everything is filled in. */
  ready: boolean;
  signIn: () => Promise<void>;
  children: ComponentChildren;
}

// A form that signs in and then leads on: to where a password is set, if the account could have one and has none.
function SignInForm({ primary, ready, signIn, children }: FormProps) {
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const [location, navigate] = useLocation();
  const submit = async () => {
    setBusy(true);
    setFailure('');
    try {
      await signIn();
      if (me.value?.password === 'none') navigate('/password', { replace: true });
      else if (location === '/login') navigate('/', { replace: true });
    } catch (error) {
      setFailure(explain(error));
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      <button type="submit" class={primary ? 'button primary wide' : 'button wide'} disabled={busy || !ready}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

/** What the server says of ways to sign in; null until it has said it. With the code alone the page works without. */
function useWaysIn(): WaysIn | null {
  const [ways, setWays] = useState<WaysIn | null>(null);
  useEffect(() => {
    const failed = new URLSearchParams(location.search).get('failed') ?? undefined;
    api.waysIn(failed).then(setWays, () => {});
  }, []);
  return ways;
}

// A link, as the browser itself must go there and come back.
function IssuerLink({ label, problem }: { label: string; problem: string | null }) {
  const here = location.pathname === '/login' ? '/' : location.pathname + location.search;
  return (
    <div class="issuer">
      <a class="button primary wide" href={api.oidcPath(here)}>
        Sign in with {label}
      </a>
      {problem && <p class="failure">{problem}</p>}
      <p class="or">or</p>
    </div>
  );
}
