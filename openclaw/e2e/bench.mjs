// @ts-nocheck
/**
 * An agent-sized turn (66 kB of request, 300 events) through the adapter and through OpenClaw's own client, in turn: wall-clock and
 * processor time in ms. `node e2e/bench.mjs`, with Node 24 and OpenClaw installed here.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
registerHooks({ resolve: (s, c, n) => s.startsWith('openclaw/') ? n(s, { ...c, parentURL: import.meta.url }) : n(s, c) });
const { buildGuardedModelFetch } = await import('openclaw/plugin-sdk/provider-transport-runtime');
const { streamSimple } = await import('openclaw/plugin-sdk/llm');
const { streamFn } = await import('../src/chat.js');
const server = spawn(process.execPath, [fileURLToPath(new URL('../bench-worker.mjs', import.meta.url)), '--server'], { stdio: ['ignore', 'pipe', 'inherit'] });
const { value: at } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
const model = { id: 'm', name: 'm', provider: 'portkey', api: 'openai-completions', baseUrl: `http://127.0.0.1:${at}/v1`, input: ['text'], reasoning: false, contextWindow: 200000, maxTokens: 1000, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, headers: {} };
const context = { systemPrompt: 'x'.repeat(50000), messages: Array.from({ length: 16 }, (_, i) => ({ role: 'user', content: `${i} ${'x'.repeat(980)}`, timestamp: 0 })), tools: [] };
const run = async (fn) => {
  const stream = fn(model, context, { apiKey: 'K-0123456789' });
  for await (const _ of await stream);
  const { stopReason, errorMessage } = await (await stream).result();
  if (stopReason !== 'stop') throw new Error(errorMessage);
};
const arms = { own: () => run(streamSimple), ours: () => run(streamFn({})) };
const taken = {};
for (let round = 0; round < 120; round++) {
  for (const [name, turn] of Object.entries(arms)) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await turn();
    const { user, system } = process.cpuUsage(cpu);
    if (round < 20) continue;
    (taken[name] ??= { wall: [], cpu: [] }).wall.push(performance.now() - start);
    taken[name].cpu.push((user + system) / 1000);
  }
}
const median = (v) => [...v].sort((a, b) => a - b)[Math.floor(v.length / 2)].toFixed(2);
for (const [name, { wall, cpu }] of Object.entries(taken)) console.log(name, median(wall), median(cpu));
server.kill();
process.exit(0);
