/** What models and replies cost, by the built component and a server in place of the gateway and its price list. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { streamFn } from '../src/chat.js';
import { describeModel, isChat, normalizeResolvedModel, runCatalog } from '../src/models.js';

const KEY = 'pk-prices-secret';
const LIST = '/model-configs/pricing/';
/** In US cents for a token. @type {Record<string, Record<string, { price: number }>>} */
const PRICES = {
  'openai/gpt-5': { request_token: { price: 0.000125 }, response_token: { price: 0.001 }, cache_read_input_token: { price: 0.0000125 } },
  'azure-openai/gpt-5': { request_token: { price: 0.0002 }, response_token: { price: 0.002 } },
};
const COST = { input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 1.25 };

/** @typedef {{ url: string, headers: http.IncomingHttpHeaders }} Seen */

/** @type {string[]} what GET /models gives */ let models = [];
/** @type {Record<string, string>} */ let report = {};
/** @type {(res: http.ServerResponse, model: string) => unknown} */ let tell;

/** A gateway of its own for each test: what one of them told is kept. @returns {Promise<{ baseUrl: string, seen: Seen[], asked: () => string[], close: () => void }>} */
async function gateway() {
  /** @type {Seen[]} */ const seen = [];
  const server = http.createServer((req, res) => {
    const url = String(req.url);
    seen.push({ url, headers: req.headers });
    if (url.startsWith(LIST)) return tell(res, decodeURIComponent(url.slice(LIST.length)));
    if (url === '/v1/models') return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', total: models.length, data: models.map((id) => ({ id })) }));
    res.writeHead(200, { 'content-type': 'text/event-stream', ...report });
    const chunk = (/** @type {object} */ rest) => res.write(`data: ${JSON.stringify({ id: 'c', model: 'gpt-5', ...rest })}\n\n`);
    chunk({ choices: [{ index: 0, delta: { content: 'pong' }, finish_reason: 'stop' }] });
    chunk({ choices: [], usage: { prompt_tokens: 1_000_000, completion_tokens: 100_000, prompt_tokens_details: { cached_tokens: 400_000 } } });
    return res.end('data: [DONE]\n\n');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const asked = () => seen.splice(0).filter(({ url }) => url.startsWith(LIST)).map(({ url, headers }) => {
    assert.ok(!JSON.stringify(headers).includes('secret'), JSON.stringify(headers));
    assert.deepEqual(Object.keys(headers).filter((name) => /portkey|authorization/.test(name)), []);
    return decodeURIComponent(url.slice(LIST.length));
  });
  return { baseUrl: `http://127.0.0.1:${port}/v1`, seen, asked, close: () => server.closeAllConnections() };
}

/** @type {http.Server[]} */ const open = [];
before(() => {
  tell = (res, model) => {
    const rates = PRICES[model];
    res.writeHead(rates ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(rates ? { pay_as_you_go: rates, currency: 'USD' } : { error: 'Model not found' }));
  };
});
after(() => open.forEach((server) => {
  server.closeAllConnections();
  server.close();
}));

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

test('a reply costs what the model costs that answered, and the price is asked for once and without the key', async () => {
  const { baseUrl, asked, seen } = await gateway();
  const config = configOf(baseUrl);
  report = { 'x-portkey-provider': 'openai' };
  assert.ok(Math.abs(await chat(config) - (0.6 * 1.25 + 0.4 * 0.125 + 0.1 * 10)) < 1e-9);
  assert.equal(seen.find(({ url }) => url.endsWith('/chat/completions'))?.headers['x-portkey-api-key'], KEY);
  assert.deepEqual(asked(), ['openai/gpt-5']);
  await chat(config);
  assert.deepEqual(asked(), []);
  report = { 'x-portkey-provider': 'azure-openai' };
  assert.ok(Math.abs(await chat(config) - (2 + 0.1 * 20)) < 1e-9, 'what has no price of its own is input as any other');
  report = { 'x-portkey-provider': 'groq' };
  assert.equal(await chat(config), 0);
  assert.deepEqual(asked(), ['azure-openai/gpt-5', 'groq/gpt-5']);
  report = { 'x-portkey-provider': 'openai', 'x-portkey-cache-status': 'HIT' };
  assert.equal(await chat(config), 0);
  const cost = { input: 1, output: 0, cacheRead: 0, cacheWrite: 0 };
  assert.equal(await chat(config, { cost }), 0, "the list's price of the model that was asked does not count");
  report = { 'x-portkey-provider': 'openai' };
  const priced = configOf(baseUrl, { models: [{ id: '@team/gpt-5', cost }] });
  assert.equal(await chat(priced, { cost }), 0.6, 'what the user wrote wins');
  assert.deepEqual(asked(), []);
});

test('a price is that of the way that the model is asked on: another way has another, on the same day', async () => {
  const { baseUrl, asked } = await gateway();
  models = ['gpt-5'];
  const by = (/** @type {string} */ provider, options = {}) => ({
    ...configOf(baseUrl, { headers: { 'x-portkey-provider': provider } }), plugins: { entries: { portkey: { config: options } } } });
  const context = (/** @type {any} */ config) => ({ config, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) });
  report = {};
  for (const [provider, input] of /** @type {[string, number][]} */ ([['@openai', 1.25], ['@azure-openai', 2], ['@openai', 1.25]])) {
    const { provider: { models: [row] } } = await runCatalog(context(by(provider)), { warn: assert.fail });
    assert.equal(row.cost.input, input, provider);
    assert.ok(await chat(by(provider), { id: 'gpt-5' }) > input * 0.6, provider);
  }
  assert.deepEqual(asked(), ['openai/gpt-5', 'azure-openai/gpt-5']);
  // whoever serves it at the user's own address has prices of its own, whatever a reply says
  report = { 'x-portkey-provider': 'openai' };
  assert.ok(await chat(by('@openai'), { id: 'gpt-5' }) > 0);
  assert.equal(await chat(by('@openai', { customHost: 'http://127.0.0.1:9/v1' }), { id: 'gpt-5' }), 0);
});

test('a price that does not come keeps no reply up, and is not asked for again for a while', async (t) => {
  const { baseUrl, asked, close } = await gateway();
  const usual = tell;
  t.after(() => { tell = usual; });
  report = { 'x-portkey-provider': 'openai' };
  tell = () => {};
  assert.equal(await chat(configOf(baseUrl)), 0);
  assert.deepEqual(asked(), ['openai/gpt-5']);
  close();
  const broken = await gateway();
  tell = (res) => res.destroy();
  assert.equal(await chat(configOf(broken.baseUrl)), 0);
  assert.equal(await chat(configOf(broken.baseUrl)), 0);
  assert.deepEqual(broken.asked(), ['openai/gpt-5']);
});

test('the catalog has prices, and models that chat alone', async () => {
  const { baseUrl, asked } = await gateway();
  models = ['@openai/gpt-5', '@team/gpt-5', '@openai/text-embedding-3-large', '@openai/gpt-image-2', '@openai/whisper-1'];
  const config = configOf(baseUrl);
  const context = { config, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const logger = { warn: (/** @type {string} */ message) => assert.fail(message) };
  const { provider: found } = await runCatalog(context, logger);
  assert.deepEqual(found.models.map((/** @type {any} */ { id, cost }) => [id, cost]), [
    ['@openai/gpt-5', COST], ['@team/gpt-5', { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }]]);
  assert.deepEqual(asked(), ['openai/gpt-5', 'team/gpt-5']);

  // What OpenClaw is about to use: zeros are onboarding's, anything else is the user's.
  const use = (/** @type {any} */ cost) => {
    const row = { id: '@openai/gpt-5', ...(cost && { cost }) };
    const read = configOf(baseUrl, { models: [row] });
    return normalizeResolvedModel({ config: read, model: { ...describeModel(row.id), ...row } }, () => read).cost;
  };
  assert.deepEqual(use({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }), COST);
  assert.deepEqual(use(undefined), COST);
  assert.deepEqual(use({ input: 3, output: 4, cacheRead: 0, cacheWrite: 0 }), { input: 3, output: 4, cacheRead: 0, cacheWrite: 0 });
});

test('of a large catalog, the models that the configuration names come first, and not each is a request', async () => {
  const { baseUrl, asked } = await gateway();
  models = Array.from({ length: 200 }, (_, number) => `@openai/m-${number}`);
  const config = { ...configOf(baseUrl, { models: [{ id: '@openai/m-199' }] }), agents: { defaults: { model: { primary: 'portkey/@openai/m-150' } } } };
  const context = { config, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const { provider: found } = await runCatalog(context, { warn: () => {} });
  assert.equal(found.models.length, 200);
  const requests = asked();
  assert.equal(requests.length, 50);
  assert.deepEqual(requests.filter((name) => /m-1[59]/.test(name)).sort(), ['openai/m-15', 'openai/m-150', 'openai/m-19', 'openai/m-199']);
});

test('models that do not chat are known by their names', () => {
  for (const id of ['@openai/gpt-5', '@openai/gpt-4o-audio-preview', '@google/gemini-2.5-flash-image', '@groq/openai/gpt-oss-120b', '@x/starvers', '@mistral/voxtral-small', '@bedrock/amazon.nova-pro-v1:0']) assert.ok(isChat(id), id);
  for (const id of ['@openai/text-embedding-3-small', '@cohere/embed-v4.0', '@nomic/nomic-embed-text', '@openai/gpt-image-2', '@openai/dall-e-3', '@openai/tts-1', '@openai/gpt-4o-mini-tts', '@openai/gpt-4o-transcribe', '@openai/whisper-1', '@cohere/rerank-v3.5', '@openai/omni-moderation-latest', '@bedrock/amazon.titan-embed-text-v2:0', '@openai/sora-2', 'imagen-4.0-generate-001', '@openai/gpt-realtime']) assert.ok(!isChat(id), id);
});
