/**
 * Node's own fetch (undici 7) throws outside of any call where a server ends an answer with its connection while the reader takes its
 * time: any gateway could end OpenClaw with that. OpenClaw brings a fetch of its own, in which it does not.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import './modules.mjs'; // before the adapter imports of OpenClaw's
import { transport } from '../src/host.js';

test('an answer that ends with its connection is read slowly to its end', { timeout: 60_000 }, async (t) => {
  const length = 3 << 20;
  const server = net.createServer((socket) => {
    socket.on('error', () => {}).once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
      socket.end(Buffer.alloc(length, 'x'));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); });
  const baseUrl = `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}/v1`;
  const { buildGuardedModelFetch } = await transport();
  const guarded = buildGuardedModelFetch(/** @type {any} */ ({ id: 'm', provider: 'portkey', api: 'openai-completions', baseUrl, headers: {} }), undefined, { sanitizeSse: false });
  const { body } = await guarded(new URL(`${baseUrl}/chat/completions`), { method: 'POST', body: '{}' });
  let read = 0;
  for await (const piece of /** @type {any} */ (body)) {
    read += piece.length;
    await sleep(5);
  }
  assert.equal(read, length);
});
