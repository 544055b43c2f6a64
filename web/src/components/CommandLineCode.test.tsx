// Who signed in with a browser gets a code for the command line.

import { render } from 'preact';
import { afterEach, expect, it, vi } from 'vitest';
import type { Me } from '../api/schema';
import { session } from '../state/session';
import { CommandLineCode } from './CommandLineCode';

const administrator: Me = {
  id: 'A1',
  email: '',
  name: '',
  role: 'admin',
  via: 'session',
  scopes: ['admin'],
  principals: ['everyone'],
  password: 'off',
};

function show(me: Me): HTMLElement {
  session.value = { kind: 'signed-in', me };
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<CommandLineCode />, root);
  return root;
}

afterEach(() => vi.unstubAllGlobals());

it('makes a code of the own account, also without an address', async () => {
  const asked = vi.fn(async (_path: string, _init: RequestInit) =>
    Response.json({ code: 'XK4T-9QWM-27RD-HB5N', expires_at: '2026-11-24T09:30:00Z' }),
  );
  vi.stubGlobal('fetch', asked);
  const root = show(administrator);
  root.querySelector('button')!.click();
  await vi.waitFor(() => expect(root.textContent).toContain('cairn login --code XK4T-9QWM-27RD-HB5N'));
  expect(asked.mock.calls.map(([path, init]) => `${init.method} ${path}`)).toEqual(['POST /api/v1/users/A1/code']);
});

it('is not shown in local mode', () => {
  expect(show({ ...administrator, name: 'local' }).innerHTML).toBe('');
});
