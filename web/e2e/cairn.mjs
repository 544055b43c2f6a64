// The real program as a server of its own: a fresh data directory, a free port, the sample company, and a model that is
// played by this process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = process.env.CAIRN_BIN ?? fileURLToPath(new URL('../../bin/cairn', import.meta.url));
const READY_MS = 120_000;

/** Starts the program, empty, where people sign in with passwords; its code is that of the first administrator. */
export async function startWithPasswords() {
  const server = await newCairn();
  Object.assign(server.environment, { CAIRN_SAMPLE: 'off', CAIRN_PASSWORDS: 'on' });
  await server.start(/code {2}(\S+)/);
  return server;
}

/** Starts the program with the sample company. With a model, answers come from it; else they are extractive. */
export async function startCairn({ model } = {}) {
  const server = await newCairn(model);
  await server.start();
  await server.indexed();
  return server;
}

async function newCairn(model) {
  if (!existsSync(program)) throw new Error(`${program} does not exist; run make build, or set CAIRN_BIN`);
  return new Cairn(await mkdtemp(join(tmpdir(), 'cairn-e2e-')), await freePort(), model);
}

class Cairn {
  constructor(data, port, model) {
    this.data = data;
    this.url = `http://127.0.0.1:${port}`;
    this.environment = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      CAIRN_SAMPLE: 'on',
      CAIRN_DATA_DIR: data,
      CAIRN_ADDR: `127.0.0.1:${port}`,
      ...(model ? { CAIRN_LLM_URL: model.url, CAIRN_LLM_MODEL: 'scripted', CAIRN_LLM_API_KEY: 'none' } : {}),
    };
  }

  /** Starts the process and waits for what lets in: the token of the printed address, which it keeps in entry, or a code. */
  async start(pattern = /\?token=(\S+)/) {
    this.output = '';
    this.process = spawn(program, ['serve'], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit');
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    await this.#until('what lets in', async () => {
      if (this.process.exitCode !== null) throw new Error(`the server ended:\n${this.output}`);
      this.token = pattern.exec(this.output)?.[1];
      return this.token !== undefined;
    });
    this.entry = `${this.url}/?token=${this.token}`;
    await this.#until('readiness', async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Stops the process as an operator would. */
  async stop() {
    this.process.kill('SIGTERM');
    await this.exited;
  }

  /** Stops the process and removes what it kept. */
  async remove() {
    await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }

  async api(method, path, body) {
    const response = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  /** Waits until the sample company can be searched. */
  async indexed() {
    await this.#until('the sample company', async () => {
      const { sources } = await this.api('GET', 'sources');
      return ['succeeded', 'partial'].includes(sources[0]?.last_run?.state);
    });
  }

  async #until(what, done) {
    const deadline = Date.now() + READY_MS;
    while (Date.now() < deadline) {
      if (await done().catch((error) => (/ended/.test(error.message) ? Promise.reject(error) : false))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} did not come within ${READY_MS / 1000} s:\n${this.output}`);
  }
}

/** A model that repeats sentences of the passages it is given, word by word, so slowly that a test can come between. */
export async function startModel({ wordMs = 12 } = {}) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { messages } = JSON.parse(body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (choice) =>
      response.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [choice] })}\n\n`);
    for (const word of repeat(JSON.stringify(messages.at(-1).content)).split(/(?<= )/)) {
      if (response.destroyed) return;
      send({ index: 0, delta: { content: word } });
      await new Promise((resolve) => setTimeout(resolve, wordMs));
    }
    send({ index: 0, delta: {}, finish_reason: 'stop' });
    response.end('data: [DONE]\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Plain sentences of the passages of a prompt, each with the number of its passage. */
function repeat(json) {
  const prompt = json.replaceAll('\\n', '\n');
  const passages = [...prompt.matchAll(/=== BEGIN \S+ PASSAGE (\d+) ===\n(.*?)=== END/gs)];
  const sentences = passages.flatMap(([, number, text]) =>
    [...text.matchAll(/(?<=[.\n] ?)[A-Z][a-z]+(?: [a-z0-9,€]+){5,20}(?=\.)/g)].map(
      ([sentence]) => `${sentence} [${number}].`,
    ),
  );
  return sentences.slice(0, 14).join(' ') || 'NOT_IN_PASSAGES';
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
