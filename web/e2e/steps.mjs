// What several tests do and check.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Asks a question and waits for the end of its answer. */
export async function ask(page, question, timeout = 15_000) {
  const turns = await page.locator('.turn').count();
  await page.fill('#question', question);
  await page.locator('#question').press('Enter');
  await page.locator('.turn').nth(turns).locator('.turn-foot').waitFor({ timeout });
}

/** Checks that the highlighted text is the quote, but for markers of Markdown, and that the reader sees it. */
export async function assertHighlight(page, quote) {
  const marks = page.locator('mark');
  await marks.first().waitFor();
  // The panel may still show the passage before: what is highlighted is to become the quote.
  const deadline = Date.now() + 3000;
  const wanted = letters(quote);
  let text = '';
  while (Date.now() < deadline) {
    text = (await marks.allTextContents()).join('');
    if (letters(text) === wanted) break;
    await page.waitForTimeout(50);
  }
  assert.equal(letters(text), wanted);
  const seen = await marks.first().evaluate((mark) => {
    const { top, bottom } = mark.getBoundingClientRect();
    const { left } = mark.getClientRects()[0];
    const hit = document.elementFromPoint(left + 2, Math.min(bottom, top + 8));
    return bottom > 0 && top < innerHeight && mark.contains(hit);
  });
  assert.ok(seen, 'the highlight is not in view');
}

function letters(text) {
  return text.replace(/[^\p{L}\p{N}]+/gu, '');
}

/** Checks that nothing happened in the page that never may. */
export function assertClean(seen) {
  assert.deepEqual(seen, { foreign: [], dialogs: [], violations: [], errors: [] });
}

/** Returns what axe finds wrong with the page, in a few words each. */
export async function axe(page) {
  // Through the debugger, as the page's policy allows no foreign script.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await window.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
}

/** By how many pixels the page is wider than its window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
