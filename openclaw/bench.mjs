/**
 * What the component costs: `npm run bench`. Each figure is against plain fetch and JavaScript, both arms taken in turn in one run.
 * OpenClaw's own part is left out: its guarded fetch is the plain one here (test/host.mjs).
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

if (process.argv[2] === '--server') {
  const server = http.createServer(async (req, res) => {
    if (req.method === 'GET') return res.writeHead(404).end(); // a price
    let body = '';
    for await (const piece of req) body += piece;
    const [kind, count] = JSON.parse(body).model.split('-');
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < Number(count); i++) {
      res.write(chunk({ content: `word ${i} ` }));
      if (kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (kind === 'open') return; // until the client goes
    const usage = { prompt_tokens: 9, completion_tokens: Number(count), total_tokens: 9 + Number(count) };
    res.end(`${chunk({}, 'stop')}data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [], usage })}\n\ndata: [DONE]\n\n`);
  }).listen(0, '127.0.0.1', () => console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
} else if (process.argv[2] === '--first-use') {
  const start = performance.now();
  const { onboarding } = await import('./src/component.js');
  onboarding.describe();
  console.log(performance.now() - start);
} else {
  await main();
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function main() {
  const { streamFn } = await import('./src/chat.js');
  const server = spawn(process.execPath, [self, '--server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value: port } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const model = (/** @type {string} */ id) => /** @type {any} */ ({ id, provider: 'portkey', api: 'openai-completions', baseUrl, input: ['text'], maxTokens: 1000, cost: {} });
  const context = { messages: [{ role: /** @type {const} */ ('user'), content: 'ping', timestamp: 0 }] };

  /** The same call in plain JavaScript: fetch, split, parse, join. @param {string} id */
  async function plain(id) {
    const response = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-portkey-api-key': 'K' }, body: JSON.stringify({ model: id, stream: true, messages: [{ role: 'user', content: 'ping' }] }) });
    const decoder = new TextDecoder();
    let text = '';
    let rest = '';
    for await (const bytes of /** @type {ReadableStream<Uint8Array>} */ (response.body)) {
      const events = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) if (event !== 'data: [DONE]') text += JSON.parse(event.slice(6)).choices[0]?.delta.content ?? '';
    }
    return text;
  }
  const through = async (/** @type {string} */ id) => {
    const message = await streamFn({})(model(id), context, { apiKey: 'K' }).result();
    if (message.stopReason !== 'stop') throw new Error(message.errorMessage);
    return message.content;
  };
  const timed = async (/** @type {() => Promise<unknown>} */ run) => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  /** @param {string} id @param {number} times */
  async function paired(id, times) {
    for (let i = 0; i < 20; i++) { await plain(id); await through(id); }
    const a = [], b = [], difference = [];
    for (let i = 0; i < times; i++) {
      const [x, y] = i % 2 ? [await timed(() => plain(id)), await timed(() => through(id))] : [await timed(() => through(id)), await timed(() => plain(id))].reverse();
      a.push(x); b.push(y); difference.push(y - x);
    }
    return { plain: median(a), component: median(b), difference: median(difference) };
  }

  const dist = new URL('../dist/', import.meta.url);
  for (const name of existsSync(dist) ? readdirSync(dist) : []) if (name.endsWith('.tgz')) console.log(`package                  ${statSync(new URL(name, dist)).size} bytes`);
  const first = Array.from({ length: 7 }, () => Number(execFileSync(process.execPath, [self, '--first-use'], { encoding: 'utf8' })));
  console.log(`first use to ready       ${median(first).toFixed(1)} ms`);
  const chat = await paired('fast-3', 400);
  console.log(`one chat                 ${chat.difference.toFixed(3)} ms more than fetch (${chat.component.toFixed(2)} / ${chat.plain.toFixed(2)} ms)`);
  const long = await paired('fast-2000', 40);
  console.log(`one streamed event       ${(long.component / 2).toFixed(1)} us, ${(long.component / long.plain).toFixed(2)}x plain JavaScript (${(long.plain / 2).toFixed(1)} us)`);

  /** @param {(signal: AbortSignal) => Promise<unknown>} open */
  async function memory(open) {
    const controller = new AbortController();
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    await Promise.all(Array.from({ length: 100 }, () => open(controller.signal)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    globalThis.gc?.();
    const used = (process.memoryUsage().rss - before) / 100 / 2 ** 20;
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return used;
  }
  const openPlain = async (/** @type {AbortSignal} */ signal) => { const r = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', body: '{"model":"open-3"}', signal }); await r.body?.getReader().read(); };
  const openThrough = (/** @type {AbortSignal} */ signal) => new Promise((resolve) => {
    const reply = streamFn({})(model('open-3'), context, { apiKey: 'K', signal });
    (async () => { for await (const event of reply) if (event.type === 'text_delta') resolve(undefined); })();
  });
  const bare = await memory(openPlain);
  const held = await memory(openThrough);
  console.log(`memory, an open stream   ${held.toFixed(2)} MB (fetch alone: ${bare.toFixed(2)} MB)`);
  const hundred = (/** @type {(id: string) => Promise<unknown>} */ run) => timed(() => Promise.all(Array.from({ length: 100 }, () => run('slow-20'))));
  const [p, c] = [await hundred(plain), await hundred(through)];
  console.log(`100 streams at once      ${c.toFixed(0)} ms (fetch alone: ${p.toFixed(0)} ms; each lasts at least 400 ms)`);
  server.kill();
}
