// Signing in with a code and with a password, before the real server.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { openPage, startBrowser } from './browser.mjs';
import { startWithPasswords } from './cairn.mjs';
import { assertClean, axe, overflow } from './steps.mjs';

const PENGUINS = 'seven penguins pay rent';
const KETTLE = 'a green kettle on ice';

let browser, server;

before(async () => {
  browser = await startBrowser();
  server = await startWithPasswords();
});
after(async () => {
  await browser?.close();
  await server?.remove();
});

async function visit(path, options) {
  const view = await openPage(browser.browser, server.url, options);
  await view.page.goto(server.url + path);
  return view;
}

async function signIn(page, password) {
  await page.getByLabel('Password', { exact: true }).waitFor(); // until the server has said how people sign in, a code is asked for
  await page.getByLabel('E-mail address').fill('ann@example.com');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

const form = (path, fields) =>
  fetch(server.url + path, { method: 'POST', body: new URLSearchParams({ client_id: 'cairn', ...fields }) });

// A program is let in by the code that it shows.
async function letIn(view) {
  const { page } = view;
  const asked = await (await form('/oauth/device_authorization', { device_name: 'cairn login on laptop' })).json();
  await page.getByLabel('Code').fill('bbbb bbbb');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('alert').filter({ hasText: 'No program shows this code' }).waitFor();
  await page.getByLabel('Code').fill(asked.user_code.toLowerCase());
  await assertFine(view, 'the page of the code');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('cairn login on laptop').waitFor();
  await page.getByText('127.0.0.1').waitFor();
  await assertFine(view, 'the decision');
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('signed in as you').waitFor();
  const told = await form('/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: asked.device_code,
  });
  const { access_token: token } = await told.json();
  const me = await fetch(server.url + '/api/v1/me', { headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await me.json()).email, 'ann@example.com');
}

async function assertFine({ page }, what) {
  assert.deepEqual(await axe(page), [], what);
  assert.ok((await overflow(page)) <= 0, `${what} scrolls sideways`);
}

it('leads from a code to a password, and from a password to the page', async () => {
  const first = await visit('/login');
  await first.page.getByRole('button', { name: 'one-time code' }).click();
  await first.page.getByLabel('One-time code').fill(server.token);
  await first.page.getByLabel('Your e-mail address').fill('ann@example.com');
  await first.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await first.page.getByRole('heading', { name: 'Set a password' }).waitFor();
  await assertFine(first, 'the page of the password');
  await first.page.getByLabel('New password').fill('password1234');
  await first.page.getByRole('button', { name: 'Set the password' }).click();
  await first.page.getByRole('alert').filter({ hasText: 'others try first' }).waitFor();
  await first.page.getByLabel('New password').fill(PENGUINS);
  await first.page.getByRole('button', { name: 'Set the password' }).click();
  await first.page.getByText('Your password is set').waitFor();

  const second = await visit('/search?q=x');
  await signIn(second.page, KETTLE);
  await second.page.getByRole('alert').filter({ hasText: 'the address or the password is wrong' }).waitFor();
  await assertFine(second, 'a refusal');
  await signIn(second.page, PENGUINS);
  await second.page.locator('main .search-field').waitFor(); // the page that was asked for

  await second.page.getByRole('link', { name: 'Password' }).click();
  await second.page.getByLabel('Password until now').fill(PENGUINS);
  await second.page.getByLabel('New password').fill(KETTLE);
  await second.page.getByLabel('Show it').check();
  await assertFine(second, 'the change of the password');
  await second.page.getByRole('button', { name: 'Set the password' }).click();
  await second.page.getByText('Your password is set').waitFor();

  await first.page.goto(server.url + '/device'); // whose session has ended
  await signIn(first.page, KETTLE);
  await letIn(first);
  for (const { context, seen } of [first, second]) {
    assertClean(seen);
    await context.close();
  }
});

it('is accessible and fits, in both themes and on a phone', async () => {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 375],
    ['dark', 320],
  ]) {
    const view = await visit('/login', { colorScheme, viewport: { width, height: 800 } });
    await view.page.getByLabel('Password', { exact: true }).waitFor();
    await assertFine(view, `the sign-in page, ${colorScheme}, ${width} px`);
    await view.page.getByRole('button', { name: 'one-time code' }).click();
    await view.page.getByLabel('One-time code').waitFor();
    await assertFine(view, `the page of codes, ${colorScheme}, ${width} px`);
    assertClean(view.seen);
    await view.context.close();
  }
});
