/** The component's instances, its memory and its file. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { instantiate } from '../component/provider.js';
import { componentOf, coreModules, use } from '../src/component.js';
import { wasiHttp } from '../src/wasi-http.js';
import { connect } from '../src/config.js';
import { chunk, gateway, goesOn, origin } from './gateway.mjs';

const bytes = new Uint8Array(readFileSync(new URL('../component/portkey-provider.wasm', import.meta.url)));
const nowhere = { origin: '', fetch, attached: [], reserved: [] };
/** @type {import('../component/interfaces/openclaw-provider-chat.js').Request} */
const request = {
  ask: { tag: 'prompt', val: { model: 'm', messages: [{ tag: 'user', val: [{ tag: 'text', val: 'x' }] }], tools: [], stop: [] } },
  promptCache: undefined,
};

test('each call has one of its own', async () => {
  const instances = [];
  for (let i = 0; i < 3; i++) instances.push(await use(nowhere, async (provider) => provider));
  assert.equal(new Set(instances).size, 3);
  assert.equal(new Set(instances.map(({ chat }) => chat)).size, 3);
});

test('what a call leaves open is ended with it', { timeout: 30_000 }, async () => {
  const closed = goesOn();
  const { connection, ...egress } = connect({ config: {}, apiKey: 'K', headers: {}, baseUrl: `${origin}/v1` });
  await use({ ...egress, fetch }, async ({ chat }) => { await (await chat.stream(connection, request)).next(); });
  await closed;
});

test('a call that goes on for ever is ended', { timeout: 30_000 }, async () => {
  gateway.answer = (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => res.write(chunk({ content: 'on ' })), 5);
    res.once('close', () => clearInterval(timer));
  };
  const { connection, ...egress } = connect({ config: {}, apiKey: 'K', headers: {}, baseUrl: `${origin}/v1` });
  await assert.rejects(use({ ...egress, fetch, limits: { call: 200 } }, async ({ chat }) => {
    for (const stream = await chat.stream(connection, request); ;) await stream.next();
  }), /longer than 0.2 s as a whole/);
});

test('the component can have 512 MiB of memory, and no more', () => {
  const modules = coreModules(bytes);
  /** @type {WebAssembly.Memory[]} */ const memories = [];
  const imports = /** @type {any} */ ({ ...wasiHttp().imports, handed: new TextDecoder() });
  instantiate((path) => new WebAssembly.Module(modules[Number(/core(\d*)\.wasm$/.exec(path)?.[1] || 1) - 1]), imports, (module, given) => {
    const instance = new WebAssembly.Instance(module, given);
    memories.push(...Object.values(instance.exports).filter((one) => one instanceof WebAssembly.Memory));
    return instance;
  });
  assert.equal(new Set(memories).size, 1);
  const [memory] = memories;
  const pages = 512 * 2 ** 20 / 65536;
  assert.throws(() => memory.grow(pages - memory.buffer.byteLength / 65536 + 1), RangeError);
  memory.grow(pages - memory.buffer.byteLength / 65536);
});

test('what is known of models comes of no instance that is used up, or has failed', () => {
  let made = 0;
  let fails = false;
  const counted = /** @type {typeof instantiate} */ ((/** @type {Parameters<typeof instantiate>} */ ...given) => {
    made++;
    if (fails) return /** @type {any} */ ({ models: { traitsOf() { throw new Error('unreachable'); } } });
    return instantiate(...given);
  });
  const { traitsOf } = componentOf(counted, () => coreModules(bytes));
  for (let asked = 0; asked < 25_000; asked++) traitsOf('@openai/gpt-5.1');
  assert.equal(made, 3);
  fails = true;
  for (let asked = 0; asked < 5001; asked++) try { traitsOf('m'); } catch { /* of the last instance, or of one that fails */ }
  fails = false;
  assert.equal(traitsOf('@openai/gpt-5.1').reasoning, true);
});

test('a file that is no component, or part of one, is looked through in words', () => {
  const odd = [0, 1, 7, 8, 9, 10, 1000].map((length) => bytes.slice(0, length));
  const header = bytes.slice(0, 8);
  for (const tail of [[1], [1, 0xff], [1, 0xff, 0xff, 0xff, 0xff, 0x7f], Array.from({ length: 4096 }, () => 0xff), [1, 0, 1, 0, 1, 0], Array.from({ length: 4096 }, (_, at) => at % 2)]) odd.push(new Uint8Array([...header, ...tail]));
  for (const file of odd) {
    const found = coreModules(file);
    assert.ok(found.length <= file.length && found.every((module) => module.length <= file.length));
    assert.throws(() => componentOf(instantiate, () => coreModules(file)).traitsOf('m'), Error);
  }
  assert.equal(componentOf(instantiate, () => coreModules(bytes)).traitsOf('@openai/gpt-5.1').reasoning, true);
});
