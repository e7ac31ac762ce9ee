/** What models cost, in a real OpenClaw, in front of a gateway that serves Portkey's price list: node --test e2e/prices.test.mjs [needs dist/] */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { OpenClaw } from './host.mjs';

const KEY = 'pk-e2e-prices-secret';
const LIST = '/model-configs/pricing/';
const MODELS = ['@openai/gpt-5', '@team/gpt-5', '@openai/text-embedding-3-large', '@openai/gpt-image-2'];

/** @type {http.Server} */ let gateway;
/** @type {OpenClaw} */ let claw;
/** @type {{ url: string, headers: http.IncomingHttpHeaders }[]} */ let seen = [];

before(async () => {
  const priced = Promise.withResolvers();
  gateway = http.createServer(async (req, res) => {
    const url = String(req.url);
    seen.push({ url, headers: req.headers });
    const json = (/** @type {number} */ status, /** @type {unknown} */ value) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (url.startsWith(LIST)) {
      const rates = { request_token: { price: 0.000125 }, response_token: { price: 0.001 }, cache_read_input_token: { price: 0.0000125 } };
      res.once('finish', priced.resolve);
      return url === `${LIST}openai/gpt-5` ? json(200, { pay_as_you_go: rates, currency: 'USD' }) : json(404, { error: 'Model not found' });
    }
    if (req.headers['x-portkey-api-key'] !== KEY) return json(401, { status: 'failure', message: 'Portkey Error: Invalid API Key. Error Code: 03' });
    if (url.startsWith('/v1/models')) return json(200, { object: 'list', total: MODELS.length, data: MODELS.map((id) => ({ id, slug: id })) });
    res.writeHead(200, { 'content-type': 'text/event-stream', 'x-portkey-provider': 'openai' });
    const chunk = (/** @type {object} */ rest) => res.write(`data: ${JSON.stringify({ id: 'c', model: 'gpt-5', ...rest })}\n\n`);
    chunk({ choices: [{ index: 0, delta: { content: 'pong' }, finish_reason: 'stop' }] });
    chunk({ choices: [], usage: { prompt_tokens: 10_000, completion_tokens: 1000, prompt_tokens_details: { cached_tokens: 4000 } } });
    await priced.promise; // on a slow machine too: a reply waits a second for its price
    return res.end('data: [DONE]\n\n');
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (gateway.address());
  claw = new OpenClaw();
  await claw.install();
  const config = claw.config;
  config.models = { mode: 'merge', providers: { portkey: { baseUrl: `http://127.0.0.1:${port}/v1`, api: 'openai-completions', models: [] } } };
  claw.config = config;
});

after(async () => {
  await claw?.close();
  gateway?.closeAllConnections();
  gateway?.close();
});

const env = { PORTKEY_API_KEY: KEY };

/** The models that prices were asked for, without a header that tells who asks. */
function asked() {
  return seen.splice(0).filter(({ url }) => url.startsWith(LIST)).map(({ url, headers }) => {
    assert.deepEqual(Object.keys(headers).filter((name) => /portkey|authorization/.test(name)), []);
    assert.ok(!JSON.stringify(headers).includes(KEY));
    return url.slice(LIST.length);
  });
}

test('models list shows the models that chat', async () => {
  const { json } = await claw.ok(['models', 'list', '--provider', 'portkey', '--refresh', '--json'], env);
  const keys = json.models.map((/** @type {any} */ { key }) => key);
  assert.ok(keys.includes('portkey/@openai/gpt-5') && keys.includes('portkey/@team/gpt-5'), keys.join());
  assert.ok(!keys.some((/** @type {string} */ key) => /embedding|image/.test(key)), keys.join());
  assert.deepEqual([...new Set(asked())].sort(), ['openai/gpt-5', 'team/gpt-5']);
});

test('a turn of an agent costs what the model costs', async () => {
  const { json } = await claw.ok(['agent', '--local', '--agent', 'main', '--session-id', 'cost', '--model', 'portkey/@team/gpt-5', '--message', 'ping', '--json'], env);
  assert.match(JSON.stringify(json), /pong/);
  assert.ok(asked().includes('openai/gpt-5'), 'the answer said who made it');
  const { costUsd, usage } = json.meta.agentMeta;
  assert.ok(Math.abs(costUsd - (6000 * 1.25 + 4000 * 0.125 + 1000 * 10) / 1e6) < 1e-9, String(costUsd));
  assert.equal(usage.cost.total, costUsd);
});
