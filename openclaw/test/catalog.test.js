/** Whatever a gateway lists as its models, OpenClaw gets a catalog or is told why not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveDynamicModel, runCatalog, toRows } from '../src/models.js';
import { RawGateway, json, raw } from './raw.mjs';

const KEY = 'pk-catalog-5f0c9a71b2e4';
const gateway = new RawGateway(KEY);
const context = () => ({ config: gateway.config(), resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) });

test('a list of models without end is cut, and takes OpenClaw no time to read', { timeout: 30_000 }, async () => {
  for (const [count, most] of [[10_000, 10_000], [10_001, 10_000], [300_000, 10_000]]) {
    /** @type {string[]} */ const warned = [];
    gateway.answer = json({ data: Array.from({ length: count }, (_, at) => `m${at}`) });
    const catalog = await runCatalog(context(), { warn: (message) => { warned.push(message); } });
    assert.deepEqual([catalog.provider.models.length, toRows(catalog, 'live').length], [most, most]);
    assert.deepEqual(warned, count > most ? [`Portkey: the gateway lists ${count} models, of which OpenClaw is told the first 10000.`] : []);
  }
  await gateway.serves();
});

test('a list of models of any names is a catalog, or an error in words', { timeout: 30_000 }, async () => {
  for (const [name, data, count] of /** @type {[string, unknown[], number][]} */ ([
    ['a name of 10 MB', ['x'.repeat(10 << 20)], 1], ['a name of a million separators', ['-'.repeat(1 << 20), `/${'a/'.repeat(1 << 19)}`], 2], ['names that steer', ['\u001b]0;x\u0007', '\u202ea', 'a\r\nb', '\0'], 4],
    ['numbers, lists and objects', [7, [], {}, { id: 7 }, { id: ['a'] }, { id: { a: 1 } }, null, true, { id: 'good' }], 3], ['members of JavaScript', ['__proto__', 'constructor', 'toString', 'hasOwnProperty', { id: 'then' }, { __proto__: null, id: 'a' }], 6],
    ['the same name 50,000 times', Array.from({ length: 50_000 }, () => 'same'), 10_000], ['half a surrogate', ['\ud800', 'b'], 2], ['a reference', ['${PORTKEY_API_KEY}', '${' + KEY + '}'], 2],
  ])) {
    gateway.answer = json({ data });
    const catalog = await runCatalog(context(), { warn: () => {} });
    const models = catalog.provider?.models ?? [];
    assert.ok(models.length <= count && models.length >= Math.min(1, count), `${name}: ${models.length}`);
    assert.ok(models.every((/** @type {any} */ { id }) => typeof id === 'string' && id) && !JSON.stringify(catalog).includes(KEY), name);
    assert.equal(toRows(catalog, 'live').length, models.length, name);
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  await gateway.serves();
});

test('a list of models that is none is told of without the key', async () => {
  const type = 'content-type: application/json\r\nconnection: close\r\n';
  for (const [name, told] of /** @type {[string, string][]} */ ([
    ['a redirect', `HTTP/1.1 302 x\r\nlocation: ${gateway.origin}/?${KEY}\r\nconnection: close\r\n\r\n`], ['a refusal', `HTTP/1.1 401 ${KEY}\r\n${type}\r\n{"error":{"message":"no ${KEY}","code":"${KEY}"}}`], ['a page', `HTTP/1.1 500 x\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<title>${KEY}</title>`],
    ['half of it', `HTTP/1.1 200 OK\r\ncontent-length: 99\r\n${type}\r\n{"data":[{"id":"${KEY}`], ['another type', `HTTP/1.1 200 OK\r\n${type}\r\n{"data":{"${KEY}":1}}`], ['packed', `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n${type}\r\n{"data":[]}`], ['nothing', `HTTP/1.1 200 OK\r\n${type}\r\n`],
  ])) {
    gateway.heads = [];
    /** @type {string[]} */ const warned = [];
    gateway.answer = raw(told);
    const catalog = await runCatalog(context(), { warn: (message) => { warned.push(message); } });
    assert.deepEqual([catalog.provider, warned.length, gateway.heads.filter((head) => head.includes('/models')).length], [undefined, 1, 1], `${name}: ${warned}`);
    assert.ok(!JSON.stringify([catalog, warned]).includes(KEY), `${name}: ${warned}`);
  }
  await gateway.serves();
});

test('a catalog of pages without end ends', { timeout: 60_000 }, async () => {
  let page = 0;
  gateway.answer = (head, socket) => {
    const prices = head.startsWith('GET /v1/models') ? '' : 'x';
    const body = prices || JSON.stringify({ total: 1e15, has_more: true, data: [{ id: `@a/m${page++}`, slug: 'm' }] });
    socket.write(`HTTP/1.1 ${prices ? 404 : 200} x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  const { provider } = await runCatalog({ config: gateway.config(), resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: assert.fail });
  assert.ok(page <= 1000 && provider.models.length === page, `${page} pages`);
});

test('a model with a key behind it is not another one, whatever its length', { timeout: 30_000 }, () => {
  assert.equal(resolveDynamicModel({ modelId: '@a/model@portkey:setup-1' }), undefined);
  assert.equal(resolveDynamicModel({ modelId: `${'@portkey:'.repeat(1 << 17)}/model` })?.provider, 'portkey');
});
