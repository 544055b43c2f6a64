// A person sees what asks before it is let in, and nothing is sent that was not decided.

import { render } from 'preact';
import { afterEach, expect, it, vi } from 'vitest';
import type { Device, Me } from '../api/schema';
import { session } from '../state/session';
import DevicePage from './DevicePage';

const person = { id: 'A1', email: 'ann@example.com', role: 'member', via: 'session', password: 'off' } as Me;
const device: Device = {
  name: '<b>cairn</b> login on laptop',
  address: '203.0.113.7',
  scopes: ['search', 'admin'],
  ttl_seconds: 2592000,
  asked_at: new Date().toISOString(),
  expires_at: new Date().toISOString(),
};

afterEach(() => vi.unstubAllGlobals());

async function show(...replies: Response[]) {
  const asked = vi.fn(async (_path: string, _init: RequestInit) => replies.shift()!);
  vi.stubGlobal('fetch', asked);
  session.value = { kind: 'signed-in', me: person };
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<DevicePage />, root);
  const input = root.querySelector<HTMLInputElement>('input[name=code]')!;
  input.value = 'bcdf ghjk';
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await vi.waitFor(() => expect(root.querySelector('button')!.disabled).toBe(false));
  root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  return { root, asked };
}

const body = (call: [string, RequestInit]) => JSON.parse(String(call[1].body));

function press(root: HTMLElement, label: string) {
  [...root.querySelectorAll('button')].find((button) => button.textContent === label)!.click();
}

it.each([
  ['Allow', true, 'signed in as you'],
  ['Refuse', false, 'was refused'],
])('shows who asks, and sends the decision: %s', async (label, admit, says) => {
  const { root, asked } = await show(Response.json(device), new Response(null, { status: 204 }));
  await vi.waitFor(() => expect(root.querySelector('dl')).not.toBeNull());
  for (const fact of ['ann@example.com', device.name, device.address, 'search and do everything else', '30 days'])
    expect(root.textContent).toContain(fact);
  expect(asked.mock.calls).toHaveLength(1);
  expect(asked.mock.calls[0]![0]).toBe('/api/v1/login/device');
  press(root, label);
  await vi.waitFor(() => expect(root.querySelector('[role=status]')!.textContent).toContain(says));
  expect(asked.mock.calls[1]![0]).toBe('/api/v1/login/device/decision');
  expect(body(asked.mock.calls[1]!)).toEqual({ code: 'bcdf ghjk', admit });
});

it('says that no program shows the code', async () => {
  const { root } = await show(Response.json({ error: { code: 'not_found', message: 'not found' } }, { status: 404 }));
  await vi.waitFor(() =>
    expect(root.querySelector('[role=alert]')!.textContent).toContain('No program shows this code'),
  );
  expect(root.querySelector('form')).not.toBeNull();
});
