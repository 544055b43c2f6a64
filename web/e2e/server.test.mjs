// The pages before the real server and the documents of the sample company.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openPage, startBrowser } from './browser.mjs';
import { startCairn, startModel } from './cairn.mjs';
import { ask, assertClean, assertHighlight, axe, overflow } from './steps.mjs';

let browser;

before(async () => (browser = await startBrowser()));
after(() => browser?.close());

/** Opens the address that the server printed. */
async function enter(server, options) {
  const view = await openPage(browser.browser, server.url, options);
  await view.page.goto(server.entry);
  await view.page.locator('#question').waitFor();
  assert.ok(!view.page.url().includes('token'), 'the token stays in the address');
  return view;
}

describe('without a model', () => {
  let server;

  before(async () => (server = await startCairn()));
  after(() => server?.remove());

  it('opens the passage behind each claim, for documents of every kind', async () => {
    const questions = [
      'What is the hotel limit in Oslo?',
      'How many days before the end must Bellamy cancel so that its contract is not extended?',
      "What does E-2207 on a logger's display mean?",
      'What does the Tern T3 logger for dry ice cost?',
      'Who releases a purchase of €20,000?',
      'When does the laboratory in Lyon close for the move?',
      'What does MeanKineticTemperature return?',
    ];
    const view = await enter(server);
    const { page } = view;
    let opened = 0;
    for (const question of questions) {
      await page.goto(server.url);
      await page.locator('#question').waitFor();
      await ask(page, question);
      await page.waitForURL(/\/c\/./);
      const { messages } = await server.api('GET', `conversations/${page.url().split('/c/')[1]}`);
      for (const citation of messages[0].answer.citations) {
        const chips = page.locator('.prose .chip', { hasText: new RegExp(`^${citation.number}$`) });
        assert.ok((await chips.count()) > 0, `no chip ${citation.number} for: ${question}`);
        await chips.first().click();
        await assertHighlight(page, citation.quote);
        opened++;
      }
    }
    assert.ok(opened >= questions.length, `only ${opened} passages for ${questions.length} questions`);
    assertClean(view.seen);
    await view.context.close();
  });

  it('is accessible and fits on real answers, in both themes and on a phone', async () => {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 375],
      ['dark', 320],
    ]) {
      const view = await enter(server, { colorScheme, viewport: { width, height: 800 } });
      await ask(view.page, 'What is the hotel limit in Oslo?');
      await view.page.locator('.prose .chip').first().click();
      await view.page.locator('mark').first().waitFor();
      assert.deepEqual(await axe(view.page), []);
      assert.ok((await overflow(view.page)) <= 0, `the page scrolls sideways at ${width} px`);
      assertClean(view.seen);
      await view.context.close();
    }
  });

  it('finds, shows sources and ends the session', async () => {
    const view = await enter(server);
    const { page } = view;
    await page.goto(`${server.url}/search?q=travel`);
    await page.locator('.result').first().waitFor();
    await page.locator('.result a').first().click();
    await page.locator('.panel mark').first().waitFor();
    await page.goto(`${server.url}/sources`);
    await page.getByText('Up to date').waitFor();
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByText('Read', { exact: false }).first().waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Sign in to Cairn').waitFor();
    assertClean(view.seen);
    await view.context.close();
  });
});

describe('with a slow model', () => {
  let model, server;

  before(async () => {
    model = await startModel();
    server = await startCairn({ model });
  });
  after(async () => {
    await server?.remove();
    await model?.close();
  });

  const begin = async (page) => {
    await page.fill('#question', 'How do travel and expenses work?');
    await page.keyboard.press('Enter');
    await page.locator('.prose .chip').nth(1).waitFor({ timeout: 20_000 });
    return words(page);
  };
  const words = async (page) => (await page.locator('.prose').innerText()).replace(/[\u2060\s]+/g, ' ').trim();
  const ended = (page) => page.locator('.turn-foot, .answer > .failure').first().waitFor({ timeout: 60_000 });

  it('streams checked sentences with their chips', async () => {
    const view = await enter(server);
    const early = await begin(view.page);
    assert.equal(await view.page.locator('.answer[aria-busy=true]').count(), 1);
    await ended(view.page);
    const whole = await words(view.page);
    assert.ok(whole.length > early.length && whole.startsWith(early), `${early}\n\n${whole}`);
    assertClean(view.seen);
    await view.context.close();
  });

  it('goes on after a reload in the middle', async () => {
    const view = await enter(server);
    const early = await begin(view.page);
    await view.page.reload();
    await ended(view.page);
    const whole = await words(view.page);
    assert.ok(whole.length > early.length && whole.startsWith(early), `${early}\n\n${whole}`);
    await view.context.close();
  });

  it('stops at once and keeps what was checked', async () => {
    const view = await enter(server);
    await begin(view.page);
    await view.page.keyboard.press('Escape');
    await view.page.getByText('Stopped.').waitFor();
    await view.page.reload();
    await view.page.getByText('Stopped.').waitFor();
    assert.ok((await view.page.locator('.prose .chip').count()) >= 2);
    await view.context.close();
  });

  it('comes to an end without a reload when the server restarts in the middle', async () => {
    const view = await enter(server);
    const early = await begin(view.page);
    await server.stop();
    await view.page.getByText('The connection is lost').first().waitFor({ state: 'attached' });
    await server.start();
    await ended(view.page);
    const kept = await words(view.page);
    assert.ok(kept.startsWith(early.slice(0, 40)), `${early}\n\n${kept}`);
    await view.page.reload();
    await ended(view.page);
    assert.equal(await words(view.page), kept);
    await view.context.close();
  });
});
