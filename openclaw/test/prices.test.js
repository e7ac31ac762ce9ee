/** What models and replies cost, by the built component and a server in place of the gateway and its price list. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { streamFn } from '../src/chat.js';
import { describeModel, isChat, normalizeResolvedModel, runCatalog, toRows } from '../src/models.js';
import { PriceGateway, entry, told, waitForPrices } from './prices.mjs';
import { RawGateway } from './raw.mjs';

const KEY = 'pk-prices-secret';
/** Where a price list may send us. */
const elsewhere = new RawGateway(KEY);
/** @type {Record<string, string>} */
const PRICES = {
  'openai/gpt-5': '{"pay_as_you_go":{"request_token":{"price":0.000125},"response_token":{"price":0.001},"cache_read_input_token":{"price":0.0000125}}}',
  'azure-openai/gpt-5': '{"pay_as_you_go":{"request_token":{"price":0.0002},"response_token":{"price":0.002}}}',
};
const COST = { input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 1.25 };

/** @type {import('./prices.mjs').Tell} */
const tell = (res, model) => (PRICES[model] ? told(PRICES[model]) : told('{"error":"Model not found"}', '404 Not Found'))(res, model);

/** What was asked for, which was asked for without a key. @param {PriceGateway} gateway */
const asked = (gateway) => gateway.asked().map(({ path, headers }) => {
  assert.ok(!JSON.stringify(headers).includes('secret'), JSON.stringify(headers));
  assert.deepEqual(Object.keys(headers).filter((name) => /portkey|authorization/.test(name)), []);
  return decodeURIComponent(path);
});

const configOf = (/** @type {string} */ baseUrl, /** @type {object} */ provider = {}) => ({ models: { providers: { portkey: {
  baseUrl, headers: { Authorization: 'Bearer sk-secret', 'x-portkey-metadata': '{"_user":"secret"}', 'x-corp': 'secret' }, ...provider,
} } } });

/** @param {any} config @param {object} [more] of the model */
async function chat(config, more) {
  const { baseUrl, headers } = config.models.providers.portkey;
  const model = { ...describeModel('@team/gpt-5', config), provider: 'portkey', api: 'openai-completions', baseUrl, headers, ...more };
  const message = await streamFn(config)(model, { messages: [{ role: 'user', content: 'ping', timestamp: 0 }] }, { apiKey: KEY }).result();
  assert.equal(message.stopReason, 'stop', message.errorMessage);
  return message.usage.cost.total;
}

test('a reply costs what the model costs that answered, and the price is asked for once and without the key', async (t) => {
  waitForPrices(t);
  const gateway = await PriceGateway.start(t, { tell, report: { 'x-portkey-provider': 'openai' } });
  const config = configOf(gateway.baseUrl);
  assert.ok(Math.abs(await chat(config) - (0.6 * 1.25 + 0.4 * 0.125 + 0.1 * 10)) < 1e-9);
  assert.equal(gateway.seen.find(({ url }) => url.endsWith('/chat/completions'))?.headers['x-portkey-api-key'], KEY);
  assert.deepEqual(asked(gateway), ['openai/gpt-5']);
  await chat(config);
  assert.deepEqual(asked(gateway), []);
  gateway.report = { 'x-portkey-provider': 'azure-openai' };
  assert.ok(Math.abs(await chat(config) - (2 + 0.1 * 20)) < 1e-9, 'what has no price of its own is input as any other');
  gateway.report = { 'x-portkey-provider': 'groq' };
  assert.equal(await chat(config), 0);
  assert.deepEqual(asked(gateway), ['azure-openai/gpt-5', 'groq/gpt-5']);
  gateway.report = { 'x-portkey-provider': 'openai', 'x-portkey-cache-status': 'HIT' };
  assert.equal(await chat(config), 0);
  const cost = { input: 1, output: 0, cacheRead: 0, cacheWrite: 0 };
  assert.equal(await chat(config, { cost }), 0, "the list's price of the model that was asked does not count");
  gateway.report = { 'x-portkey-provider': 'openai' };
  const priced = configOf(gateway.baseUrl, { models: [{ id: '@team/gpt-5', cost }] });
  assert.equal(await chat(priced, { cost }), 0.6, 'what the user wrote wins');
  assert.deepEqual(asked(gateway), []);
});

test('a price is that of the way that the model is asked on: another way has another, on the same day', async (t) => {
  waitForPrices(t);
  const gateway = await PriceGateway.start(t, { tell, models: ['gpt-5'] });
  const by = (/** @type {string} */ provider, options = {}) => ({
    ...configOf(gateway.baseUrl, { headers: { 'x-portkey-provider': provider } }), plugins: { entries: { portkey: { config: options } } } });
  for (const [provider, input] of /** @type {[string, number][]} */ ([['@openai', 1.25], ['@azure-openai', 2], ['@openai', 1.25]])) {
    const { provider: { models: [row] } } = await catalogOf(gateway, by(provider));
    assert.equal(row.cost.input, input, provider);
    assert.ok(await chat(by(provider), { id: 'gpt-5' }) > input * 0.6, provider);
  }
  // whoever serves it at the user's own address has prices of its own, whatever a reply says
  gateway.report = { 'x-portkey-provider': 'openai' };
  assert.deepEqual(asked(gateway), ['openai/gpt-5', 'azure-openai/gpt-5']);
  assert.ok(await chat(by('@openai'), { id: 'gpt-5' }) > 0);
  assert.equal(await chat(by('@openai', { customHost: 'http://127.0.0.1:9/v1' }), { id: 'gpt-5' }), 0);
  // what only logs read is no other way
  asked(gateway);
  const logged = by('@openai', { traceId: 't', spanId: 's', parentSpanId: 'p', spanName: 'n', metadata: { _user: 'u' } });
  Object.assign(logged.models.providers.portkey.headers, { 'X-Portkey-Trace-Id': 't', 'x-portkey-span-name': 'n', 'x-portkey-metadata': '{}' });
  assert.ok(await chat(logged, { id: 'gpt-5' }) > 0);
  assert.deepEqual(asked(gateway), []);
});

test('a price that does not come keeps no reply up', { timeout: 20_000 }, async (t) => {
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal); // only the reply's own patience ends
  const question = Promise.withResolvers();
  const gateway = await PriceGateway.start(t, { tell: question.resolve, report: { 'x-portkey-provider': 'openai' }, end: () => question.promise });
  assert.equal(await chat(configOf(gateway.baseUrl)), 0);
  assert.deepEqual(asked(gateway), ['openai/gpt-5']);
});

test('a price list that fails is not asked again for a while', async (t) => {
  waitForPrices(t);
  const gateway = await PriceGateway.start(t, { tell: (res) => res.destroy(), report: { 'x-portkey-provider': 'openai' } });
  assert.equal(await chat(configOf(gateway.baseUrl)), 0);
  assert.equal(await chat(configOf(gateway.baseUrl)), 0);
  assert.deepEqual(asked(gateway), ['openai/gpt-5']);
});

test('a reply that needs no price leaves none being asked for, and the list is no worse for it', { timeout: 20_000 }, async (t) => {
  waitForPrices(t);
  const question = Promise.withResolvers();
  const gateway = await PriceGateway.start(t, { tell: question.resolve, report: { 'x-portkey-provider': 'openai' }, usage: undefined, end: () => question.promise });
  const config = configOf(gateway.baseUrl);
  assert.equal(await chat(config), 0);
  const res = /** @type {import('node:http').ServerResponse} */ (await question.promise);
  if (!res.closed) await once(res, 'close');
  gateway.tell = tell;
  gateway.usage = new PriceGateway().usage;
  assert.ok(await chat(config) > 1);
  assert.deepEqual(asked(gateway), ['openai/gpt-5', 'openai/gpt-5']);
});

/** @param {PriceGateway} gateway @param {any} [config] */
const catalogOf = (gateway, config = configOf(gateway.baseUrl), signal = /** @type {AbortSignal | undefined} */ (undefined)) => (
  runCatalog({ config, signal, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) }, { warn: assert.fail }));

test('the catalog has prices, and models that chat alone', async (t) => {
  const models = ['@openai/gpt-5', '@team/gpt-5', '@openai/text-embedding-3-large', '@openai/gpt-image-2', '@openai/whisper-1'];
  const gateway = await PriceGateway.start(t, { tell, models });
  const { provider: found } = await catalogOf(gateway);
  assert.deepEqual(found.models.map((/** @type {any} */ { id, cost }) => [id, cost]), [
    ['@openai/gpt-5', COST], ['@team/gpt-5', { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }]]);
  assert.deepEqual(asked(gateway).sort(), ['openai/gpt-5', 'team/gpt-5']);

  // What OpenClaw is about to use: zeros are onboarding's, anything else is the user's.
  const use = (/** @type {any} */ cost) => {
    const row = { id: '@openai/gpt-5', ...(cost && { cost }) };
    const read = configOf(gateway.baseUrl, { models: [row] });
    return normalizeResolvedModel({ config: read, model: { ...describeModel(row.id), ...row } }, () => read).cost;
  };
  assert.deepEqual(use({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }), COST);
  assert.deepEqual(use(undefined), COST);
  assert.deepEqual(use({ input: 3, output: 4, cacheRead: 0, cacheWrite: 0 }), { input: 3, output: 4, cacheRead: 0, cacheWrite: 0 });
});

test('a model that the user priced is asked for by no catalog, and none is once OpenClaw gives the catalog up', { timeout: 20_000 }, async (t) => {
  const models = ['@openai/gpt-5', '@openai/gpt-6', '@openai/gpt-7'];
  const cost = { input: 3, output: 4, cacheRead: 0, cacheWrite: 0 };
  const gateway = await PriceGateway.start(t, { tell, models });
  const rows = [null, { id: '@openai/gpt-6', cost }, { id: '@openai/gpt-6' }, { id: '@openai/gpt-7' }, { id: '@openai/gpt-7', cost }];
  const { provider: found } = await catalogOf(gateway, configOf(gateway.baseUrl, { models: rows }));
  assert.deepEqual(found.models.map((/** @type {any} */ { id }) => id), models);
  assert.deepEqual(asked(gateway).sort(), ['openai/gpt-5', 'openai/gpt-7'], 'of several rows the first counts');

  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal); // nothing is given up for the time that it takes
  const question = Promise.withResolvers();
  const silent = await PriceGateway.start(t, { tell: question.resolve, models });
  const given = new AbortController();
  const listed = catalogOf(silent, undefined, given.signal);
  const res = /** @type {import('node:http').ServerResponse} */ (await question.promise);
  given.abort();
  assert.equal((await listed).provider.models.length, 3);
  if (!res.closed) await once(res, 'close');
});

test('of a large catalog, the models that the configuration names come first, and not each is a request', async (t) => {
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal); // as above
  const gateway = await PriceGateway.start(t, { tell: told(entry('0.0001')), models: Array.from({ length: 200 }, (_, number) => `@openai/m-${number}`) });
  const config = { ...configOf(gateway.baseUrl, { models: [{ id: '@openai/m-199' }] }), agents: { defaults: { model: { primary: 'portkey/@openai/m-150' } } } };
  const { provider: found } = await catalogOf(gateway, config);
  assert.equal(found.models.length, 200);
  const requests = asked(gateway);
  assert.equal(requests.length, 50);
  assert.deepEqual(requests.filter((name) => /m-1[59]/.test(name)).sort(), ['openai/m-15', 'openai/m-150', 'openai/m-19', 'openai/m-199']);
});

test('a catalog reads the headers and the rows of the configuration as often for many models as for one', async (t) => {
  const reads = async (/** @type {number} */ count) => {
    const gateway = await PriceGateway.start(t, { tell: told(entry('0.0001')), models: Array.from({ length: count }, (_, number) => `@openai/m-${number}`) });
    const config = configOf(gateway.baseUrl);
    const { headers } = config.models.providers.portkey;
    let read = 0;
    const of = (/** @type {unknown} */ value) => ({ enumerable: true, get() { read++; return value; } });
    Object.defineProperties(config.models.providers.portkey, { headers: of(headers), models: of([{ id: '@openai/m-0' }]) });
    assert.equal((await catalogOf(gateway, config)).provider.models.length, count);
    return read;
  };
  assert.equal(await reads(30), await reads(1));
});

test('models that do not chat are known by their names', () => {
  for (const id of ['@openai/gpt-5', '@openai/gpt-4o-audio-preview', '@google/gemini-2.5-flash-image', '@groq/openai/gpt-oss-120b', '@x/starvers', '@mistral/voxtral-small', '@bedrock/amazon.nova-pro-v1:0']) assert.ok(isChat(id), id);
  for (const id of ['@openai/text-embedding-3-small', '@cohere/embed-v4.0', '@nomic/nomic-embed-text', '@openai/gpt-image-2', '@openai/dall-e-3', '@openai/tts-1', '@openai/gpt-4o-mini-tts', '@openai/gpt-4o-transcribe', '@openai/whisper-1', '@cohere/rerank-v3.5', '@openai/omni-moderation-latest', '@bedrock/amazon.titan-embed-text-v2:0', '@openai/sora-2', 'imagen-4.0-generate-001', '@openai/gpt-realtime']) assert.ok(!isChat(id), id);
});

/** Chats with a gateway that has a price list. The reply waits for its price for as long as that takes. @param {PriceGateway} gateway */
const pricedChat = ({ baseUrl }) => {
  const headers = { Authorization: `Bearer ${KEY}` };
  return elsewhere.chat({}, { models: { providers: { portkey: { baseUrl, headers } } } }, { baseUrl, headers });
};

test('a price list of any content gives a price or none, and the reply comes', { timeout: 60_000 }, async (t) => {
  waitForPrices(t);
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  for (const [name, tell, isPrice] of /** @type {[string, import('./prices.mjs').Tell, boolean][]} */ ([
    ['a good one', told(entry('0.0001')), true], ['nested deep', told(entry('0.0001', `,"x":${deep}`)), false], ['a price nested deep', told(entry(deep)), false],
    ['a number of 100,000 digits', told(entry('9'.repeat(100_000))), false], ['a price twice', told(entry('0.0001,"price":-1')), false], ['larger than an entry', told(entry('0.0001', `,"x":"${'x'.repeat(300 << 10)}"`)), false],
    ['members of JavaScript', told(entry('0.0001', ',"__proto__":{"input":0},"constructor":{"price":7}')), true], ['the largest', told(entry('0.1')), true],
    ['a redirect', told(entry('0.0001'), `302 x\r\nlocation: ${elsewhere.origin}/v1/models`), false], ['a redirect of its own', told(entry('0.0001'), '307 x\r\nlocation: /v1/models'), false], ['who are you', told(entry('0.0001'), '401 x\r\nwww-authenticate: Basic realm=x'), false],
    ['a coding', told(entry('0.0001'), '200 OK\r\ncontent-encoding: gzip'), false], ['a cookie', told(entry('0.0001'), '200 OK\r\nset-cookie: a=b'), true],
    ['half of it', ({ socket }) => socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"pay`), false], ['nothing', () => {}, false],
    ['without end', (res) => { const more = () => { while (res.writable && res.write(' '.repeat(1 << 16))); }; res.on('drain', more); more(); }, false],
  ])) {
    elsewhere.heads = [];
    const usage = '{"prompt_tokens":18446744073709551615,"completion_tokens":18446744073709551615}';
    const gateway = await PriceGateway.start(t, { tell, report: { 'x-portkey-provider': 'openai' }, usage });
    const { stopReason, errorMessage, usage: used } = await pricedChat(gateway);
    assert.equal(stopReason, 'stop', `${name}: ${errorMessage}`);
    assert.ok(Number.isFinite(used.cost.total) && used.cost.total >= 0, `${name}: ${used.cost.total}`);
    assert.equal(used.cost.total > 0, isPrice, `${name}: ${used.cost.total}`);
    assert.ok(gateway.seen.every(({ url }) => url !== '/v1/models') && elsewhere.heads.every((head) => !head.includes('/v1/models')), name);
    const asked = gateway.asked();
    assert.equal(asked.length, 1, name);
    assert.ok(!JSON.stringify(asked).includes(KEY), name);
    gateway.close();
  }
});

test('names that a gateway makes up are asked for on their path alone, and long ones are not kept', async (t) => {
  waitForPrices(t);
  const keep = 'a'.repeat(200);
  for (const [named, provider, paths] of /** @type {[string, string, string[]][]} */ ([
    ['m', keep, [`${keep}/m`]], ['m', 'a'.repeat(300), [`${'a'.repeat(300)}/m`, `${'a'.repeat(300)}/m`]],
    ['..', 'openai', []], ['../../v1/admin', 'openai', ['openai/..%2F..%2Fv1%2Fadmin']], ['a?b#c d', 'openai', ['openai/a%3Fb%23c%20d']], ['x'.repeat(1 << 20), 'openai', []], ['__proto__', 'constructor', ['constructor/__proto__']],
    ['m', '__proto__', []], [KEY, 'openai', [`openai/${'%2A'.repeat(KEY.length)}`]], ['m', KEY, []], ['m', '../v1', []], ['m', 'openai/../..', []], ['a\r\nx-own: 1', 'openai', ['openai/a%0D%0Ax-own:%201']], ['//elsewhere.example/', 'openai', ['openai/%2F%2Felsewhere.example%2F']],
  ])) {
    const gateway = await PriceGateway.start(t, { tell: told(entry('0.0001')), report: { 'x-portkey-provider': provider }, named });
    for (let call = 0; call < 2; call++) assert.equal((await pricedChat(gateway)).stopReason, 'stop', named.slice(0, 99));
    assert.deepEqual(gateway.asked().map(({ path }) => path), paths, `${named.slice(0, 99)} ${provider}`);
    gateway.close();
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('a price list that answers just in time holds up no catalog, and no row of it holds the key', async (t) => {
  const models = Array.from({ length: 50 }, (_, at) => `@openai/m-${at}`);
  const gateway = await PriceGateway.start(t, { tell: (res, model) => setTimeout(() => told(entry('0.0001'))(res, model), 1500), models });
  const config = { models: { providers: { portkey: { baseUrl: gateway.baseUrl, headers: { Authorization: `Bearer ${KEY}` } } } } };
  const context = { config, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const catalog = await runCatalog(context, { warn: assert.fail });
  assert.equal(catalog.provider.models.length, 50);
  const { length } = gateway.asked();
  assert.ok(length < 50, `${length} were asked for`);
  const rows = toRows(catalog, 'live');
  assert.ok(rows.length === 50 && !JSON.stringify([rows, catalog]).includes(KEY) && !JSON.stringify(rows).includes('PORTKEY_API_KEY'));
  for (const odd of [undefined, null, {}, { provider: null }, { provider: { models: [] } }]) assert.deepEqual(toRows(odd, 'live'), []);
});
