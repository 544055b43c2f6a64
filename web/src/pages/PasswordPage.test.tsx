// A password is sent as it was typed, with the one until now where there is one.

import { render } from 'preact';
import { afterEach, expect, it, vi } from 'vitest';
import type { Me } from '../api/schema';
import { me, session } from '../state/session';
import PasswordPage from './PasswordPage';

const person: Me = {
  id: 'A1',
  email: 'ann@example.com',
  name: '',
  role: 'member',
  via: 'session',
  scopes: [],
  principals: [],
  password: 'none',
};

afterEach(() => vi.unstubAllGlobals());

function show(password: Me['password'], reply: Response) {
  const asked = vi.fn(async (_path: string, _init: RequestInit) => reply);
  vi.stubGlobal('fetch', asked);
  session.value = { kind: 'signed-in', me: { ...person, password } };
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<PasswordPage />, root);
  return { root, asked };
}

async function send(root: HTMLElement, values: Record<string, string>) {
  for (const [name, value] of Object.entries(values)) {
    const input = root.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  await vi.waitFor(() => expect(root.querySelector<HTMLButtonElement>('button')!.disabled).toBe(false));
  root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
}

it('sets the first password, blanks and all', async () => {
  const { root, asked } = show('none', new Response(null, { status: 204 }));
  expect(root.querySelector('input[name=current]')).toBeNull();
  await send(root, { password: ' seven <b>penguins</b> ' });
  await vi.waitFor(() => expect(root.querySelector('[role=status]')!.textContent).toContain('is set'));
  expect(asked.mock.calls[0]![0]).toBe('/api/v1/me/password');
  expect(JSON.parse(String(asked.mock.calls[0]![1].body))).toEqual({ password: ' seven <b>penguins</b> ' });
  expect(me.value!.password).toBe('set');
});

it('changes it, and says why not', async () => {
  const refusal = { error: { code: 'denied', message: 'the current password is wrong' } };
  const { root, asked } = show('set', Response.json(refusal, { status: 403 }));
  await send(root, { current: 'a green kettle', password: 'seven penguins' });
  await vi.waitFor(() => expect(root.querySelector('[role=alert]')!.textContent).toBe('the current password is wrong'));
  expect(JSON.parse(String(asked.mock.calls[0]![1].body))).toEqual({
    password: 'seven penguins',
    current: 'a green kettle',
  });
});

it('is not there for who cannot have one', () => {
  const { root } = show('off', new Response());
  expect(root.querySelector('form')).toBeNull();
});
