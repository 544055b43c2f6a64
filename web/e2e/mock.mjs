// A small server with the routes that the pages use and answers that are written down here, for what a real server does not
// do on demand: connections that break in the middle, markup that attacks, sessions that end. Run it alone to work on pages:
//
//   node e2e/mock.mjs 8090

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copies, documents, script } from './mock-answers.mjs';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

class Failure extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** Starts a mock on a free port of this machine, or the one given. */
export async function startMock({ port = 0, stepMs = 5 } = {}) {
  const mock = new Mock(stepMs);
  const server = createServer((request, response) => mock.handle(request, response));
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    mock,
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

class Mock {
  signedIn = true;
  /** The issuer at which people sign in; null: none. */
  oidc = null;
  /** Streams break after so many events, 0: they do not. */
  breakAfter = 0;
  requests = [];
  conversations = new Map();
  messages = new Map();
  syncing = 0;
  #ids = 0;

  constructor(stepMs) {
    this.stepMs = stepMs;
  }

  async handle(request, response) {
    const url = new URL(request.url, 'http://mock');
    try {
      if (!url.pathname.startsWith('/api/')) return sendFile(url.pathname, response);
      const body = await readJSON(request);
      this.requests.push({ method: request.method, path: url.pathname, body, headers: request.headers });
      if (!this.signedIn && url.pathname !== '/api/v1/login')
        throw new Failure(401, 'unauthenticated', 'sign in first');
      await this.#route(request, url, body, response);
    } catch (error) {
      if (!(error instanceof Failure)) console.error(error);
      const { status = 500, code = 'internal', message } = error;
      if (!response.headersSent) sendJSON(response, status, { error: { code, message } });
    }
  }

  async #route(request, url, body, response) {
    const [kind, id, part] = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    const reply = (value, status = 200) => sendJSON(response, status, value);
    switch (`${request.method} ${kind}${id === undefined ? '' : '/:id'}${part === undefined ? '' : `/${part}`}`) {
      case 'GET me':
        return reply({
          id: 'A1',
          email: 'ann@example.com',
          name: 'Ann Example',
          role: 'admin',
          via: 'session',
          scopes: [],
          principals: [],
          password: 'off',
        });
      case 'GET login':
        return reply({
          oidc: this.oidc,
          passwords: false,
          failure: url.searchParams.get('failed') === 'unknown' ? 'There is no account.' : null,
        });
      case 'POST login':
        only(body, 'code', 'email');
        if (body.code !== 'GOOD-CODE')
          throw new Failure(401, 'unauthenticated', 'the code is wrong or was used before');
        this.signedIn = true;
        return reply({
          id: 'A1',
          email: 'ann@example.com',
          name: 'Ann Example',
          role: 'admin',
          via: 'session',
          scopes: [],
          principals: [],
          password: 'off',
        });
      case 'POST users/:id/code':
        return reply({ code: 'XK4T-9QWM-27RD-HB5N', expires_at: '2026-11-24T09:30:00Z' });
      case 'POST ask':
        only(body, 'question', 'conversation_id', 'parent_message_id', 'sources', 'filters', 'model', 'stream');
        return this.#stream(this.#ask(body), 0, response);
      case 'GET messages/:id':
        return reply(this.#messageJSON(this.#message(id)));
      case 'GET messages/:id/stream':
        return this.#stream(this.#message(id), Number(request.headers['last-event-id'] ?? 0), response);
      case 'DELETE messages/:id/stream':
        this.#message(id).stopped = true;
        return reply(undefined, 204);
      case 'POST messages/:id/feedback':
        only(body, 'rating', 'reason', 'comment');
        this.#message(id);
        return reply(undefined, 204);
      case 'GET conversations':
        return reply({ conversations: [...this.conversations.values()].reverse(), next_cursor: null });
      case 'GET conversations/:id': {
        const messages = [...this.messages.values()].filter((message) => message.conversation === id);
        return reply({ ...this.#conversation(id), messages: messages.map((message) => this.#messageJSON(message)) });
      }
      case 'PATCH conversations/:id':
        only(body, 'title');
        return reply(Object.assign(this.#conversation(id), body));
      case 'DELETE conversations/:id':
        this.#conversation(id);
        this.conversations.delete(id);
        return reply(undefined, 204);
      case 'POST search':
        only(body, 'query', 'limit', 'cursor', 'sources', 'filters', 'mode', 'explain');
        return reply(search(body));
      case 'GET suggest':
        return reply({ suggestions: Object.values(documents).map(({ title }) => ({ text: title, type: 'title' })) });
      case 'GET documents/:id':
        return reply(documentJSON(id, url.searchParams.get('version')));
      case 'GET sources':
        return reply({ sources: this.#sources(), next_cursor: null });
      case 'POST sources/:id/sync':
        only(body, 'full', 'dry_run', 'confirm');
        this.syncing = 3;
        return reply(this.#sources()[0].last_run, 202);
      case 'GET sources/:id/errors':
        return reply({
          errors: [
            {
              external_id: 'contracts/old.pdf',
              url: '',
              reason: 'The file is encrypted: remove its password and sync again.',
              code: 'encrypted',
              attempts: 2,
              at: '2026-11-20T08:00:00Z',
            },
          ],
          next_cursor: null,
        });
      default:
        throw new Failure(404, 'not_found', 'not found');
    }
  }

  #ask(body) {
    const conversation = body.conversation_id ?? this.#newConversation(body.question);
    this.#conversation(conversation);
    const parent = body.parent_message_id ?? null;
    if (parent !== null) this.#message(parent);
    const id = `M${++this.#ids}`;
    const message = {
      id,
      conversation,
      parent,
      question: body.question,
      events: [],
      waiting: new Set(),
      stopped: false,
      broken: 0,
    };
    this.messages.set(id, message);
    void this.#produce(message);
    return message;
  }

  #newConversation(title) {
    const id = `C${++this.#ids}`;
    const now = new Date().toISOString();
    this.conversations.set(id, { id, title: title.slice(0, 80), created_at: now, updated_at: now });
    return id;
  }

  /** Makes the events of an answer one after another, whoever listens. */
  async #produce(message) {
    const emit = (event, data) => {
      message.events.push({ event, data });
      for (const wake of message.waiting) wake();
    };
    const base = { conversation_id: message.conversation, message_id: message.id };
    emit('start', base);
    const answer = {
      ...base,
      state: 'running',
      outcome: '',
      text: '',
      sentences: [],
      citations: [],
      nearest: [],
      model: 'extractive',
      usage: { input_tokens: 0, cached_tokens: 0, output_tokens: 0, cost_usd: 0 },
      notices: [],
      took_ms: 0,
    };
    message.answer = answer;
    for (const step of script(message.question)) {
      await new Promise((resolve) => setTimeout(resolve, step.ms ?? this.stepMs));
      if (message.stopped) break;
      const { event, data } = step;
      if (event === 'delta') {
        const before = Buffer.byteLength(answer.text);
        const lead = Buffer.byteLength(data.text) - Buffer.byteLength(data.text.trimStart());
        answer.text += data.text;
        const sentence = { start: before + lead, end: Buffer.byteLength(answer.text), support: data.support };
        answer.sentences.push(sentence);
        emit(event, { text: data.text, ...sentence });
      } else if (event === 'citation') {
        const { start, end } = answer.sentences.at(-1);
        const citation = { ...data, answer_start: start, answer_end: end };
        answer.citations.push(citation);
        emit(event, citation);
      } else if (event === 'reset') {
        Object.assign(answer, { text: '', sentences: [], citations: [] });
        emit(event, {});
      } else if (event === 'end') {
        Object.assign(answer, data);
      } else {
        emit(event, data);
      }
    }
    Object.assign(answer, {
      state: message.stopped ? 'stopped' : 'complete',
      outcome: answer.outcome || 'answered',
      took_ms: 321,
    });
    emit('done', answer);
  }

  async #stream(message, after, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const breakAt = this.breakAfter > 0 && message.broken < 2 ? after + this.breakAfter : Infinity;
    let wake = () => {};
    message.waiting.add(() => wake());
    response.once('close', () => wake());
    for (let k = after; !response.destroyed;) {
      const next = message.events[k];
      if (!next) {
        await new Promise((resolve) => (wake = resolve));
        continue;
      }
      k++;
      const text = `id: ${k}\nevent: ${next.event}\ndata: ${JSON.stringify(next.data)}\n\n`;
      if (k === breakAt) {
        message.broken++;
        response.write(text.slice(0, text.length >> 1));
        setTimeout(() => response.destroy(), 50); // what was written arrives, the rest never does
        return;
      }
      response.write(text);
      if (next.event === 'done' || next.event === 'error') return response.end();
    }
  }

  #sources() {
    const running = this.syncing > 0;
    if (running) this.syncing--;
    const run = {
      id: 'R1',
      state: running ? 'running' : 'partial',
      full: false,
      dry_run: false,
      reason: '',
      created_at: '2026-11-23T09:00:00Z',
      started_at: '2026-11-23T09:00:01Z',
      finished_at: running ? null : '2026-11-23T09:00:09Z',
      total: 41,
      scanned: running ? 20 : 41,
      added: 2,
      modified: 1,
      deleted: 0,
      failed: 1,
      unchanged: 37,
    };
    const acl = { allow: [['everyone']] };
    const base = {
      settings: {},
      acl_mode: 'declared',
      acl,
      owner: 'A1',
      paused: false,
      created_at: '2026-11-01T09:00:00Z',
    };
    return [
      { id: 'S1', name: 'handbook', kind: 'files', documents: 40, errors: 1, last_run: run, ...base },
      { id: 'S2', name: 'notes', kind: 'push', documents: 3, errors: 0, ...base },
    ];
  }

  #conversation(id) {
    const conversation = this.conversations.get(id);
    if (!conversation) throw new Failure(404, 'not_found', 'not found');
    return conversation;
  }

  #message(id) {
    const message = this.messages.get(id);
    if (!message) throw new Failure(404, 'not_found', 'not found');
    return message;
  }

  #messageJSON({ id, parent, question, answer }) {
    return { id, parent_message_id: parent, question, withheld: false, created_at: '2026-11-23T09:00:00Z', answer };
  }
}

function documentJSON(id, version) {
  const document = documents[id];
  if (!document || document.gone) throw new Failure(404, 'not_found', 'not found');
  const chosen =
    version === null ? document.versions.at(-1) : document.versions.find((candidate) => candidate.version === version);
  if (!chosen) throw new Failure(404, 'not_found', 'not found');
  const state = chosen === document.versions.at(-1) ? 'current' : 'changed';
  const { title, url, author, kind, external_id } = document;
  return {
    id,
    version: chosen.version,
    state,
    source: 'handbook',
    external_id,
    kind,
    title,
    url,
    author,
    language: 'en',
    text: chosen.text,
    sections: [],
    updated_at: '2026-10-02T09:30:00Z',
    attributes: {},
  };
}

function search({ query, sources }) {
  const results = Object.entries(documents)
    .filter(([, document]) => !document.gone && (sources === undefined || sources.includes('handbook')))
    .map(([id, document]) => {
      const { version, text } = document.versions.at(-1);
      const snippet = text.slice(0, 160);
      return {
        document_id: id,
        version,
        source: 'handbook',
        kind: document.kind,
        title: document.title,
        url: document.url,
        author: '',
        heading: [document.title],
        snippet,
        start: 0,
        end: Buffer.byteLength(snippet),
        score: 0.9,
        updated_at: '2026-10-02T09:30:00Z',
        ...(copies[id] ? { also_in: copies[id] } : {}),
      };
    })
    .filter(() => !query.includes('nothing'));
  return {
    results,
    facets: { source: { handbook: results.length }, kind: { page: results.length } },
    mode: 'hybrid',
    next_cursor: null,
    notices: query.startsWith('"')
      ? [{ code: 'phrase_truncated', message: 'Not all were checked for the phrase.' }]
      : [],
    took_ms: 4,
  };
}

function only(body, ...fields) {
  for (const name of Object.keys(body)) {
    if (!fields.includes(name)) throw new Failure(400, 'invalid', `unknown field "${name}"; check its spelling`);
  }
}

async function readJSON(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  if (text === '') return {};
  if (request.headers['content-type'] !== 'application/json')
    throw new Failure(400, 'invalid', 'send application/json');
  return JSON.parse(text);
}

function sendJSON(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(value === undefined ? undefined : JSON.stringify(value));
}

function sendFile(path, response) {
  let file = join(dist, normalize(path));
  if (!existsSync(file) || statSync(file).isDirectory()) file = join(dist, 'index.html');
  response.writeHead(200, {
    'content-type': types[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  });
  createReadStream(file).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock({ port: Number(process.argv[2] ?? 8090), stepMs: 400 });
  console.log(url);
}
