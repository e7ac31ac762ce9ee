/** OpenClaw's own guarded fetch follows redirects, the ones to the same origin with the key. Through the adapter it does not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { buildGuardedModelFetch as alone } from 'openclaw/plugin-sdk/provider-transport-runtime';
import './modules.mjs';
import { transport } from '../src/host.js';

/** @type {http.Server} */ let server;
/** @type {string} */ let origin;
/** @type {{ method?: string, url?: string, key?: string | string[] }[]} */ let seen = [];

before(async () => {
  server = http.createServer((req, res) => {
    req.resume();
    seen.push({ method: req.method, url: req.url, key: req.headers['x-portkey-api-key'] });
    const status = Number(/^\/(3\d\d)/.exec(req.url ?? '')?.[1]);
    if (status) res.writeHead(status, { location: '/elsewhere' }).end();
    else res.writeHead(200, { 'content-type': 'text/plain' }).end('here');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
});
after(() => { server.closeAllConnections(); server.close(); });

const model = () => /** @type {any} */ ({ id: 'm', provider: 'portkey', api: 'openai-completions', baseUrl: `${origin}/v1`, headers: {} });
const init = (/** @type {string} */ method) => ({ method, headers: { 'x-portkey-api-key': 'K' }, ...(method === 'POST' && { body: '{}' }) });

test('the guarded fetch alone takes the key along to where a redirect leads: else this test proves nothing', async () => {
  seen = [];
  await (await /** @type {any} */ (alone)(model(), undefined, { sanitizeSse: false })(new URL(`${origin}/307`), init('POST'))).text();
  assert.deepEqual(seen.map(({ url, key }) => [url, key]), [['/307', 'K'], ['/elsewhere', 'K']]);
});

test('an API call is sent once, whatever redirect it meets', async () => {
  const { buildGuardedModelFetch } = await transport();
  const guarded = buildGuardedModelFetch(model(), undefined, { sanitizeSse: false });
  for (const method of ['GET', 'POST']) {
    for (const status of [301, 302, 303, 307, 308]) {
      seen = [];
      await assert.rejects(guarded(new URL(`${origin}/${status}`), init(method)), { tag: 'internal-error', val: /redirect/ });
      assert.deepEqual(seen.map(({ url }) => url), [`/${status}`]);
    }
  }
  assert.equal(await (await guarded(new URL(`${origin}/200`), init('POST'))).text(), 'here');
});
