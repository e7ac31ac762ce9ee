import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { queryObjects } from 'node:v8';
import { wasiHttp } from '../src/wasi-http.js';

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
const text = (/** @type {Uint8Array} */ data) => new TextDecoder().decode(data);
const DISPOSE = /** @type {typeof Symbol.dispose} */ (Symbol.dispose ?? Symbol.for('dispose'));

/** @param {import('node:test').TestContext} t @param {http.RequestListener} listener */
async function serve(t, listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

/** @param {string} origin @param {Partial<import('../src/wasi-http.js').Egress>} [egress] */
function client(origin, egress) {
  const { imports, bind } = wasiHttp();
  bind({ origin, fetch, attached: [], reserved: [], ...egress });
  const http_ = imports['wasi:http/types'];
  return {
    ...http_,
    handle: imports['wasi:http/outgoing-handler'].handle,
    /** @param {{ path?: string, headers?: [string, string][], body?: string, url?: string, options?: any }} [request] */
    send({ path = '/', headers = [], body, url = origin, options } = {}) {
      const request = new http_.OutgoingRequest(http_.Fields.fromList(headers.map(([k, v]) => [k, bytes(v)])));
      const { protocol, host } = new URL(url);
      request.setScheme({ tag: protocol === 'http:' ? 'HTTP' : 'HTTPS' });
      request.setAuthority(host);
      request.setPathWithQuery(path);
      if (body !== undefined) request.setMethod({ tag: 'post' });
      const out = body === undefined ? undefined : request.body();
      const future = imports['wasi:http/outgoing-handler'].handle(request, options);
      if (out) {
        out.write().blockingWriteAndFlush(bytes(/** @type {string} */ (body)));
        http_.OutgoingBody.finish(out);
      }
      return future;
    },
  };
}

/** @param {any} future */
async function answer(future) {
  await future.subscribe().block();
  return future.get().val;
}

/** The body of the answer. @param {any} future */
const bodyOf = async (future) => (await answer(future)).val.consume().stream();

test('sends what the component wrote, and what the host attaches', async (t) => {
  /** @type {any} */ let got;
  const origin = await serve(t, async (req, res) => {
    const body = [];
    for await (const chunk of req) body.push(chunk);
    got = { method: req.method, url: req.url, headers: req.headers, body: Buffer.concat(body).toString() };
    res.writeHead(201, { 'x-answer': 'yes' }).end('done');
  });
  const c = client(origin, { attached: [['x-key', 'secret']] });
  const { val } = await answer(c.send({ path: '/v1/x?y=1', headers: [['content-type', 'text/plain'], ['X-A', '1']], body: 'hello' }));
  assert.equal(val.status(), 201);
  assert.deepEqual(val.headers().get('X-Answer').map(text), ['yes']);
  const input = val.consume().stream();
  assert.equal(text(await input.blockingRead(100n)), 'done');
  await assert.rejects(input.blockingRead(100n), { tag: 'closed' });
  assert.deepEqual([got.method, got.url, got.body, got.headers['x-a'], got.headers['x-key'], got.headers['content-length']],
    ['POST', '/v1/x?y=1', 'hello', '1', 'secret', '5']);
});

test('a header that cannot be sent is named, and its value is not', async () => {
  for (const value of ['pk-secret\npk', 'pk-secret\0pk', 'pk-secret\u200bpk']) {
    const { tag, val } = await answer(client('http://127.0.0.1:9', { attached: [['x-key', value]] }).send());
    assert.deepEqual([tag, val.tag], ['err', 'internal-error']);
    assert.match(val.val, /^the header x-key holds a character that HTTP does not allow$/);
  }
});

test('an error that holds a secret reaches the component without it', async () => {
  const throws = async () => { throw new Error('no route for pk-secret'); };
  const early = await answer(client('http://h', { fetch: throws, secrets: ['pk-secret'] }).send());
  assert.deepEqual(early.val, { tag: 'internal-error', val: 'no route for *********' });

  const breaks = async () => new Response(new ReadableStream({ pull: throws }));
  const input = await bodyOf(client('http://h', { fetch: breaks, secrets: ['pk-secret'] }).send());
  await assert.rejects(input.blockingRead(10n),
    (/** @type {any} */ e) => e.val.toDebugString() === 'internal-error: no route for *********');
});

test('an error says what caused it', async () => {
  const throws = async () => { throw new TypeError('fetch failed', { cause: new Error('bad port') }); };
  assert.deepEqual((await answer(client('http://h', { fetch: throws }).send())).val, { tag: 'internal-error', val: 'fetch failed: bad port' });
});

/** What the answer's body ends in, once it is read. @param {any} input */
async function ends(input) {
  try {
    for (;;) await input.blockingRead(1n << 20n);
  } catch (/** @type {any} */ e) {
    return e.tag === 'closed' ? 'closed' : e.val.code.tag;
  }
}

test('a request whose body, and an answer whose head or body, is larger than it may be is ended', async (t) => {
  const origin = await serve(t, (req, res) => {
    req.resume();
    if (req.url === '/head') return res.writeHead(200, { 'x-long': 'x'.repeat(9000) }).end();
    if (req.url === '/many') return res.writeHead(200, Array.from({ length: 60 }, (_, at) => [`x-${at}`, 'x']).flat()).end();
    return res.end('x'.repeat(3000));
  });
  const limits = { body: 2000, headers: 8000, headerCount: 40 };
  const tag = async (/** @type {any} */ sent) => (await answer(client(origin, { limits }).send(sent))).val.tag;
  assert.equal(await tag({ path: '/head' }), 'HTTP-response-header-section-size');
  assert.equal(await tag({ path: '/many' }), 'HTTP-response-header-section-size');
  assert.throws(() => client(origin, { limits }).send({ body: 'x'.repeat(2001) }), { tag: 'closed' });
  for (const [most, end] of /** @type {[number, string][]} */ ([[2000, 'HTTP-response-body-size'], [3000, 'closed']])) {
    assert.equal(await ends(await bodyOf(client(origin, { limits: { body: most } }).send())), end);
  }
});

test('the headers of a request are bounded too', () => {
  const { Fields } = client('http://h');
  const fields = new Fields();
  for (let i = 0; i < 100; i++) fields.append(`x-${i}`, bytes('x'));
  assert.throws(() => fields.append('x-more', bytes('x')), { tag: 'forbidden' });
  assert.throws(() => Fields.fromList([['x', bytes('x'.repeat(70_000))]]), { tag: 'forbidden' });
  fields.set('x-0', [bytes('y')]);
  assert.deepEqual(fields.get('X-0').map(text), ['y']);
});

/** A request whose body is not written. @param {any} c */
function bare(c, /** @type {string} */ origin) {
  const request = new c.OutgoingRequest(new c.Fields());
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(new URL(origin).host);
  return request;
}

test('only so many requests are open at once, and none of them after the call', { timeout: 30_000 }, async (t) => {
  const closed = /** @type {Promise<unknown>[]} */ ([]);
  const arrived = Promise.withResolvers();
  const origin = await serve(t, (req) => {
    closed.push(once(req.socket, 'close'));
    if (closed.length === 3) arrived.resolve(undefined);
  });
  const { imports, bind } = wasiHttp();
  bind({ origin, fetch, attached: [], reserved: [], limits: { requests: 2 } });
  const send = () => imports['wasi:http/outgoing-handler'].handle(bare(imports['wasi:http/types'], origin), undefined);
  const open = [send(), send()];
  assert.deepEqual(await answer(send()), { tag: 'err', val: { tag: 'connection-limit-reached' } });
  open[0][DISPOSE]();
  open[0] = send();
  assert.equal(open[0].get(), undefined);
  await Promise.race([arrived.promise, sleep(500)]);
  bind(undefined);
  for (const future of open) assert.equal((await answer(future)).tag, 'err');
  await Promise.all(closed);
});

test('nothing is waited for that nothing will end', { timeout: 30_000 }, async (t) => {
  const origin = await serve(t, (_, res) => { res.write('a'); });
  const c = client(origin, { limits: { idle: 50 } });
  const endless = new c.RequestOptions();
  endless.setFirstByteTimeout(2n ** 64n - 1n);
  endless.setBetweenBytesTimeout(2n ** 64n - 1n);
  assert.equal(await ends(await bodyOf(c.send({ options: endless }))), 'connection-read-timeout');
  // its body is never finished, so it is never sent
  const other = client(origin, { limits: { head: 50 } });
  const request = bare(other, origin);
  request.body();
  assert.deepEqual(await answer(other.handle(request, endless)), { tag: 'err', val: { tag: 'HTTP-response-timeout' } });
  await assert.rejects(wasiHttp().imports['wasi:io/poll'].poll([]), /waits for nothing/);
});

/** All that is alive of a class: counting collects garbage first. @param {any} value one of them */
const alive = (value) => Number(queryObjects(value.constructor));

test('what was waited for and dropped is gone, though what it waited for is still to come', async (t) => {
  const { imports, bind } = wasiHttp();
  t.after(() => bind(undefined));
  const { poll } = imports['wasi:io/poll'];
  const silent = () => /** @type {Promise<Response>} */ (new Promise(() => {}));
  const { readable, writable } = new TransformStream();
  const body = writable.getWriter();
  const streams = async (/** @type {RequestInit} */ { signal }) => {
    signal?.addEventListener('abort', () => body.abort().catch(() => {}));
    return new Response(readable);
  };
  const egress = { origin: 'http://h', attached: [], reserved: [] };
  bind({ ...egress, fetch: (url, init) => (url.pathname === '/open' ? silent() : streams(init)) });
  const types = imports['wasi:http/types'];
  const send = (/** @type {string} */ path) => {
    const request = bare(types, 'http://h');
    request.setPathWithQuery(path);
    return imports['wasi:http/outgoing-handler'].handle(request, undefined);
  };
  const open = send('/open');
  const input = await bodyOf(send('/'));
  const kept = open.subscribe();
  const [pollables, promises] = [alive(kept), alive(Promise.resolve())];
  for (let round = 0; round < 10_000; round++) {
    const dropped = open.subscribe();
    const next = poll([kept, dropped, input.subscribe()]);
    body.write(bytes('x'));
    assert.deepEqual([...await next], [2]);
    assert.equal(input.read(100n).length, 1);
  }
  assert.ok(alive(kept) <= pollables + 100, `${alive(kept)} pollables`);
  assert.ok(alive(Promise.resolve()) <= promises + 100, `${alive(Promise.resolve())} promises`);
  assert.equal(kept.ready(), false);
  bind(undefined);
  await kept.block();
  assert.equal(kept.ready(), true);
});

test('what is hidden in a header is filled in there, and nowhere else', async (t) => {
  let got;
  const origin = await serve(t, (req, res) => { got = req.headers; res.end(); });
  const filled = [{ name: 'x-config', shown: '{"key":"SEALED_1"}', real: '{"key":"sk"}' }];
  const c = client(origin, { filled, mark: 'SEALED_' });
  await answer(c.send({ headers: [['X-Config', '{"key":"SEALED_1"}'], ['x-plain', 'SEALED']] }));
  assert.deepEqual([got?.['x-config'], got?.['x-plain']], ['{"key":"sk"}', 'SEALED']);
  for (const [name, value] of [['x-other', '{"key":"SEALED_1"}'], ['x-config', 'SEALED_1'], ['x-config', '{"key":"SEALED_1"} ']]) {
    assert.throws(() => c.send({ headers: [[name, value]] }), { tag: 'HTTP-request-denied' }, `${name}: ${value}`);
  }
});

test('an answer comes in pieces, while the event loop turns', async (t) => {
  // Each piece is sent once the one before was read and the next is waited for: what holds the loop up, or a piece back, hangs.
  const waits = Array.from({ length: 5 }, () => Promise.withResolvers());
  const origin = await serve(t, async (_, res) => {
    res.flushHeaders();
    for (const [i, { promise }] of waits.entries()) {
      await promise;
      res.write(`${i}`);
    }
    res.end();
  });
  const input = await bodyOf(client(origin).send());
  const got = [];
  for (const { resolve } of waits) {
    const piece = input.blockingRead(100n);
    setImmediate(resolve);
    got.push(text(await piece));
  }
  assert.deepEqual(got, ['0', '1', '2', '3', '4']);
});

test('a large answer arrives whole, in reads of any size', async (t) => {
  const large = Buffer.alloc(300_000, 'abc');
  const origin = await serve(t, (_, res) => res.end(large));
  const input = await bodyOf(client(origin).send());
  const got = /** @type {Uint8Array[]} */ ([]);
  await assert.rejects(async () => { for (;;) got.push(await input.blockingRead(7001n)); }, { tag: 'closed' });
  assert.deepEqual(Buffer.concat(got), large);
});

test('a refused connection is an error code', async () => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  assert.deepEqual(await answer(client(`http://127.0.0.1:${port}`).send()), { tag: 'err', val: { tag: 'connection-refused' } });
});

test('the first byte may not take longer than the component says', async (t) => {
  const origin = await serve(t, () => {});
  const c = client(origin);
  const options = new c.RequestOptions();
  options.setFirstByteTimeout(30_000_000n);
  assert.deepEqual(await answer(c.send({ options })), { tag: 'err', val: { tag: 'HTTP-response-timeout' } });
});

test('nor the next byte', async (t) => {
  const origin = await serve(t, (_, res) => { res.write('a'); });
  const c = client(origin);
  const options = new c.RequestOptions();
  options.setBetweenBytesTimeout(300_000_000n);
  const input = await bodyOf(c.send({ options }));
  assert.equal(text(await input.blockingRead(10n)), 'a');
  await assert.rejects(input.blockingRead(10n), (/** @type {any} */ e) => c.httpErrorCode(e.val).tag === 'connection-read-timeout');
});

test('a connection that breaks ends the body in an error', async (t) => {
  /** @type {http.ServerResponse | undefined} */ let open;
  const origin = await serve(t, (_, res) => { (open = res).write('a'); });
  const input = await bodyOf(client(origin).send());
  assert.equal(text(await input.blockingRead(10n)), 'a');
  open?.destroy();
  await assert.rejects(input.blockingRead(10n), { tag: 'last-operation-failed' });
});

test('an abort ends the request, before the head and after', async (t) => {
  const closed = /** @type {Promise<unknown>[]} */ ([]);
  const origin = await serve(t, (req, res) => {
    closed.push(once(res, 'close'));
    if (req.url === '/body') res.write('a');
  });
  const before = new AbortController();
  const waiting = answer(client(origin, { signal: before.signal }).send());
  setTimeout(() => before.abort(), 20);
  assert.equal((await waiting).tag, 'err');

  const after = new AbortController();
  const input = await bodyOf(client(origin, { signal: after.signal }).send({ path: '/body' }));
  await input.blockingRead(10n);
  setTimeout(() => after.abort(), 20);
  await assert.rejects(input.blockingRead(10n), { tag: 'last-operation-failed' });
  await Promise.all(closed);
});

test('an abort and a time limit end a request whose fetch heeds neither', { timeout: 30_000 }, async () => {
  const silent = () => /** @type {Promise<Response>} */ (new Promise(() => {}));
  const aborted = await answer(client('http://h', { fetch: silent, signal: AbortSignal.abort() }).send());
  assert.deepEqual(aborted.val, { tag: 'internal-error', val: 'aborted' });
  const c = client('http://h', { fetch: silent });
  const options = new c.RequestOptions();
  options.setFirstByteTimeout(30_000_000n);
  assert.deepEqual(await answer(c.send({ options })), { tag: 'err', val: { tag: 'HTTP-response-timeout' } });
});

test('dropping the body, or the answer that no one took, ends the request', async (t) => {
  const closed = /** @type {Promise<unknown>[]} */ ([]);
  const origin = await serve(t, (_, res) => { closed.push(once(res, 'close')); res.write('a'); });
  (await bodyOf(client(origin).send()))[DISPOSE]();
  const future = client(origin).send();
  await sleep(20);
  future[DISPOSE]();
  await Promise.all(closed);
});

test('a request whose body was dropped is not sent', async (t) => {
  let requests = 0;
  const origin = await serve(t, (_, res) => { requests++; res.end(); });
  const c = client(origin);
  const request = bare(c, origin);
  const body = request.body();
  const future = c.handle(request, undefined);
  body[DISPOSE]();
  assert.equal((await answer(future)).val.tag, 'HTTP-request-body-size');
  assert.equal(requests, 0);
});
