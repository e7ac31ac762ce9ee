/**
 * What one turn of an agent costs in OpenClaw's modules, through our client and through OpenClaw's own: `npm run bench:turn`.
 * Both have the same model with the same `compat` and a payload hook, as in an agent run, and take turns. The gateway is
 * another process.
 */
import { spawn } from 'node:child_process';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const EVENTS = 300;
const TURNS = 200;
const self = fileURLToPath(import.meta.url);

if (process.argv[2] === '--server') {
  const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) =>
    `data: ${JSON.stringify({ id: 'c1', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const events = [
    ...Array.from({ length: EVENTS }, (_, i) => chunk({ content: `word ${i} ` })),
    chunk({}, 'stop'),
    `data: ${JSON.stringify({ id: 'c1', model: 'm', choices: [], usage: { prompt_tokens: 16_000, completion_tokens: EVENTS } })}\n\n`,
    'data: [DONE]\n\n',
  ];
  const server = http
    .createServer(async (req, res) => {
      if (req.method === 'GET') return res.writeHead(404).end(); // a price
      for await (const _ of req); // read it all
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < events.length; i += 10) {
        // as they come from a network
        res.write(events.slice(i, i + 10).join(''));
        await new Promise((resolve) => setImmediate(resolve));
      }
      res.end();
    })
    .listen(0, '127.0.0.1', () => console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
} else {
  const { ourClient, ownClient } = await import('./modules.mjs');
  const server = spawn(process.execPath, [self, '--server'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value: port } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  const model = {
    id: '@anthropic/claude-sonnet-4-5',
    name: 'Claude',
    provider: 'portkey',
    api: 'openai-completions',
    baseUrl: `http://127.0.0.1:${port}/v1`,
    reasoning: true,
    input: ['text', 'image'],
    cost: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    contextWindow: 200_000,
    maxTokens: 64_000,
    compat: {
      cacheControlFormat: 'anthropic',
      supportsReasoningEffort: true,
      maxTokensField: 'max_tokens',
      supportsUsageInStreaming: true,
    },
  };
  const words = (/** @type {number} */ bytes) => 'The agent reads files and "runs" commands.\n'.repeat(bytes / 43);
  const properties = Object.fromEntries(
    ['path', 'pattern', 'limit', 'offset', 'mode'].map((name) => [name, { type: 'string', description: words(86) }]),
  );
  const context = () => ({
    systemPrompt: `${words(44_000)}\n<!-- OPENCLAW_CACHE_BOUNDARY -->\n${words(4_000)}`,
    messages: [{ role: 'user', content: 'ping', timestamp: 0 }],
    tools: Array.from({ length: 14 }, (_, i) => ({
      name: `tool_${i}`,
      description: words(300),
      parameters: { type: 'object', properties, required: ['path'] },
    })),
  });
  let bytes = 0;
  const turn = async (/** @type {any} */ client) => {
    const from = context();
    const options = {
      apiKey: 'K',
      reasoning: 'low',
      cacheRetention: 'short',
      onPayload: (/** @type {any} */ payload) => {
        bytes ||= JSON.stringify(payload).length;
        payload.parallel_tool_calls = true;
      },
    };
    const before = process.cpuUsage();
    const start = performance.now();
    let deltas = 0;
    const stream = client(model, from, options);
    for await (const event of stream) if (event.type === 'text_delta') deltas++;
    const { stopReason, errorMessage } = await stream.result();
    const wall = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    if (stopReason !== 'stop' || !deltas) throw new Error(errorMessage);
    return { wall, cpu: (user + system) / 1000 };
  };
  const median = (/** @type {number[]} */ values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const [own, ours] = [ownClient, ourClient()];
  for (let i = 0; i < 40; i++) {
    await turn(own);
    await turn(ours);
  }
  const took = [];
  for (let i = 0; i < TURNS; i++) {
    const pair = i % 2 ? [await turn(own), await turn(ours)] : [await turn(ours), await turn(own)].reverse();
    took.push(pair);
  }
  console.log(`one turn: ${bytes} bytes sent, ${EVENTS} events, ${TURNS} pairs of turns, medians`);
  for (const [name, key] of /** @type {const} */ ([
    ['wall time', 'wall'],
    ['processor time', 'cpu'],
  ])) {
    const [theirs, mine] = [0, 1].map((side) => median(took.map((pair) => pair[side][key])));
    const ratio = median(took.map(([a, b]) => b[key] / a[key]));
    console.log(
      `${name.padEnd(16)} ${mine.toFixed(2)} ms, OpenClaw's own client ${theirs.toFixed(2)} ms: ${ratio.toFixed(2)}x`,
    );
  }
  server.kill();
  process.exit(0); // OpenClaw's modules keep timers
}
