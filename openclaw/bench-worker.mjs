/**
 * What it would cost to run the component in one shared worker, where a deadline could end it: an agent-sized turn (66 kB of
 * request, 300 events) with the component on this thread, in a worker with JSPI and events handed over in batches, and with plain
 * fetch, taken in turn. Wall-clock time, and processor time of the process. `node --import ./test/host.mjs bench-worker.mjs`
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { use } from './src/component.js';

const self = fileURLToPath(import.meta.url);
const EVENTS = 300;

/** @param {(url: any, init: any) => Promise<Response>} fetch */
const egress = (fetch, origin = '') => ({ origin, fetch, attached: /** @type {[string, string][]} */ ([['x-portkey-api-key', 'K-bench']]), secrets: ['K-bench-0123456789'], reserved: ['x-portkey-api-key'] });

/** @param {any} from @param {any} connection @param {any} request @param {(events: any[]) => void} take */
const turn = (from, connection, request, take) => use(from, async ({ chat }) => {
  const stream = await chat.stream(connection, request);
  for (let batch = await stream.next(); batch.length; batch = await stream.next()) take(batch);
});

if (process.argv[2] === '--server') {
  const http = await import('node:http');
  const chunk = (/** @type {any} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const server = http.createServer(async (req, res) => {
    for await (const _ of req);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < EVENTS; i++) {
      res.write(chunk({ content: `word ${i} ` }));
      if (i % 10 === 9) await new Promise((resolve) => { setImmediate(resolve); });
    }
    res.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
  }).listen(0, '127.0.0.1', () => console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
} else if (!isMainThread) {
  const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  /** @type {Map<string, any>} */ const open = new Map();
  port.on('message', ({ id, kind, value }) => {
    const one = open.get(id);
    if (kind === 'head') one.head(value);
    else if (kind === 'piece') one.controller.enqueue(value);
    else if (kind === 'end') one.controller.close();
    else if (kind === 'turn') {
      const fetch = (/** @type {URL} */ url, /** @type {any} */ init) => new Promise((resolve) => {
        const body = new ReadableStream({ start: (controller) => { open.set(id, { controller, head: (/** @type {any} */ head) => resolve(new Response(body, head)) }); } });
        port.postMessage({ id, kind: 'fetch', value: { url: url.href, method: init.method, headers: [...init.headers], body: init.body } }, [init.body.buffer]);
      });
      turn(egress(fetch, value.origin), value.connection, value.request, (events) => port.postMessage({ id, kind: 'events', value: events }))
        .then(() => port.postMessage({ id, kind: 'done' }));
    }
  });
} else {
  const server = spawn(process.execPath, [self, '--server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value: at } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  const origin = `http://127.0.0.1:${at}`;
  const connection = { baseUrl: `${origin}/v1`, headers: [], credentials: ['portkey-api-key'], optionsJson: '{}' };
  const messages = Array.from({ length: 66 }, (_, i) => ({ tag: /** @type {const} */ ('user'), val: [{ tag: /** @type {const} */ ('text'), val: `${i} ${'x'.repeat(980)}` }] }));
  /** @type {import('./component/interfaces/openclaw-provider-chat.js').Request} */
  const request = { ask: { tag: 'prompt', val: { model: '@openai/gpt', messages, tools: [], stop: [] } }, promptCache: undefined };
  const worker = new Worker(self, { execArgv: process.execArgv });
  let turns = 0;
  /** @type {Map<string, { done: () => void, events: number }>} */ const running = new Map();
  worker.on('message', async ({ id, kind, value }) => {
    const one = /** @type {{ done: () => void, events: number }} */ (running.get(id));
    if (kind === 'events') one.events += value.length;
    else if (kind === 'done') one.done();
    else {
      const response = await fetch(value.url, { method: value.method, headers: value.headers, body: value.body });
      worker.postMessage({ id, kind: 'head', value: { status: response.status, headers: [...response.headers] } });
      for await (const piece of /** @type {any} */ (response.body)) worker.postMessage({ id, kind: 'piece', value: piece });
      worker.postMessage({ id, kind: 'end' });
    }
  });
  const arms = {
    here: () => turn(egress(fetch, origin), connection, request, () => {}),
    worker: () => new Promise((resolve) => {
      const id = `${turns++}`;
      running.set(id, { done: () => resolve(undefined), events: 0 });
      worker.postMessage({ id, kind: 'turn', value: { origin, connection, request } });
    }),
    async fetch() {
      const body = { model: 'm', stream: true, messages: messages.map(({ val }) => ({ role: 'user', content: val[0].val })) };
      const response = await fetch(`${origin}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const decoder = new TextDecoder();
      let rest = '';
      for await (const bytes of /** @type {any} */ (response.body)) {
        const events = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) if (event !== 'data: [DONE]') JSON.parse(event.slice(6));
      }
    },
  };
  /** @type {Record<string, { wall: number[], cpu: number[] }>} */ const taken = {};
  for (let round = 0; round < 120; round++) {
    for (const [name, run] of Object.entries(arms)) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      await run();
      const { user, system } = process.cpuUsage(cpu);
      if (round >= 20) {
        (taken[name] ??= { wall: [], cpu: [] }).wall.push(performance.now() - start);
        taken[name].cpu.push((user + system) / 1000);
      }
    }
  }
  const median = (/** @type {number[]} */ values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)].toFixed(2);
  for (const [name, { wall, cpu }] of Object.entries(taken)) console.log(`${name.padEnd(8)} ${median(wall)} ms, ${median(cpu)} ms of processor`);
  await worker.terminate();
  server.kill();
}
