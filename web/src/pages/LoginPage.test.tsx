// The code and the address are sent as they are meant; the issuer and failures are shown as the server says.

import { render } from 'preact';
import { afterEach, expect, it, vi } from 'vitest';
import { LoginPage } from './LoginPage';

afterEach(() => vi.unstubAllGlobals());

/** Fills the page in and sends it; returns what the server was sent. */
async function signInWith(code: string, email: string): Promise<unknown> {
  const asked = vi.fn(async (_path: string, init: RequestInit) =>
    init.method === 'GET'
      ? Response.json({ oidc: null, passwords: false, failure: null })
      : new Response('{}', { status: 401 }),
  );
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
  const sent = asked.mock.calls.filter(([, init]) => init.method === 'POST');
  expect(sent).toHaveLength(1);
  expect(sent[0]![0]).toBe('/api/v1/login');
  return JSON.parse(String(sent[0]![1].body));
}

it('sends the address of the first administrator', async () => {
  expect(await signInWith(' XK4T-9QWM ', ' ann@example.com ')).toEqual({ code: 'XK4T-9QWM', email: 'ann@example.com' });
});

it('sends no address when none was given', async () => {
  expect(await signInWith('XK4T-9QWM', '')).toEqual({ code: 'XK4T-9QWM' });
});

/** Shows the page at an address, with what the server says of ways to sign in. */
async function show(address: string, ways: object): Promise<{ root: HTMLElement; asked: string[] }> {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    return Response.json(ways);
  });
  history.replaceState(null, '', address);
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<LoginPage />, root);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  return { root, asked };
}

it('leads to the issuer and back to the page', async () => {
  const { root } = await show('/c/42?x=1', { oidc: { label: 'Okta', problem: null }, passwords: false, failure: null });
  await vi.waitFor(() => expect(root.querySelector('a')!.textContent).toBe('Sign in with Okta'));
  expect(root.querySelector('a')!.getAttribute('href')).toBe('/api/v1/login/oidc?next=%2Fc%2F42%3Fx%3D1');
  expect(root.querySelector('.failure')).toBeNull();
});

it('says why a sign-in failed, in the words of the server alone', async () => {
  const { root, asked } = await show('/login?failed=unknown', {
    oidc: { label: 'Okta', problem: 'It is down.' },
    failure: 'No account.',
  });
  await vi.waitFor(() => expect(root.querySelector('[role=alert]')!.textContent).toBe('No account.'));
  expect(asked[0]).toBe('/api/v1/login?failed=unknown');
  expect(root.querySelector('a')!.getAttribute('href')).toBe('/api/v1/login/oidc?next=%2F');
  expect(root.textContent).not.toContain('It is down.'); // one thing at a time
});

it('says that the issuer cannot be reached', async () => {
  const { root } = await show('/login', { oidc: { label: 'Okta', problem: 'It is down.' }, failure: null });
  await vi.waitFor(() => expect(root.querySelector('.failure')!.textContent).toBe('It is down.'));
});

it('asks for a password where there are any, and sends it as it was typed', async () => {
  const asked = vi.fn(async (_path: string, init: RequestInit) =>
    init.method === 'GET'
      ? Response.json({ oidc: null, passwords: true, failure: null })
      : new Response('{}', { status: 401 }),
  );
  vi.stubGlobal('fetch', asked);
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<LoginPage />, root);
  await vi.waitFor(() => expect(root.querySelector('input[name=password]')).not.toBeNull());
  expect(root.querySelector('input[name=code]')).toBeNull();
  for (const [name, value] of Object.entries({ username: ' ann@example.com ', password: ' a green kettle ' })) {
    const input = root.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  await vi.waitFor(() => expect(root.querySelector('button')!.disabled).toBe(false));
  root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await vi.waitFor(() => expect(root.querySelector('[role=alert]')).not.toBeNull());
  const sent = asked.mock.calls.find(([, init]) => init.method === 'POST')!;
  expect(JSON.parse(String(sent[1].body))).toEqual({ email: 'ann@example.com', password: ' a green kettle ' });

  root.querySelector<HTMLButtonElement>('button.link')!.click();
  await vi.waitFor(() => expect(root.querySelector('input[name=code]')).not.toBeNull());
});

it('has the code alone without an issuer', async () => {
  const { root } = await show('/login', { oidc: null, passwords: false, failure: null });
  expect(root.querySelector('a')).toBeNull();
  expect(root.querySelector('input[name=code]')).not.toBeNull();
});

it.each(['code', 'email'])('keeps what is typed as the %s before it knows of passwords', async (name) => {
  const tell: ((reply: Response) => void)[] = [];
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => tell.push(resolve)));
  const root = document.createElement('div');
  document.body.replaceChildren(root);
  render(<LoginPage />, root);
  await vi.waitFor(() => expect(tell).toHaveLength(1));
  const input = root.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
  input.value = 'x';
  input.dispatchEvent(new Event('input', { bubbles: true }));
  tell[0]!(Response.json({ oidc: null, passwords: true, failure: null }));
  await vi.waitFor(() => expect(root.querySelector('button.link')).not.toBeNull());
  expect(root.querySelector<HTMLInputElement>(`input[name=${name}]`)?.value).toBe('x');
});
