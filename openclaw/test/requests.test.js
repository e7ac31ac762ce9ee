/** What is sent, where it goes, and that its secrets come back to nobody. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { mediaProvider, speechProvider } from '../src/audio.js';
import { streamFn } from '../src/chat.js';
import { wasiHttp } from '../src/wasi-http.js';
import { ASK, EVENTS, EVENT_STREAM, GOOD, RawGateway, raw, whole } from './raw.mjs';

const KEY = 'pk-requests-5f0c9a71b2e4';
const gateway = new RawGateway(KEY);
const BASE64 = Buffer.from(KEY).toString('base64').replace(/=+$/, '');

/** A request of a component's, and what it is told. @param {string} [path] @param {any} [verb] @param {[string, string][]} [headers] @param {(options: any) => void} [set] @returns {Promise<any>} */
async function send(path = '/', verb = { tag: 'get' }, headers = [], set = () => {}) {
  const { imports, bind } = wasiHttp();
  bind({ origin: gateway.origin, fetch, attached: [['x-portkey-api-key', KEY]], reserved: ['x-portkey-api-key'], secrets: [KEY], limits: { head: 2000, idle: 2000 } });
  const { Fields, OutgoingRequest, RequestOptions } = imports['wasi:http/types'];
  const request = new OutgoingRequest(Fields.fromList(headers.map(([name, value]) => [name, Buffer.from(value)])));
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(new URL(gateway.origin).host);
  request.setPathWithQuery(path);
  request.setMethod(verb);
  const options = new RequestOptions();
  set(options);
  const future = imports['wasi:http/outgoing-handler'].handle(request, options);
  await future.subscribe().block();
  const { tag, val } = future.get().val;
  if (tag === 'err') return { error: val };
  /** @type {string[]} */ const pieces = [];
  const stream = val.consume().stream();
  try {
    for (;;) pieces.push(Buffer.from(await stream.blockingRead(65536n)).toString('latin1'));
  } catch (end) {
    return { pieces, end, status: val.status(), headers: val.headers().entries() };
  }
}

test('a secret that no header can hold is in no error, not even a short piece of it', async () => {
  gateway.heads = [];
  for (const virtualKey of ['vk\nab\nsecret-of-mine', 'vk\r\nx-own: ab', 'vk\0ab', 'vk\u{1f511}ab']) {
    gateway.answer = raw(EVENTS, GOOD);
    const { errorMessage = '' } = await gateway.chat({}, { plugins: { entries: { portkey: { config: { virtualKey } } } } });
    assert.ok(!/vk|ab\b|secret-of-mine/.test(errorMessage), `${JSON.stringify(virtualKey)}: ${errorMessage}`);
  }
  assert.ok(gateway.heads.every((head) => !/^x-own:/m.test(head)));
  await gateway.serves();
});

test('two keys for one server, at the same time, do not mix', async () => {
  gateway.heads = [];
  gateway.answer = raw(EVENTS, GOOD);
  await Promise.all(Array.from({ length: 20 }, (_, at) => gateway.chat({ apiKey: `key-of-caller-${at % 2}`, headers: { 'x-caller': String(at % 2) } })));
  assert.equal(gateway.heads.length, 20);
  for (const head of gateway.heads) assert.match(head, new RegExp(`x-portkey-api-key: key-of-caller-${/^x-caller: (\d)/m.exec(head)?.[1]}\r\n`));
});

test('a key in any letters of JSON is masked in an error', async () => {
  const spelled = Array.from(KEY, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  for (const place of ['{"error":{"message":"HERE"}}', '{"error":{"message":"x","code":"HERE"}}', '{"error":{"message":"x","type":"HERE"}}', '"HERE"', '{"message":"HERE"}', '{"error":{"message":"x","param":"HERE"}}']) {
    for (const status of ['400 x', '401 x', '500 x']) {
      const body = place.replace('HERE', `a ${spelled} b`);
      gateway.answer = raw(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nx-portkey-trace-id: ${KEY}\r\nconnection: close\r\n\r\n${body}`);
      const message = await gateway.chat();
      assert.equal(message.stopReason, 'error');
      assert.ok(!JSON.stringify(message).includes(KEY), JSON.stringify(message));
    }
  }
});

test('a configuration of any form sends the key to its own place or nowhere', async () => {
  const good = { baseUrl: `${gateway.origin}/v1` };
  const of = (/** @type {unknown} */ portkey, /** @type {unknown} */ options = {}, more = {}) => ({ models: { providers: { portkey } }, plugins: { entries: { portkey: { config: options } } }, ...more });
  const deep = JSON.parse('{"a":'.repeat(2000) + '1' + '}'.repeat(2000));
  for (const [name, config] of /** @type {[string, any][]} */ ([
    ['nothing', undefined], ['null', null], ['a list of providers', { models: { providers: [] } }], ['providers that are a text', { models: { providers: 'x' } }], ['no models', { models: null }],
    ['a text', of('x')], ['a list', of([good])], ['headers that are a list', of({ ...good, headers: ['a: b'] })], ['headers that are a text', of({ ...good, headers: 'a: b' })], ['models that are an object', of({ ...good, models: { id: 'm' } })],
    ['models of nothing', of({ ...good, models: [null, 7, 'x', [], {}] })], ['settings that are a text', of({ ...good, request: 'x' })], ['settings of odd kinds', of({ ...good, request: { auth: [], headers: 7, tls: 'x', proxy: null } })],
    ['options that are a list', of(good, ['x'])], ['options that are a text', of(good, 'x')], ['options that are null', of(good, null)], ['options nested deep', of(good, { config: deep })],
    ['members of JavaScript', of(JSON.parse(`{"baseUrl":"${gateway.origin}/v1","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"headers":{"__proto__":"x","constructor":"y"}}`), JSON.parse('{"__proto__":{"polluted":1}}'))],
    ['agents of JavaScript', of(good, {}, { agents: JSON.parse('{"defaults":{"models":{"__proto__":{"alias":"a","params":{"k":"v"}},"constructor":{"alias":"b"}},"model":{"__proto__":1}}}') })],
    ['headers that ask for a part', of({ ...good, headers: { Range: 'bytes=0-9' } })], ['settings that ask for a part', of({ ...good, request: { headers: { 'IF-RANGE': 'x' } } })],
  ])) {
    gateway.answer = raw(EVENTS, GOOD);
    gateway.heads = [];
    const headers = config?.models?.providers?.portkey?.headers ?? {};
    const message = await gateway.chat({}, config, typeof headers === 'object' ? { headers } : {});
    const sent = gateway.heads.filter((head) => head.startsWith('POST'));
    if (/ask for a part/.test(name)) assert.match(message.errorMessage ?? '', /^The header \S+ asks for a part of an answer/, name);
    assert.equal(message.stopReason === 'stop', sent.length === 1, `${name}: ${message.stopReason} ${message.errorMessage} ${sent.length}`);
    assert.ok(sent.every((head) => head.includes(`x-portkey-api-key: ${KEY}`) && !/^(if-)?range:/im.test(head)), `${name}: ${sent}`);
    assert.ok(!JSON.stringify(message).includes(KEY), name);
    assert.equal(/** @type {any} */ ({}).polluted, undefined, name);
  }
  await gateway.serves();
});

test('headers of the configuration change neither the place nor the end of a request', async () => {
  gateway.answer = whole(GOOD, EVENT_STREAM);
  for (const name of ['content-length', 'transfer-encoding', 'connection', 'te', 'trailer', 'upgrade', 'expect', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'http2-settings', ':authority', ':path', 'content-encoding', 'accept-encoding']) {
    for (const value of ['1', 'chunked', 'elsewhere.example', '100-continue', 'a\r\nx-own: 1']) {
      gateway.heads = [];
      const message = await streamFn(gateway.config({ headers: { [name]: value } }))({ ...gateway.model(), headers: { [name]: value } }, ASK, { apiKey: KEY }).result();
      assert.ok(gateway.heads.length <= 1, `${name}: ${value}`);
      for (const head of gateway.heads) {
        assert.ok(!/^x-own/mi.test(head) && head.includes(`host: ${new URL(gateway.origin).host}\r\n`), head);
        assert.doesNotMatch(head, /^transfer-encoding: /mi, head);
        assert.ok(head.startsWith('POST /v1/chat/completions HTTP/1.1\r\n'), head);
      }
      assert.ok(['stop', 'error'].includes(message.stopReason), `${name}: ${value}`);
    }
  }
  gateway.answer = whole(GOOD, EVENT_STREAM);
  assert.equal((await gateway.chat()).stopReason, 'stop');
});

test('how an answer comes tells nothing of the key', async () => {
  const ways = /** @type {[string, (path: string) => (string | number)[]][]} */ ([
    ['whole', (path) => [`content-length: ${path.length}\r\n\r\n${path}`]],
    ['in a chunk', (path) => [`transfer-encoding: chunked\r\n\r\n${path.length.toString(16)}\r\n${path}\r\n0\r\n\r\n`]],
    ['and on', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}`, 30, 'more']],
    ['and a line on', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}`, 30, '\nmor']],
    ['in a line of its own', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}\n`, 30, 'mor']],
  ]);
  for (const [name, way] of ways) {
    gateway.answer = async (head, socket) => {
      for (const piece of way(head.split(' ')[1])) {
        if (typeof piece === 'number') await sleep(piece);
        else socket.write(piece.startsWith('content') || piece.startsWith('transfer') ? `HTTP/1.1 200 OK\r\n${piece}` : piece);
      }
    };
    const seen = async (/** @type {string} */ guess) => (await send(`/${'x'.repeat(500)}${guess}`)).pieces?.map((/** @type {string} */ piece) => piece.length);
    for (const secret of [KEY, BASE64]) {
      for (const length of [1, 2, secret.length >> 1, secret.length - 3]) {
        assert.deepEqual(await seen(secret.slice(0, length)), await seen('q'.repeat(length)), `${name}: ${secret.slice(0, length)}`);
      }
    }
  }
});

test('a coding that holds the key is told to no component', async () => {
  for (const head of [
    `200 OK\r\ncontent-encoding: ${KEY}`, `200 OK\r\ncontent-encoding: gzip, ${KEY}`, `200 OK\r\ncontent-encoding: ${'x'.repeat(25)}${KEY}`, `200 OK\r\ncontent-encoding: ${BASE64}`, `200 OK\r\ntransfer-encoding: ${KEY}`,
    `200 ${KEY}`, `${KEY} OK`, `200 OK\r\n${KEY}: 1`, `200 OK\r\n${KEY}`, `302 x\r\nlocation: http://${KEY}.example/`,
  ]) {
    gateway.answer = (_, socket) => socket.end(`HTTP/1.1 ${head}\r\ncontent-length: 1\r\n\r\nx`);
    const seen = JSON.stringify(await send(), (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value));
    for (const secret of [KEY, KEY.slice(0, -6), BASE64]) assert.ok(!seen.includes(secret), `${head}: ${seen}`);
  }
});

test('odd methods, headers and times of a component end in words, and the key is where it was', async () => {
  gateway.answer = whole('x');
  for (const verb of [{ tag: 'connect' }, { tag: 'trace' }, ...['TRACK', 'trace', 'PRI', 'M-SEARCH', 'CoNnEcT', 'GET', '!'].map((val) => ({ tag: 'other', val }))]) {
    gateway.heads = [];
    await send('/', verb);
    for (const head of gateway.heads) assert.ok(!/^(connect|trace|track) /i.test(head) && head.includes(`x-portkey-api-key: ${KEY}\r\n`), head);
  }
  for (const [name, value] of /** @type {[string, string][]} */ ([
    ['expect', '100-continue'], ['trailer', 'x-portkey-api-key'], ['cookie', 'a=b'], ['x-http-method-override', 'DELETE'], ['x-forwarded-host', 'elsewhere.example'], ['forwarded', 'host=elsewhere.example'],
    ['content-encoding', 'gzip'], ['x-portkey_api_key', 'mine'], ['sec-fetch-site', 'same-origin'], ['origin', 'null'], ['referer', 'x'], ['date', 'x'], ['via', '1.1 x'], ['access-control-request-method', 'x'],
  ])) {
    gateway.heads = [];
    const { error } = await send('/', { tag: 'get' }, [[name, value]]);
    assert.ok(!error || error.tag === 'internal-error', `${name}: ${error?.tag}`);
    for (const head of gateway.heads) assert.deepEqual(head.match(/^(host|x-portkey-api-key): .*(?=\r)/gmi), [`host: ${new URL(gateway.origin).host}`, `x-portkey-api-key: ${KEY}`], head);
  }
  const times = [0n, 1n, 2n ** 64n - 1n];
  for (const first of times) {
    for (const between of times) {
      const { error, end, pieces } = await send('/', { tag: 'get' }, [], (options) => { options.setFirstByteTimeout(first); options.setBetweenBytesTimeout(between); });
      assert.ok(error?.tag === 'HTTP-response-timeout' || pieces?.join('') === 'x' || end?.tag === 'last-operation-failed', `${first} ${between}`);
    }
  }
});

test('a format of speech is no path, and a kind of recording no header', async () => {
  gateway.answer = whole('ID3x', 'content-type: audio/mpeg');
  gateway.heads = [];
  for (const responseFormat of ['../../x', 'mp3/../../x', 'mp3\0', 'mp3\r\nx: y', '.bashrc', 'C:\\x', 'x'.repeat(5000), 'ｍｐ３', '\u202e3pm']) {
    const speech = speechProvider(gateway.auth).synthesize({ text: 'x', cfg: gateway.config(), providerConfig: { responseFormat }, target: 'audio-file' });
    await assert.rejects(speech, (/** @type {any} */ error) => error.type === 'invalid-config' && !error.message.includes('/..'), responseFormat.slice(0, 20));
  }
  assert.deepEqual(gateway.heads, []);
  const { fileExtension } = await speechProvider(gateway.auth).synthesize({ text: 'x', cfg: gateway.config(), providerConfig: JSON.parse('{"responseFormat":"opus","__proto__":{"baseUrl":"http://elsewhere.example"}}'), target: 'audio-file' });
  assert.equal(fileExtension, '.opus');
  gateway.answer = whole(JSON.stringify({ text: 'said' }));
  for (const mime of ['audio/x\r\nX-Own: y', 'audio/mpeg; name="a\r\n\r\nb"', '../../x', '', '\0', 'ä'.repeat(70_000)]) {
    gateway.heads = [];
    await mediaProvider(gateway.auth).transcribeAudioWithContext({ buffer: Buffer.from('abc'), mime, timeoutMs: 5000, cfg: gateway.config() }).catch(() => {});
    for (const head of gateway.heads) assert.doesNotMatch(head, /^x-own/mi, mime.slice(0, 20));
  }
});
