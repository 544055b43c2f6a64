// Fails when what a browser loads for the first page is larger than it may be.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const KB = 1024;
const budgets = { js: 60 * KB, css: 15 * KB };

const dist = new URL('../dist', import.meta.url).pathname;
const index = await readFile(join(dist, 'index.html'), 'utf8');
const files = [...index.matchAll(/(?:src|href)="\/([^"]+\.(js|css))"/g)].map(([, path, kind]) => ({ path, kind }));
const all = (await readdir(join(dist, 'assets'))).filter((name) => /\.(js|css)$/.test(name));
const size = async (path) => gzipSync(await readFile(join(dist, path)), { level: 9 }).length;

let failed = files.length === 0;
for (const [kind, budget] of Object.entries(budgets)) {
  let sum = 0;
  for (const file of files) if (file.kind === kind) sum += await size(file.path);
  console.log(`${kind} of the first page: ${(sum / KB).toFixed(1)} KB gz of ${budget / KB}`);
  failed ||= sum > budget;
}
for (const name of all) {
  const path = `assets/${name}`;
  if (!files.some((file) => file.path === path))
    console.log(`  later: ${name} ${((await size(path)) / KB).toFixed(1)} KB gz`);
}
if (failed) {
  console.error('the first page is larger than its budget, or the build has no files');
  process.exit(1);
}
