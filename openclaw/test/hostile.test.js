/**
 * The component that attacks its host (`tests/hostile`), in OpenClaw's adapter: attack by attack as `tests/all/hostile/` has them,
 * but for those that compute without end, which nothing can stop on OpenClaw's own thread: see SECURITY.md.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { transpiled } from '../glue.mjs';
import { componentOf } from '../src/component.js';
import { toError } from '../src/errors.js';
import { checkMerge } from '../src/merge-check.js';
import { toCost } from '../src/prices.js';
import { View } from '../src/view.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const headerNames = JSON.parse(readFileSync(join(root, 'tests/fixtures/boundary/headers.json'), 'utf8'));
const KEY = 'hk-S3cret/key+of~the host';
const LIMITS = { head: 20_000, idle: 20_000, call: 30_000, body: 1 << 20, handed: 32 << 20 };
/** For what waits in vain. */
const IMPATIENT = { ...LIMITS, head: 500, idle: 500, call: 5000 };

/** @type {ReturnType<typeof componentOf>} */ let hostile;
/** @type {http.Server} */ let server;
/** @type {string} */ let address;
/** @type {http.IncomingMessage[]} */ let seen = [];
/** What the next requests get. @type {(req: http.IncomingMessage, res: http.ServerResponse, body: string) => unknown} */ let answer;

before(async () => {
  execFileSync('cargo', ['build', '--quiet', '-p', 'hostile', '--target', 'wasm32-wasip2', '--release'], { cwd: root });
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const { glue, modules } = await transpiled(readFileSync(join(target, 'wasm32-wasip2/release/hostile.wasm')));
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'provider.mjs'), glue);
  const { instantiate } = await import(pathToFileURL(join(folder, 'provider.mjs')).href);
  hostile = componentOf(instantiate, () => modules.map((bytes) => new Uint8Array(bytes)));
  server = http.createServer(async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    seen.push(req);
    answer(req, res, body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const echo = (/** @type {http.IncomingMessage} */ req, /** @type {http.ServerResponse} */ res) => res.end(JSON.stringify(req.headers));
const connection = (at = address) => ({ baseUrl: `http://${at}/v1`, headers: [], credentials: ['hostile-key'], optionsJson: '{}' });
const egress = (at = address, more = {}) => ({
  origin: `http://${at}`, fetch, attached: /** @type {[string, string][]} */ ([['x-hostile-key', encodeURIComponent(KEY)]]),
  secrets: [encodeURIComponent(KEY), KEY], reserved: ['x-hostile-key'], limits: LIMITS, ...more,
});
const request = (/** @type {string} */ attack, /** @type {string[]} */ stop) => /** @type {import('../component/interfaces/openclaw-provider-chat.js').Request} */ ({
  ask: { tag: 'prompt', val: { model: attack, messages: [], tools: [], stop } }, promptCache: undefined,
});

/** What the attack gave: nothing that holds the key. @param {string} name @param {string[]} [parameters] @param {any} [from] */
async function attack(name, parameters = [], from = egress()) {
  try {
    const { content } = await hostile.use(from, ({ chat }) => chat.complete(connection(from.origin.slice(7)), request(name, parameters)));
    const said = /** @type {any} */ (content[0]).val;
    assert.ok(!said.includes(encodeURIComponent(KEY)) && !said.includes(KEY), `${name} ${parameters} shows the key: ${said}`);
    return said;
  } catch (thrown) {
    const error = toError(thrown);
    assert.ok(!String(error.stack).includes(KEY) && !error.message.includes(encodeURIComponent(KEY)), `${name} ${parameters} shows the key: ${error.message}`);
    throw error;
  }
}
const exchange = (at = address, /** @type {string[]} */ ...headers) => ['http', at, '/v1/chat/completions', 'POST', '{}', ...headers];

test('a request to another origin is denied, and nothing is sent', async (t) => {
  const port = address.split(':')[1];
  const other = http.createServer((_, res) => { res.end(); assert.fail('it was called'); }).listen(0, '127.0.0.1');
  t.after(() => other.close()); // also where a check fails: a server that still listens keeps the process alive
  await once(other, 'listening');
  const elsewhere = `127.0.0.1:${/** @type {net.AddressInfo} */ (other.address()).port}`;
  answer = echo;
  for (const [scheme, authority, path] of [
    ['http', elsewhere, '/v1/models'], ['https', address, '/v1/models'], ['ftp', address, '/v1/models'], ['http', `localhost:${port}`, '/v1/models'],
    ['http', `127.0.0.2:${port}`, '/'], ['http', `0.0.0.0:${port}`, '/'], ['http', `[::1]:${port}`, '/'], ['http', `[::ffff:127.0.0.1]:${port}`, '/'],
    ['http', '127.0.0.1', '/'], ['http', '127.0.0.1:', '/'], ['http', '', '/'], ['http', '169.254.169.254', '/latest/meta-data/'],
    ['http', '2852039166', '/'], ['http', '0251.0376.0251.0376', '/'], ['http', '0xa9.0xfe.0xa9.0xfe', '/'], ['http', '[::ffff:169.254.169.254]', '/'],
    ['http', `user:password@${address}`, '/'], ['http', `${address}@${elsewhere}`, '/'], ['http', `${elsewhere}@${address}`, '/'],
    ['http', `${address}#@${elsewhere}`, '/'], ['http', `${address}\\@${elsewhere}`, '/'], ['http', `${address}/@${elsewhere}`, '/'],
    ['http', address, '@elsewhere.example/'], ['http', address, '.elsewhere.example/'], ['http', address, '0/v1/models'],
    ['http', address, '/v1 HTTP/1.1\r\nx-other: 1'], ['http', `${address}\r\nx-other: 1`, '/'], ['http', `${address}\t`, '/'],
    ['javascript', address, '/'], ['file', '', '/etc/passwd'], ['data', '', 'text/plain,x'],
  ]) {
    seen = [];
    await assert.rejects(attack('send', [scheme, authority, path, 'GET', '']), (/** @type {any} */ error) => (
      error.type === 'denied-by-host' || /^the host refused|ProtocolError|UriInvalid/.test(error.message)), `${scheme} ${authority} ${path}`);
    assert.deepEqual(seen, [], `${scheme} ${authority} ${path}`);
  }
});

test('a request stays with its server however it is written', async () => {
  const port = address.split(':')[1];
  answer = echo;
  for (const [authority, path] of [
    [address, '//elsewhere.example/v1/models'], [address, '/v1/../../v1/models'], [address, '/http://elsewhere.example/'], [address, 'http://elsewhere.example/'],
    [address, '?@elsewhere.example/'], [address, '*'], [address, '/\\elsewhere.example/'], [`2130706433:${port}`, '/'], [`0177.0.0.1:${port}`, '/'],
    [`0x7f.1:${port}`, '/'], [`127.1:${port}`, '/'], [`127.0.0.1.:${port}`, '/'],
  ]) {
    seen = [];
    await attack('send', ['http', authority, path, 'GET', '']).catch(() => {});
    for (const { headers } of seen) assert.equal(headers.host, address, `${authority} ${path}`);
  }
});

test('the header of the key and the host\'s own cannot be set', async () => {
  answer = echo;
  for (const name of headerNames.set) assert.match(await attack('send', exchange(address, `${name}: mine`)), new RegExp(`"${name.toLowerCase()}":"mine"`), name);
  for (const name of headerNames.refused) {
    seen = [];
    await assert.rejects(attack('send', exchange(address, `${name}: mine`)), /./, JSON.stringify(name));
    assert.deepEqual(seen, [], JSON.stringify(name));
  }
  for (const value of headerNames.refused_values) await assert.rejects(attack('send', exchange(address, `x-own: ${value}`)), /^PortkeyError: the host refused the header/);
  for (const name of headerNames.overruled) {
    seen = [];
    await attack('send', exchange(address, `${name}: bytes=0-4`));
    assert.equal(seen[0].headers['accept-encoding'], 'identity', name);
    assert.ok(!JSON.stringify(seen[0].headers).includes('bytes=0-4'), name);
  }
  for (const length of ['0', '1', '100000', '-1', '5, 5']) {
    seen = [];
    await attack('send', ['http', address, '/v1/chat/completions', 'POST', '{GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n', `content-length: ${length}`]);
    assert.deepEqual(seen.map(({ url }) => url), ['/v1/chat/completions'], length);
  }
});

test('a method is no way around', async () => {
  answer = echo;
  for (const method of ['GET /x HTTP/1.1\r\nx-other: 1\r\n\r\n', '', 'GET x', 'CONNECT', 'TRACE']) {
    seen = [];
    await assert.rejects(attack('send', ['http', address, '/v1/models', method, '']), /./, method);
    assert.deepEqual(seen, []);
  }
});

test('an answer that repeats the key is masked wherever it is, and not read where it cannot be', async () => {
  const key = encodeURIComponent(KEY);
  const raw = (/** @type {string[]} */ ...pieces) => async (/** @type {unknown} */ _, /** @type {http.ServerResponse} */ res) => {
    const socket = /** @type {net.Socket} */ (res.socket);
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    socket.end();
  };
  const basic = Buffer.from(`user:${KEY}`).toString('base64');
  answer = raw(`HTTP/1.1 200 OK\r\nx-echo: a${key}b\r\nset-cookie: ${key}\r\nx-${key.toLowerCase()}: name\r\nauthorization: Basic ${basic}\r\nconnection: close\r\n\r\nechoed ${key.slice(0, 9)}`, `${key.slice(9)} ${JSON.stringify(KEY)}`);
  const seenByIt = await attack('send', exchange());
  const mask = '*'.repeat(key.length);
  for (const expected of [`x-echo: a${mask}b`, `set-cookie: ${mask}\n`, `echoed ${mask}`]) assert.ok(seenByIt.includes(expected), seenByIt);
  for (const hidden of [key.toLowerCase(), basic.slice(16, 24), KEY.slice(4)]) assert.ok(!seenByIt.toLowerCase().includes(hidden.toLowerCase()), seenByIt);

  for (const coding of ['gzip', 'br', 'x-unknown', 'rot13', 'identity, gzip']) {
    answer = (_, res) => res.writeHead(200, { 'content-encoding': coding }).end(key);
    await assert.rejects(attack('send', exchange()), /./, coding);
  }
  answer = (_, res) => res.writeHead(200, { 'content-encoding': 'Identity' }).end(key);
  assert.match(await attack('send', exchange()), /^200$/m);
  // As it travels, and not as it is: nobody undoes such a coding.
  answer = raw(`HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
  await assert.rejects(attack('send', exchange()), /./, 'a transfer coding');
  answer = (_, res) => res.writeHead(302, { location: `/elsewhere?${key}` }).end();
  seen = [];
  assert.match(await attack('send', exchange()), /^302$/m);
  assert.equal(seen.length, 1);
});

test('the key is not in its memory, nor what another call left there', async () => {
  answer = echo;
  const key = encodeURIComponent(KEY);
  const found = async (/** @type {string} */ first, /** @type {string} */ second) => Number(await attack('memory', [first, second, ...exchange()]));
  assert.equal(await found(key.slice(0, 8), key.slice(8)), 0);
  assert.notEqual(await found('x-hostile', '-key'), 0);
  await attack('send', exchange(address, 'x-own: left-by-the-first-call'));
  assert.equal(await found('left-by-the-', 'first-call'), 0);
});

test('an error text that holds the key is masked', async () => {
  await assert.rejects(attack('error', ['it is ', KEY, '!']), { message: `it is ${'*'.repeat(KEY.length)}!` });
});

test('a call that uses too much or traps fails alone', async () => {
  answer = echo;
  for (const [name, parameter, because] of /** @type {[string, string, RegExp][]} */ ([
    ['trap', '', /unreachable/], ['recurse', '', /out of bounds/], ['allocate', '4294967295', /./], ['allocate', '67108864', /unreachable/],
    ['large', '67108864', /./], ['aliased', '1024', /hands over more/], ['fields', '1000000', /keeps more/],
  ])) {
    await assert.rejects(attack(name, [parameter]), (/** @type {any} */ error) => because.test(error.message), name);
    assert.match(await attack('send', exchange()), /^200$/m);
  }
  for (const [name, parameter] of [['allocate', '1048576'], ['large', '1048576'], ['aliased', '1'], ['fields', '10']]) await attack(name, [parameter]);
  await assert.rejects(hostile.use(egress(), ({ models }) => models.list(connection())), /hands over more/);
});

test('what it keeps is counted, whatever it is', async () => {
  answer = echo;
  for (const [name, count, because] of /** @type {[string, string, RegExp][]} */ ([
    ['pollables', '100000', /keeps more/], ['unsent', '100', /keeps more|^\d+$/],
  ])) {
    const said = await attack(name, [count]).catch((error) => error.message);
    assert.match(said, because, name);
    // of a MiB that may be written, a MiB was
    if (name === 'unsent') assert.ok(Number(said) <= LIMITS.body, said);
    assert.match(await attack('send', exchange()), /^200$/m);
  }
  assert.equal(await attack('pollables', ['10']), '10');
  assert.equal(await attack('unsent', ['1']), String(1 << 18));
});

test('what it waits for and lets go of, names often or copies takes no more than it may', { timeout: 60_000 }, async () => {
  answer = echo;
  assert.equal(await attack('forgetful', ['10000']), 'true');
  assert.equal(await attack('crowd', ['10']), '10');
  for (const count of ['1001', '1000000', '5000000']) await assert.rejects(attack('crowd', [count]), /names more/, count);
  assert.equal(await attack('copies', ['2']), '2');
  await assert.rejects(attack('copies', ['3']), /the host refused the header: HeaderError::Forbidden/);
  assert.match(await attack('send', exchange()), /^200$/m);
});

test('headers of an answer are not sent on, where no request may hold them, nor what comes after a body\'s end', async () => {
  answer = (_, res) => res.writeHead(200, { range: 'bytes=0-4', 'keep-alive': 'x', te: 'x', 'x-hostile-key': 'mine', 'x-own': 'yes' }).end();
  seen = [];
  await assert.rejects(attack('copied'), /Denied|denied/);
  answer = (_, res) => res.writeHead(200, { range: 'bytes=0-4', 'keep-alive': 'x', te: 'x', 'x-own': 'yes' }).end();
  assert.equal(await attack('copied'), 'false false 200');
  assert.deepEqual(seen.map(({ headers }) => headers['x-own']), [undefined, undefined, 'yes']);
  for (const { headers } of seen) assert.deepEqual([headers.range, headers.te, headers.host, headers['x-hostile-key']], [undefined, undefined, address, encodeURIComponent(KEY)]);

  let body;
  answer = (_, res, came) => { body = came; res.end(); };
  await attack('late body');
  assert.equal(body, 'in time');
});

test('a component that waits for ever for what is there is ended, and leaves other work its turn', { timeout: 20_000 }, async () => {
  answer = echo;
  for (const all of ['0', '1']) {
    const waiting = attack('busy', [all], egress(address, { limits: { ...LIMITS, call: 1000 } })).catch((error) => error.message);
    assert.match(await attack('send', exchange()), /^200$/m);
    assert.match(await waiting, /as a whole/, all);
  }
});

test('handles that were never given are none, and what is taken once cannot be taken again', async () => {
  answer = echo;
  for (const kind of ['pollable', 'fields', 'response', 'future', 'request']) {
    const said = await attack('forged', [kind]).catch((error) => error.message);
    assert.doesNotMatch(said, /x-hostile-key|200|true, true/, `${kind}: ${said}`);
    assert.match(await attack('send', exchange()), /^200$/m);
  }
  seen = [];
  assert.equal(await attack('again'), '[false, false, false, false, false, false]');
  assert.deepEqual([seen[0].headers['x-late'], seen[0].headers['x-hostile-key']], [undefined, encodeURIComponent(KEY)]);
});

/** A server that takes connections and says nothing. @param {import('node:test').TestContext} t */
async function silence(t) {
  const sockets = /** @type {Set<net.Socket>} */ (new Set());
  const silent = net.createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => { sockets.forEach((socket) => socket.destroy()); silent.close(); });
  return { at: `127.0.0.1:${/** @type {net.AddressInfo} */ (silent.address()).port}`, sockets };
}

test('a call that waits for ever ends, and holds up no other', { timeout: 20_000 }, async (t) => {
  const { at } = await silence(t);
  answer = echo;
  for (const [name, parameters] of /** @type {[string, string[]][]} */ ([['send', exchange(at)], ['endless body', []], ['many', ['8', '0']]])) {
    const waiting = attack(name, parameters, egress(at, { limits: IMPATIENT })).catch((error) => error.message);
    assert.match(await attack('send', exchange()), /^200$/m);
    assert.match(await waiting, /Timeout|BodySize|0 open|took longer/, name);
  }
});

test('no more requests are open at once than the limit says, and none after the call', { timeout: 20_000 }, async (t) => {
  const { at } = await silence(t);
  const told = await attack('many', ['100', '8'], egress(at, { limits: IMPATIENT }));
  assert.equal(told, '8 open, 92 refused');
});

test('a stream that turns bad ends in an error', { timeout: 20_000 }, async (t) => {
  const { at } = await silence(t);
  for (const [name, because] of /** @type {[string, RegExp][]} */ ([
    ['trap at once', /unreachable/], ['trap midway', /unreachable/], ['aliased midway', /hands over more/], ['wait midway', /Timeout|BodySize/],
  ])) {
    await assert.rejects(hostile.use(egress(at, { limits: IMPATIENT }), async ({ chat }) => {
      const reply = await chat.stream(connection(at), request(name, []));
      assert.deepEqual(await reply.next(), [{ tag: 'text', val: 'and on' }]);
      await reply.next();
    }).catch((thrown) => { throw toError(thrown); }), because, name);
  }
});

test('a stream that goes on for ever is ended', { timeout: 20_000 }, async () => {
  await assert.rejects(hostile.use(egress(address, { limits: { ...LIMITS, call: 300 } }), async ({ chat }) => {
    const reply = await chat.stream(connection(), request('on and on', []));
    for (;;) await reply.next();
  }), /as a whole/);
});

test('a stream that is left behind is dropped without asking it', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  await hostile.use(egress(), async ({ chat }) => {
    await chat.stream(connection(), request('on and on', [])); // its destructor never returns
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
  });
});

test('vectors, speech and transcripts are bounded as chats are', { timeout: 60_000 }, async () => {
  answer = echo;
  const given = (/** @type {string} */ model, text = '') => ({
    embed: { model, texts: [text], dimensions: undefined, extraJson: undefined },
    speak: { model, text, voice: undefined, format: undefined, instructions: undefined, extraJson: undefined },
    transcribe: { model, audio: { mediaType: '', data: new Uint8Array(4) }, language: text, prompt: undefined, extraJson: undefined },
  });
  const embed = (/** @type {string} */ name, text = '') => hostile.use(egress(), ({ embeddings }) => embeddings.embed(connection(), given(name, text).embed));
  const transcribe = (/** @type {string} */ name, text = '') => hostile.use(egress(), ({ audio }) => audio.transcribe(connection(), given(name, text).transcribe));
  const speak = (/** @type {string} */ name, text = '', limits = LIMITS) => hostile.use(egress(address, { limits }), async ({ audio }) => {
    const speech = await audio.speak(connection(), given(name, text).speak);
    let bytes = speech.mediaType().length;
    for (let piece = await speech.next(); piece.length; piece = await speech.next()) bytes += piece.length;
    return bytes;
  });
  for (const [what, because] of /** @type {[() => Promise<unknown>, RegExp][]} */ ([
    [() => embed('trap'), /unreachable/], [() => embed('aliased'), /hands over more/],
    [() => transcribe('trap'), /unreachable/], [() => transcribe('large'), /hands over more|unreachable/],
    [() => speak('trap at once'), /unreachable/], [() => speak('trap midway'), /unreachable/], [() => speak('kind large'), /hands over more|unreachable/],
    [() => speak('flood'), /hands over more/], [() => speak('drip', '', { ...LIMITS, handed: 512 << 20, call: 500 }), /as a whole/],
  ])) {
    await assert.rejects(what().catch((thrown) => { throw toError(thrown); }), (/** @type {any} */ error) => because.test(error.message), String(what));
    assert.match(await attack('send', exchange()), /^200$/m);
  }
  assert.equal((await embed('empty')).vectors.length, 65536);
  for (const call of [embed, speak, transcribe]) await assert.rejects(call('error', `it is ${KEY}!`).catch((thrown) => { throw toError(thrown); }), { message: `it is ${'*'.repeat(KEY.length)}!` });
  await assert.rejects(speak('error midway').catch((thrown) => { throw toError(thrown); }), { message: 'it broke' });
});

test('a price is asked for without the key, and is a sound number or none', async () => {
  answer = echo;
  const keyless = egress(address, { attached: [], filled: [], reserved: ['x-hostile-key'] });
  const price = (/** @type {string} */ name, /** @type {string | undefined} */ header = undefined) => (
    hostile.use(keyless, ({ prices }) => prices.priceOf(/** @type {any} */ ({ ...connection(), credentials: [] }), name, header)));
  seen = [];
  assert.equal((await price('ask'))?.input, 200, 'a status, and the number of credentials that it was told of');
  assert.ok(seen.length === 1 && !JSON.stringify(seen[0].headers).includes(encodeURIComponent(KEY)));
  for (const header of ['x-hostile-key', 'X-Hostile-Key', 'host', 'range', 'transfer-encoding']) assert.equal((await price('ask', header))?.input, 0, header);
  assert.equal(seen.length, 1);
  assert.deepEqual(toCost(await price('fine')), { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 });
  for (const name of ['NaN', 'negative', 'infinite', 'largest']) assert.equal(toCost(await price(name)), undefined, name);
  await assert.rejects(price('trap'), /unreachable/);
  assert.match(await attack('send', exchange()), /^200$/m);
});

test('a merge that reaches beyond the plugin\'s part is refused', () => {
  const config = (/** @type {string} */ how) => ({
    gateway: { token: 'users-own' }, env: { OTHER_SECRET: 's' },
    models: { providers: { hostile: { attack: how, baseUrl: 'https://chosen.example/v1', apiKey: KEY } } },
  });
  const descriptor = hostile.onboarding.describe();
  const merge = (/** @type {string} */ how, choices = {}) => {
    const view = new View(config(how), 'hostile');
    assert.ok(!view.json().includes(KEY));
    const merged = view.mergeBack(config(how), hostile.onboarding.applyConfig(view.json(), choices));
    checkMerge(config(how), merged, descriptor, choices);
    return merged;
  };
  for (const how of ['write elsewhere', 'other provider', 'nested deep', 'nested large', 'not json', 'call elsewhere', 'open the network', 'refer to a secret', 'move a secret', 'move a secret to a header', 'trap']) {
    assert.throws(() => merge(how), (/** @type {any} */ error) => (how === 'trap' ? /unreachable/.test(error.message) : error.type === 'invalid-config') && !String(error.stack).includes(KEY), how);
  }
  assert.deepEqual(merge('none'), config('none'));
  assert.equal(merge('call elsewhere', { baseUrl: 'https://elsewhere.example/v1' }).models.providers.hostile.baseUrl, 'https://elsewhere.example/v1');
});
