// The code and the address are sent as they are meant.

import { render } from 'preact';
import { afterEach, expect, it, vi } from 'vitest';
import { LoginPage } from './LoginPage';

afterEach(() => vi.unstubAllGlobals());

/** Fills the page in and sends it; returns what the server was sent. */
async function signInWith(code: string, email: string): Promise<unknown> {
  const asked = vi.fn(async (_path: string, _init: RequestInit) => new Response('{}', { status: 401 }));
  vi.stubGlobal('fetch', asked);
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<LoginPage />, root);
  for (const [name, value] of Object.entries({ code, email })) {
    const input = root.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  await vi.waitFor(() => expect(root.querySelector('button')!.disabled).toBe(false));
  root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await vi.waitFor(() => expect(root.querySelector('[role=alert]')).not.toBeNull());
  expect(asked).toHaveBeenCalledOnce();
  expect(asked.mock.calls[0]![0]).toBe('/api/v1/login');
  return JSON.parse(String(asked.mock.calls[0]![1].body));
}

it('sends the address of the first administrator', async () => {
  expect(await signInWith(' XK4T-9QWM ', ' ann@example.com ')).toEqual({ code: 'XK4T-9QWM', email: 'ann@example.com' });
});

it('sends no address when none was given', async () => {
  expect(await signInWith('XK4T-9QWM', '')).toEqual({ code: 'XK4T-9QWM' });
});
