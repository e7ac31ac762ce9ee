/** Images of the component behind OpenClaw. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { imageProvider } from '../src/images.js';
import { gateway, json, origin } from './gateway.mjs';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const auth = { resolveApiKeyForProvider: async () => ({ apiKey: 'K' }), isProviderApiKeyConfigured: () => true };
const cfg = () => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1', Authorization: 'Bearer sk' } } } } });
const provider = imageProvider(() => auth);

test('what OpenClaw is told', () => {
  assert.deepEqual([provider.id, provider.label, provider.defaultModel], ['portkey', 'Portkey', 'gpt-image-2']);
  for (const size of ['1024x1024', '2048x2048', '3840x2160']) assert.ok(provider.capabilities.geometry.sizes.includes(size));
  assert.deepEqual([provider.capabilities.edit.enabled, provider.capabilities.edit.maxInputImages, provider.capabilities.generate.maxCount], [true, 5, 4]);
});

test('generate: inline and by URL', async () => {
  gateway.answer = (req, res) => {
    if (req.method === 'GET') return res.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
    json({ data: [{ b64_json: PNG.toString('base64'), revised_prompt: 'a big lobster' }, { url: `${origin}/made.png` }] })(req, res);
  };
  gateway.seen = [];
  const { images, model: drew } = await provider.generateImage({ prompt: 'lobster', count: 2, size: '3840x2160', model: 'gpt-image-2', cfg: cfg() });
  assert.equal(drew, 'gpt-image-2');
  assert.deepEqual(images.map((/** @type {any} */ i) => [i.buffer.equals(PNG), i.mimeType, i.fileName, i.revisedPrompt]), [[true, 'image/png', 'image-1.png', 'a big lobster'], [true, 'image/png', 'image-2.png', undefined]]);
  assert.deepEqual(gateway.seen[0].body, { model: 'gpt-image-2', prompt: 'lobster', n: 2, size: '3840x2160' });
  assert.deepEqual([gateway.seen[0].headers['x-portkey-api-key'], gateway.seen[0].headers['x-portkey-config'], gateway.seen[0].headers.authorization], ['K', 'pc-1', 'Bearer sk']);
  assert.deepEqual([gateway.seen[1].headers['x-portkey-api-key'], gateway.seen[1].headers.authorization], [undefined, undefined]);
});

const downloaded = (/** @type {(res: http.ServerResponse) => unknown} */ send) => {
  gateway.answer = (req, res) => {
    if (req.method === 'GET') return send(res);
    json({ data: [{ url: `${origin}/made?signature=s3cret` }] })(req, res);
  };
  return provider.generateImage({ prompt: 'x', cfg: cfg() });
};

test('an image is known by how it begins, and its file named so, whatever is said of it', async () => {
  const starts = {
    'image/png': PNG, 'image/jpeg': '\xff\xd8\xff\xe0', 'image/gif': 'GIF89a', 'image/webp': 'RIFF\n\0\0\0WEBPVP8 ',
  };
  for (const [type, start] of Object.entries(starts)) {
    const data = Buffer.from(/** @type {string} */ (start), 'latin1');
    for (const headers of [{ 'content-type': 'application/octet-stream' }, { 'content-type': 'image/x-icon' }, {}]) {
      const { images } = await downloaded((res) => res.writeHead(200, headers).end(data));
      assert.deepEqual([images[0].mimeType, images[0].buffer.equals(data)], [type, true]);
      assert.match(images[0].fileName, /^image-1\.(png|jpg|gif|webp)$/);
    }
  }
  await assert.rejects(downloaded((res) => res.writeHead(200, { 'content-type': 'image/png' }).end('#!/bin/sh')), /is no image/);
  await assert.rejects(downloaded((res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>')),
    { message: `The image at ${origin} is no image: its type is text/html` });
});

test('a download follows five redirects, and none further', async () => {
  const hops = (/** @type {number} */ most) => {
    gateway.seen = [];
    gateway.answer = (req, res) => {
      const hop = Number(/^\/hop\/(\d)$/.exec(req.url ?? '')?.[1] ?? -1);
      if (hop < 0) json({ data: [{ url: `${origin}/hop/0` }] })(req, res);
      else if (hop < most) res.writeHead(302, { location: `/hop/${hop + 1}` }).end();
      else res.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
    };
    return provider.generateImage({ prompt: 'x', cfg: cfg() });
  };
  const { images } = await hops(5);
  assert.ok(images[0].buffer.equals(PNG));
  const [, ...downloads] = gateway.seen;
  assert.equal(downloads.length, 6);
  for (const { headers } of downloads) assert.deepEqual([headers['x-portkey-api-key'], headers.authorization], [undefined, undefined]);
  await assert.rejects(hops(6), /Too many redirects/);
});

test('a download is read up to its limit only', { timeout: 20_000 }, async () => {
  let sent = 0;
  const closed = Promise.withResolvers();
  const endless = (/** @type {http.ServerResponse} */ res) => {
    res.once('close', closed.resolve);
    const piece = Buffer.alloc(1 << 20);
    const more = () => {
      while (!res.destroyed && res.write(piece)) sent++;
      sent++;
    };
    res.on('drain', more).writeHead(200, { 'content-type': 'image/png' });
    more();
  };
  await assert.rejects(downloaded(endless), /is larger than 52428800 bytes/);
  await closed.promise;
  assert.ok(sent >= 50 && sent < 80, `${sent} MiB sent`);
});

test('edit is multipart', async () => {
  gateway.answer = json({ data: [{ b64_json: PNG.toString('base64') }] });
  gateway.seen = [];
  await provider.generateImage({ prompt: 'blue', cfg: cfg(), inputImages: [{ buffer: PNG, mimeType: 'image/png' }] });
  assert.equal(gateway.seen[0].url, '/v1/images/edits');
  assert.match(gateway.seen[0].headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
  assert.ok(gateway.seen[0].body.includes(PNG.toString('latin1')));
});

test('no key', async () => {
  const without = imageProvider(() => ({ ...auth, resolveApiKeyForProvider: async () => { throw new Error('none'); } }));
  await assert.rejects(without.generateImage({ prompt: 'x', cfg: cfg() }), /Portkey API key missing/);
});

test('a refusal', async () => {
  gateway.answer = json({ status: 'failure', message: 'Portkey API Key Usage Limit Exceeded', error: { message: 'Portkey API Key Usage Limit Exceeded', code: '04' } }, 412);
  await assert.rejects(provider.generateImage({ prompt: 'x', cfg: cfg() }), (/** @type {any} */ error) => /Usage Limit/.test(error.message) && error.status === 412 && error.type === 'quota-exceeded');
});
