// The way from a browser to the command line: a code with which an administrator signs it in.

import { useState } from 'preact/hooks';
import { explain } from '../api/client';
import * as api from '../api/routes';
import type { SignInCode } from '../api/schema';
import { announce } from '../state/announcer';
import { me } from '../state/session';
import { formatTime } from './format';

export function CommandLineCode() {
  const [made, setMade] = useState<SignInCode | null>(null);
  const [failure, setFailure] = useState('');
  const person = me.value;
  const local = person?.email === '' && person.name === 'local'; // in local mode no command signs in
  if (person?.via !== 'session' || local) return null;
  const make = async () => {
    setFailure('');
    try {
      setMade(await api.signInCode(person.id));
      announce('There is a code');
    } catch (error) {
      setFailure(explain(error));
    }
  };
  return (
    <section class="command-line">
      <h2>Command line</h2>
      <p class="quiet">
        Sources and people are managed with the program cairn. Sign it in with a code of your account.
      </p>
      {made && (
        <p>
          <code>cairn login --code {made.code}</code>
          <br />
          <span class="quiet">Once, until {formatTime(made.expires_at)}.</span>
        </p>
      )}
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      <button type="button" class="button" onClick={() => void make()}>
        Make a code
      </button>
    </section>
  );
}
