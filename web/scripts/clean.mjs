// Empties dist before a build, but for the page that stands in for one.

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const dist = new URL('../dist', import.meta.url).pathname;

for (const name of await readdir(dist)) {
  if (name !== 'stub.html') await rm(join(dist, name), { recursive: true });
}
