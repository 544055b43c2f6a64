// The pages in a browser, before a server whose answers are written down.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { startBrowser, openPage } from './browser.mjs';
import { attacks } from './mock-answers.mjs';
import { startMock } from './mock.mjs';
import { ask, assertClean, assertHighlight, axe, overflow } from './steps.mjs';

let browser, server, opened;

before(async () => (browser = await startBrowser()));
after(() => browser.close());
beforeEach(async () => {
  server = await startMock();
  opened = [];
});
afterEach(async () => {
  for (const { context } of opened) await context.close();
  await server.close();
});

async function open(path = '/', options = {}) {
  const view = await openPage(browser.browser, server.url, options);
  opened.push(view);
  await view.page.goto(server.url + path);
  return view;
}

describe('asking', () => {
  it('streams an answer with chips at the claims and sources below', async () => {
    const { page, seen } = await open();
    await ask(page, 'How much is paid for meals?');
    assert.equal(await page.locator('.answer h3').count(), 2);
    assert.equal(await page.locator('.prose .chip').count(), 6);
    const first = await page.locator('.answer p').first().innerText();
    assert.match(
      first,
      /a day\.\u2060?\s*1\s+Receipts.*fine\.\u2060?\s*2\s+Most people choose the cheaper option\.\s+\(not found in the sources\)/s,
    );
    assert.equal(await page.locator('.unsupported').innerText(), 'Most people choose the cheaper option.');
    assert.equal(await page.locator('.sources summary').innerText(), '1 source');
    assert.match(page.url(), /\/c\/C\d+$/);
    assert.equal(await page.locator('[role=status]').innerText(), 'Answer ready');
    assertClean(seen);
  });

  it('opens each passage highlighted and in view', async () => {
    const { page, seen } = await open();
    for (const question of ['meals', 'code', 'long', 'leave']) {
      await ask(page, question);
      const { answer } = [...server.mock.messages.values()].at(-1);
      for (const citation of answer.citations.filter(({ state }) => state !== 'gone')) {
        await page.locator(`.turn:last-of-type .prose .chip`, { hasText: new RegExp(`^${citation.number}$`) }).click();
        await assertHighlight(page, citation.quote);
      }
    }
    assertClean(seen);
  });

  it('says that a document has changed since, or is gone', async () => {
    const { page } = await open();
    await ask(page, 'leave');
    await page.locator('.prose .chip').nth(0).click();
    await page.getByRole('link', { name: 'Read the current version' }).waitFor();
    await page.locator('.prose .chip').nth(1).click();
    await page.getByText('no longer available: it was deleted').waitFor();
    assert.equal(await page.locator('.document-text').count(), 0);
    assert.ok(!server.mock.requests.some(({ path }) => path.endsWith('/documents/D3')));
  });

  it('says what was searched when nothing answers', async () => {
    const { page } = await open();
    await ask(page, 'nowhere');
    await page.getByText('I found nothing in the documents you can read').waitFor();
    await page.getByText('Searched: all sources that you may read.').waitFor();
    await page.locator('.nothing .result a').first().click();
    await page.locator('.panel mark').first().waitFor();
  });

  it('shows the second attempt alone, and why', async () => {
    const { page } = await open();
    await ask(page, 'model');
    const answer = await page.locator('.prose').innerText();
    assert.ok(!answer.includes('Attach') && answer.includes('Open the expense form'), answer);
    await page.getByText('The model could not be reached; this answer is quoted from the sources.').waitFor();
  });

  it('follows up in the conversation, asks again as a branch, and is found again', async () => {
    const { page } = await open();
    await ask(page, 'meals');
    await ask(page, 'leave');
    await page.locator('.turn').nth(1).getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('2 / 2').waitFor();
    await page.locator('.turn').nth(1).locator('.turn-foot').waitFor();
    const asked = server.mock.requests.filter(({ path }) => path === '/api/v1/ask').map(({ body }) => body);
    assert.equal(asked[1].conversation_id, asked[2].conversation_id);
    assert.equal(asked[1].parent_message_id, asked[2].parent_message_id);
    await page.getByRole('button', { name: 'Earlier answer' }).click();
    await page.getByText('1 / 2').waitFor();
    await page.reload();
    await page.getByText('2 / 2').waitFor();
    assert.equal(await page.locator('.turn').count(), 2);
    await page.getByRole('link', { name: 'New question' }).first().click();
    await page.getByText('What would you like to know?').waitFor();
    await page.getByRole('link', { name: 'meals' }).click();
    await page.locator('.turn').nth(1).waitFor();
  });

  it('takes feedback with a reason', async () => {
    const { page } = await open();
    await ask(page, 'meals');
    await page.getByRole('button', { name: 'Bad answer' }).click();
    await page.getByLabel('Wrong source').check();
    await page.getByLabel('Anything to add?').fill('The old policy.');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Thank you for the feedback').waitFor({ state: 'attached' });
    const given = server.mock.requests.filter(({ path }) => path.endsWith('/feedback')).map(({ body }) => body);
    assert.deepEqual(given.at(-1), { rating: 'down', reason: 'wrong_source', comment: 'The old policy.' });
  });

  it('copies the answer with its sources', async () => {
    const view = await open();
    await view.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await ask(view.page, 'meals');
    await view.page.getByRole('button', { name: 'Copy as Markdown with sources' }).click();
    await view.page.getByText('Copied with its sources').waitFor({ state: 'attached' });
    const copied = await view.page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /40 € a day\.\[1\]/);
    assert.match(copied, /- \[1\] Travel › Meals <https:\/\/handbook\.example\/travel>/);
  });
});

describe('streams', () => {
  it('goes on where the connection broke', async () => {
    server.mock.breakAfter = 5;
    const { page } = await open();
    await ask(page, 'meals');
    const follows = server.mock.requests.filter(({ path }) => path.endsWith('/stream'));
    assert.equal(follows.length, 2);
    assert.ok(follows.every(({ headers }) => Number(headers['last-event-id']) > 0));
    assert.equal(await page.locator('.prose .chip').count(), 6);
    assert.equal((await page.locator('.prose').innerText()).split('Meals are paid').length, 2);
  });

  it('goes on after a reload in the middle', async () => {
    const { page } = await open();
    await page.fill('#question', 'slow');
    await page.keyboard.press('Enter');
    await page.getByText('Sentence number 3 is here').waitFor();
    await page.reload();
    await page.getByText('Sentence number 5 is here').waitFor();
    await page.locator('.turn-foot').waitFor();
    const text = await page.locator('.prose').innerText();
    assert.deepEqual(
      [...text.matchAll(/number (\d+)/g)].map(([, n]) => Number(n)),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  });

  it('stops', async () => {
    const { page } = await open();
    await page.fill('#question', 'slow');
    await page.keyboard.press('Enter');
    await page.getByText('Sentence number 3 is here').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    assert.ok(!(await page.locator('.prose').innerText()).includes('number 30 '));
  });

  it('stays at the end until the reader scrolls up', async () => {
    const { page } = await open('/', { viewport: { width: 800, height: 400 } });
    await ask(page, 'meals');
    await page.fill('#question', 'slow');
    await page.keyboard.press('Enter');
    const distance = () => page.evaluate(() => document.documentElement.scrollHeight - innerHeight - scrollY);
    await page.getByText('Sentence number 12 is here').waitFor();
    assert.ok((await distance()) < 80);
    await page.mouse.move(400, 150);
    await page.mouse.wheel(0, -300);
    await page.getByRole('button', { name: 'To the end' }).waitFor();
    const place = await page.evaluate(() => scrollY);
    await page.getByText('Sentence number 25 is here').waitFor();
    assert.equal(await page.evaluate(() => scrollY), place);
  });

  it('speaks little', async () => {
    const { page } = await open();
    await page.locator('[role=status]').waitFor({ state: 'attached' });
    const said = page.evaluate(
      () =>
        new Promise((resolve) => {
          const words = [];
          new MutationObserver(() => {
            words.push(document.querySelector('[role=status]').textContent.trim());
            if (words.at(-1) === 'Answer ready') resolve(words);
          }).observe(document.querySelector('[role=status]'), { childList: true, characterData: true, subtree: true });
        }),
    );
    await ask(page, 'slow');
    assert.deepEqual(await said, ['Searching', 'Answering', 'Answer ready']);
    assert.equal(await page.locator('[aria-live], [role=alert]').count(), 0);
  });
});

describe('sessions', () => {
  it('keeps the draft over a reload and the end of the session', async () => {
    const { page } = await open();
    await page.fill('#question', 'half a ques');
    await page.reload();
    assert.equal(await page.inputValue('#question'), 'half a ques');
    await page.waitForLoadState('networkidle'); // what the page asks for by itself is answered
    server.mock.signedIn = false;
    await page.fill('#question', 'a whole question about meals');
    await page.keyboard.press('Enter');
    await page.getByText('Sign in to Cairn').waitFor();
    await page.getByLabel('One-time code').fill('WRONG');
    await page.keyboard.press('Enter');
    await page.getByText('the code is wrong').waitFor();
    await page.getByLabel('One-time code').fill('GOOD-CODE');
    await page.keyboard.press('Enter');
    await page.locator('#question').waitFor();
    assert.equal(await page.inputValue('#question'), 'a whole question about meals');
  });
});

describe('attacks', () => {
  it('shows all of them as text', async () => {
    const { page, seen } = await open();
    await ask(page, 'attack');
    await page.waitForTimeout(300);
    const tags = await page
      .locator('.prose *')
      .evaluateAll((all) => [...new Set(all.map((element) => element.tagName))]);
    const allowed = 'A BLOCKQUOTE BR BUTTON CODE DIV EM H3 LI P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL';
    assert.deepEqual(
      tags.filter((tag) => !allowed.split(' ').includes(tag)),
      [],
    );
    assert.equal(await page.locator('.prose a').count(), 0);
    assert.ok((await page.locator('.prose').innerText()).includes(attacks[0]));
    for (const link of await page.locator('.prose .no-link').all()) await link.click({ timeout: 2000 });
    assertClean(seen);
  });
});

describe('keyboard', () => {
  it('asks, reads a card, opens a passage and comes back', async () => {
    const { page } = await open();
    await page.locator('#question').waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('/');
    await page.keyboard.type('first line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('meals');
    assert.equal(await page.inputValue('#question'), 'first line\nmeals');
    await page.keyboard.press('Enter');
    await page.locator('.turn-foot').waitFor();
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? '');
    for (let i = 0; i < 40 && !(await focused()).startsWith('Source 1'); i++) await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'Source 1: Travel');
    await page.locator('.card', { hasText: 'Meals are paid' }).waitFor();
    const description = await page.evaluate(() => {
      const id = document.activeElement.getAttribute('aria-describedby');
      return document.getElementById(id).textContent;
    });
    assert.match(description, /handbook, Meals, updated .*, Meals are paid up to 40 € a day\./);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.card').count(), 0);
    await page.keyboard.press('Enter');
    await assertHighlight(page, 'Meals are paid up to 40 € a day.');
    assert.equal(await focused(), 'Close document');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.panel').count(), 0);
    assert.equal(await focused(), 'Source 1: Travel');
  });
});

describe('other pages', () => {
  it('searches, narrows and opens results', async () => {
    const { page } = await open('/search?q=travel');
    await page.locator('.result').first().waitFor();
    await page.getByRole('button', { name: /^handbook/ }).click();
    await page.waitForURL(/source=handbook/);
    await page.getByRole('button', { name: 'Past year' }).click();
    await page.waitForURL(/age=year/);
    await page.locator('.result a').first().click();
    await page.locator('.panel mark').first().waitFor();
    const { body } = server.mock.requests.findLast(({ path }) => path.endsWith('/search'));
    assert.deepEqual(body.sources, ['handbook']);
    assert.ok(Date.parse(body.filters.updated_after) < Date.now() - 300 * 86_400_000);
  });

  it('says what limits the results of a search', async () => {
    const { page } = await open(`/search?q=${encodeURIComponent('"meals are paid"')}`);
    await page.locator('.result').first().waitFor();
    assert.equal(await page.locator('.notice').innerText(), 'Not all were checked for the phrase.');
  });

  it('names copies and older versions of a result, and leads there by keyboard', async () => {
    const { page, seen } = await open('/search?q=travel');
    const line = page.locator('.result').first().locator('.also-in');
    assert.equal(
      await line.innerText(),
      'Also in: Travel policy (copy) (notes), <b>Trips</b> (wiki); older version: Travel 2024 (archive, Mar 4, 2025) and 2 more',
    );
    assert.equal(await page.locator('.also-in').count(), 1);
    await page.locator('.result a').first().focus();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Travel policy (copy)');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/d\/D2$/);
    await page.getByRole('heading', { name: 'Parental leave', level: 1 }).waitFor();
    assertClean(seen);
  });

  it('shows a document at the passage that the address names', async () => {
    const { page } = await open();
    await ask(page, 'meals');
    await page.locator('.prose .chip').first().click();
    await page.getByRole('link', { name: 'Open as a page' }).click();
    await page.waitForURL(/\/d\/D1\?version=/);
    await assertHighlight(page, 'Meals are paid up to 40 € a day.');
  });

  it('highlights nothing rather than something else', async () => {
    const { page } = await open('/d/D1?version=0000&start=10&end=20');
    await page.getByText('no longer available').waitFor();
    await page.goto(`${server.url}/d/D1?start=10&end=20`);
    await page.locator('.document-text').waitFor();
    assert.equal(await page.locator('mark').count(), 0);
  });

  it('shows sources, reads one and lists what failed', async () => {
    const { page } = await open('/sources');
    await page.getByText('1 document could not be read').click();
    await page.getByText('The file is encrypted').waitFor();
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByText('Running', { exact: true }).waitFor();
    await page.getByText('Some documents failed').waitFor();
  });

  it('says when there is no such page', async () => {
    const { page } = await open('/nothing/here/at/all');
    await page.getByText('There is no such page').waitFor();
  });
});

describe('every page', () => {
  const pages = {
    empty: async (page) => void (await page.locator('#question').waitFor()),
    answer: (page) => ask(page, 'meals'),
    panel: async (page) => {
      await ask(page, 'leave');
      await page.locator('.prose .chip').first().click();
      await page.locator('.panel mark').waitFor();
    },
    nowhere: (page) => ask(page, 'nowhere'),
    code: async (page) => {
      await ask(page, 'code');
      await page.locator('.prose .chip').first().click();
      await page.locator('.panel mark').waitFor();
    },
    feedback: async (page) => {
      await ask(page, 'model');
      await page.getByRole('button', { name: 'Bad answer' }).click();
      await page.getByText('What is wrong with it?').waitFor();
    },
    search: async (page) => {
      await page.goto(`${server.url}/search?q=travel`);
      await page.locator('.result').first().waitFor();
    },
    document: async (page) => {
      await page.goto(`${server.url}/d/D1`);
      await page.locator('.document-text').waitFor();
    },
    sources: async (page) => {
      await page.goto(`${server.url}/sources`);
      await page.getByText('1 document could not be read').click();
      await page.getByText('The file is encrypted').waitFor();
    },
    login: async (page) => {
      server.mock.signedIn = false;
      await page.reload();
      await page.getByText('Sign in to Cairn').waitFor();
    },
    issuer: async (page) => {
      server.mock.signedIn = false;
      server.mock.oidc = { label: 'Acme', problem: 'The identity provider cannot be reached at the moment.' };
      await page.goto(`${server.url}/login?failed=unknown`);
      await page.getByRole('link', { name: 'Sign in with Acme' }).waitFor();
      await page.getByText('There is no account.').waitFor();
    },
  };
  for (const [name, go] of Object.entries(pages)) {
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['light', 375],
      ['dark', 320],
    ]) {
      it(`${name} is accessible and fits, ${colorScheme}, ${width} px`, async () => {
        const { page, seen } = await open('/', { colorScheme, viewport: { width, height: 720 } });
        await go(page);
        // What the bars cover for a moment while scrolling is no fault: each page is looked at where they cover nothing.
        await page.evaluate(() =>
          scrollTo(0, document.querySelector('.ask') ? document.documentElement.scrollHeight : 0),
        );
        assert.deepEqual(await axe(page), []);
        assert.ok((await overflow(page)) <= 0, 'the page scrolls sideways');
        assertClean(seen);
      });
    }
  }
});
