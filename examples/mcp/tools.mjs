// Lists the tools of a Cairn server and calls each of them once, in one line of JSON each.
//
//   CAIRN_TOKEN=cairn_… node tools.mjs http://127.0.0.1:8080/mcp "hotel limit"
//   node tools.mjs "cairn mcp" "hotel limit"
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [at, query] = process.argv.slice(2);

function server() {
  if (at.startsWith('http')) {
    const headers = { Authorization: `Bearer ${process.env.CAIRN_TOKEN}` };
    return new StreamableHTTPClientTransport(new URL(at), { requestInit: { headers } });
  }
  const [command, ...args] = at.split(' ');
  return new StdioClientTransport({ command, args, env: process.env });
}

const client = new Client({ name: 'tools', version: '1' });
await client.connect(server());
const { tools } = await client.listTools();
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name) }));

async function call(name, args) {
  // Progress, which an answer of a slow model tells, begins the client's patience anew.
  const result = await client.callTool({ name, arguments: args }, undefined, {
    onprogress: () => {},
    resetTimeoutOnProgress: true,
  });
  console.log(JSON.stringify({ tool: name, result }));
  return result.structuredContent ?? {};
}

const found = await call('search', { query });
await call('fetch', { id: found.results[0].id });
await call('ask', { question: query });
const code = await call('search_code', { query });
if (code.results.length > 0) {
  const { repo, path } = code.results[0];
  await call('read_file', { repo, path });
}
await call('list_sources', {});
await client.close();
