/** Connections over many calls: one answer for each request, and nothing that is left behind. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { mediaProvider } from '../src/audio.js';
import { embeddingProvider } from '../src/embeddings.js';
import { EVENT_STREAM, GOOD, RawGateway, chunk, raw, whole } from './raw.mjs';

const KEY = 'pk-connections-5f0c9a71b2e4';
const gateway = new RawGateway(KEY);

test('a second answer to one request is nobody\'s', async () => {
  const whole = (/** @type {string} */ events) => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(events)}\r\n\r\n${events}`;
  let count = 0;
  gateway.answer = (_, socket) => socket.write(whole(GOOD) + (count++ ? '' : whole(GOOD.replace('good', 'POISON'))));
  for (let call = 0; call < 3; call++) {
    const { content } = await gateway.chat();
    assert.ok(content.every((/** @type {any} */ { text }) => text === 'good'), JSON.stringify(content));
  }
});

test('an answer asks for nothing more', async () => {
  for (const head of [
    '200 OK\r\nset-cookie: a=b', '200 OK\r\nrefresh: 0; url=http://127.0.0.1:9/', '200 OK\r\nalt-svc: h2="elsewhere.example:443"', '401 x\r\nwww-authenticate: Basic realm=x', '407 x\r\nproxy-authenticate: Basic', '425 x', '300 x\r\nlocation: /x', '305 x\r\nlocation: /x',
  ]) {
    gateway.heads = [];
    gateway.answer = raw(`HTTP/1.1 ${head}\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${GOOD}`);
    await gateway.chat();
    const first = gateway.heads.length;
    await gateway.chat();
    assert.deepEqual([first, gateway.heads.length], [1, 2], head);
    assert.equal(gateway.heads[0], gateway.heads[1], head);
  }
});

test('a redirect of a call is not followed, wherever it leads', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of ['/v1/elsewhere', '//elsewhere.example/v1', 'http://127.0.0.1:9/v1', '?x', 'javascript:x', '']) {
      gateway.heads = [];
      gateway.answer = raw(`HTTP/1.1 ${status} x\r\nlocation: ${location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      const { stopReason, errorMessage = '' } = await gateway.chat();
      assert.deepEqual([stopReason, gateway.heads.length], ['error', 1], `${status} ${location}`);
      assert.ok(!errorMessage.includes(KEY), errorMessage);
    }
  }
  await gateway.serves();
});

test('a signal of many calls keeps nothing of them', async () => {
  const { signal } = new AbortController();
  const { provider } = await embeddingProvider(gateway.auth).create({ config: gateway.config(), model: 'm' });
  gateway.answer = whole(JSON.stringify({ object: 'list', model: 'm', data: [{ index: 0, embedding: [1, 2] }] }));
  for (let call = 0; call < 20; call++) assert.deepEqual(await provider.embed('x', { signal }), [1, 2]);
  gateway.answer = whole(JSON.stringify({ text: 'said' }));
  const recording = { buffer: Buffer.from('abc'), mime: 'audio/mpeg', timeoutMs: 20_000, cfg: gateway.config(), signal };
  for (let call = 0; call < 20; call++) assert.equal((await mediaProvider(gateway.auth).transcribeAudioWithContext(recording)).value.text, 'said');
  gateway.answer = whole(GOOD, EVENT_STREAM);
  for (let call = 0; call < 20; call++) assert.equal((await gateway.chat({ signal })).stopReason, 'stop');
  gateway.answer = whole('{}');
  for (let call = 0; call < 20; call++) assert.equal((await gateway.chat({ signal })).stopReason, 'error');
  await sleep(50);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('calls that are given up at any moment leave no connection', async () => {
  // Of those that were asked on: fetch makes another one in the place of each that it closes.
  let open = 0;
  gateway.answer = (_, socket) => {
    open += 1;
    socket.write(`HTTP/1.1 200 OK\r\n${EVENT_STREAM}\r\n\r\n`);
    const timer = setInterval(() => socket.write(chunk({ content: 'x' })), 5);
    socket.on('close', () => {
      clearInterval(timer);
      open -= 1;
    });
  };
  const given = await Promise.all(Array.from({ length: 60 }, async (_, at) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), at * 5);
    return gateway.chat({ signal: controller.signal });
  }));
  assert.deepEqual([...new Set(given.map(({ stopReason }) => stopReason))], ['aborted']);
  for (let tries = 0; tries < 200 && open; tries++) await sleep(10);
  assert.equal(open, 0);
  gateway.answer = whole(GOOD, EVENT_STREAM);
  assert.equal((await gateway.chat()).stopReason, 'stop');
});
