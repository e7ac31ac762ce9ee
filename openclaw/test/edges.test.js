/**
 * The seventh hostile review, in OpenClaw's adapter: what a component learns by how an answer comes, signals and connections over many
 * calls, names and formats. `tests/hostile/review/README.md` lists each attempt with its result.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { mediaProvider, speechProvider } from '../src/audio.js';
import { streamFn } from '../src/chat.js';
import { embeddingProvider } from '../src/embeddings.js';
import { describeModel, runCatalog } from '../src/models.js';
import { namesASecret, secretsIn } from '../src/secrets.js';
import { View, withoutTakenAliases } from '../src/view.js';
import { wasiHttp } from '../src/wasi-http.js';
import { rawServer } from './raw.mjs';

const KEY = 'pk-edges-5f0c9a71b2e4';
const BASE64 = Buffer.from(KEY).toString('base64').replace(/=+$/, '');
/** @type {net.Server} */ let server;
/** @type {string} */ let origin;
/** What each request of a connection gets. @type {import('./raw.mjs').Answer} */ let answer;
/** @type {string[]} */ let heads = [];

before(async () => {
  ({ server, origin } = await rawServer((head, socket) => {
    heads.push(head);
    return answer(head, socket);
  }));
});
after(() => { server.close(); });

/** Each request gets this, and the connection goes on. */
const whole = (/** @type {string} */ body, head = 'content-type: application/json') => (
  (/** @type {unknown} */ _, /** @type {net.Socket} */ socket) => socket.write(`HTTP/1.1 200 OK\r\n${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
const EVENTS = 'content-type: text/event-stream';
const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const END = 'data: [DONE]\n\n';
const GOOD = `${chunk({ content: 'good' })}${chunk({}, 'stop')}${END}`;

const model = () => /** @type {any} */ ({ ...describeModel('@openai/gpt'), provider: 'portkey', api: 'openai-completions', baseUrl: `${origin}/v1` });
const ask = { messages: [{ role: /** @type {const} */ ('user'), content: 'x', timestamp: 0 }] };
const chat = (options = {}, config = {}) => streamFn(config)(model(), ask, { apiKey: KEY, ...options }).result();
const configured = (more = {}) => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1`, ...more } } } });
const auth = () => ({ resolveApiKeyForProvider: async () => ({ apiKey: KEY }), isProviderApiKeyConfigured: () => true });

/** A request of a component's, and what it is told. @param {string} [path] @param {any} [verb] @param {[string, string][]} [headers] @param {(options: any) => void} [set] @returns {Promise<any>} */
async function send(path = '/', verb = { tag: 'get' }, headers = [], set = () => {}) {
  const { imports, bind } = wasiHttp();
  bind({ origin, fetch, attached: [['x-portkey-api-key', KEY]], reserved: ['x-portkey-api-key'], secrets: [KEY], limits: { head: 2000, idle: 2000 } });
  const { Fields, OutgoingRequest, RequestOptions } = imports['wasi:http/types'];
  const request = new OutgoingRequest(Fields.fromList(headers.map(([name, value]) => [name, Buffer.from(value)])));
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority(new URL(origin).host);
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

test('how an answer comes tells nothing of the key', async () => {
  const ways = /** @type {[string, (path: string) => (string | number)[]][]} */ ([
    ['whole', (path) => [`content-length: ${path.length}\r\n\r\n${path}`]],
    ['in a chunk', (path) => [`transfer-encoding: chunked\r\n\r\n${path.length.toString(16)}\r\n${path}\r\n0\r\n\r\n`]],
    ['and on', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}`, 30, 'more']],
    ['and a line on', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}`, 30, '\nmor']],
    ['in a line of its own', (path) => [`content-length: ${path.length + 4}\r\n\r\n${path}\n`, 30, 'mor']],
  ]);
  for (const [name, way] of ways) {
    answer = async (head, socket) => {
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
    answer = (_, socket) => socket.end(`HTTP/1.1 ${head}\r\ncontent-length: 1\r\n\r\nx`);
    const seen = JSON.stringify(await send(), (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value));
    for (const secret of [KEY, KEY.slice(0, -6), BASE64]) assert.ok(!seen.includes(secret), `${head}: ${seen}`);
  }
});

test('odd methods, headers and times of a component end in words, and the key is where it was', async () => {
  answer = whole('x');
  for (const verb of [{ tag: 'connect' }, { tag: 'trace' }, ...['TRACK', 'trace', 'PRI', 'M-SEARCH', 'CoNnEcT', 'GET', '!'].map((val) => ({ tag: 'other', val }))]) {
    heads = [];
    await send('/', verb);
    for (const head of heads) assert.ok(!/^(connect|trace|track) /i.test(head) && head.includes(`x-portkey-api-key: ${KEY}\r\n`), head);
  }
  for (const [name, value] of /** @type {[string, string][]} */ ([
    ['expect', '100-continue'], ['trailer', 'x-portkey-api-key'], ['cookie', 'a=b'], ['x-http-method-override', 'DELETE'], ['x-forwarded-host', 'elsewhere.example'], ['forwarded', 'host=elsewhere.example'],
    ['content-encoding', 'gzip'], ['x-portkey_api_key', 'mine'], ['sec-fetch-site', 'same-origin'], ['origin', 'null'], ['referer', 'x'], ['date', 'x'], ['via', '1.1 x'], ['access-control-request-method', 'x'],
  ])) {
    heads = [];
    const { error } = await send('/', { tag: 'get' }, [[name, value]]);
    assert.ok(!error || error.tag === 'internal-error', `${name}: ${error?.tag}`);
    for (const head of heads) assert.deepEqual(head.match(/^(host|x-portkey-api-key): .*(?=\r)/gmi), [`host: ${new URL(origin).host}`, `x-portkey-api-key: ${KEY}`], head);
  }
  const times = [0n, 1n, 2n ** 64n - 1n];
  for (const first of times) {
    for (const between of times) {
      const { error, end, pieces } = await send('/', { tag: 'get' }, [], (options) => { options.setFirstByteTimeout(first); options.setBetweenBytesTimeout(between); });
      assert.ok(error?.tag === 'HTTP-response-timeout' || pieces?.join('') === 'x' || end?.tag === 'last-operation-failed', `${first} ${between}`);
    }
  }
});

test('texts, thoughts and calls in turns take no time by the square', { timeout: 60_000 }, async () => {
  const turns = (chunk({ content: 'x ' }) + chunk({ reasoning_content: 'y' })).repeat(100_000);
  const calls = Array.from({ length: 4000 }, (_, index) => chunk({ tool_calls: [{ index, id: `c${index}`, function: { name: 'f', arguments: '{}' } }] }));
  answer = whole(turns + calls.join('') + chunk({}, 'tool_calls') + END, EVENTS);
  const { stopReason, content } = await chat();
  assert.equal(stopReason, 'toolUse');
  assert.equal(content.length, 204_000);
  const texts = content.flatMap((/** @type {any} */ block) => (block.type === 'text' ? [JSON.parse(block.textSignature)] : []));
  assert.ok(texts.every(({ phase }) => phase === 'commentary'));
  assert.equal(new Set(texts.map(({ id }) => id)).size, 100_000);
});

test('names and values of any length take no time by the square', { timeout: 60_000 }, () => {
  assert.ok(!namesASecret(`x-portkey-${'1'.repeat(1 << 20)}a`));
  assert.ok(namesASecret(`x-portkey-key${'1'.repeat(1 << 20)}`));
  assert.deepEqual(secretsIn(`${';'.repeat(1 << 20)}x`), [`${';'.repeat(1 << 20)}x`, 'x']);
});

test('a signal of many calls keeps nothing of them', async () => {
  const { signal } = new AbortController();
  const { provider } = await embeddingProvider(auth).create({ config: configured(), model: 'm' });
  answer = whole(JSON.stringify({ object: 'list', model: 'm', data: [{ index: 0, embedding: [1, 2] }] }));
  for (let call = 0; call < 20; call++) assert.deepEqual(await provider.embed('x', { signal }), [1, 2]);
  answer = whole(JSON.stringify({ text: 'said' }));
  const recording = { buffer: Buffer.from('abc'), mime: 'audio/mpeg', timeoutMs: 20_000, cfg: configured(), signal };
  for (let call = 0; call < 20; call++) assert.equal((await mediaProvider(auth).transcribeAudioWithContext(recording)).value.text, 'said');
  answer = whole(GOOD, EVENTS);
  for (let call = 0; call < 20; call++) assert.equal((await chat({ signal })).stopReason, 'stop');
  answer = whole('{}');
  for (let call = 0; call < 20; call++) assert.equal((await chat({ signal })).stopReason, 'error');
  await sleep(50);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('calls that are given up at any moment leave no connection', async () => {
  // Of those that were asked on: fetch makes another one in the place of each that it closes.
  let open = 0;
  answer = (_, socket) => {
    open += 1;
    socket.write(`HTTP/1.1 200 OK\r\n${EVENTS}\r\n\r\n`);
    const timer = setInterval(() => socket.write(chunk({ content: 'x' })), 5);
    socket.on('close', () => {
      clearInterval(timer);
      open -= 1;
    });
  };
  const given = await Promise.all(Array.from({ length: 60 }, async (_, at) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), at * 5);
    return chat({ signal: controller.signal });
  }));
  assert.deepEqual([...new Set(given.map(({ stopReason }) => stopReason))], ['aborted']);
  for (let tries = 0; tries < 200 && open; tries++) await sleep(10);
  assert.equal(open, 0);
  answer = whole(GOOD, EVENTS);
  assert.equal((await chat()).stopReason, 'stop');
});

test('what a gateway says is one line of the log', async () => {
  for (const status of ['401 x', '500 x', '200 OK']) {
    const error = JSON.stringify({ error: { message: 'no\n[info] Portkey: all is well\r\u001b]0;title\u0007\u009b8m' } });
    answer = (_, socket) => socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(error)}\r\n\r\n${error}`);
    /** @type {string[]} */ const lines = [];
    await runCatalog({ config: configured(), resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: (line) => lines.push(line) });
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0], /[\0-\x1f\x7f-\x9f]/, status);
  }
  const says = 'x\n[info] all is well\r\u001b]0;title\u0007\u009b8m\u202e';
  for (const [name, events] of [
    ['why it ended', chunk({ content: 'x' }) + chunk({}, says)],
    ['a tool', chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: says, arguments: '[1' } }] }) + chunk({ tool_calls: [{ index: 0, function: { arguments: ']' } }] }, 'tool_calls')],
  ]) {
    answer = whole(`${events}${END}`, EVENTS);
    const { errorMessage } = await chat();
    assert.match(errorMessage ?? '', /all is well/, name);
    assert.doesNotMatch(errorMessage ?? '', /[\p{Cc}\p{Cf}]/u, name);
  }
});

test('a catalog of pages without end ends', { timeout: 60_000 }, async () => {
  let page = 0;
  answer = (head, socket) => {
    const prices = head.startsWith('GET /v1/models') ? '' : 'x';
    const body = prices || JSON.stringify({ total: 1e15, has_more: true, data: [{ id: `@a/m${page++}`, slug: 'm' }] });
    socket.write(`HTTP/1.1 ${prices ? 404 : 200} x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  const { provider } = await runCatalog({ config: configured(), resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: assert.fail });
  assert.ok(page <= 1000 && provider.models.length === page, `${page} pages`);
});

test('a format of speech is no path, and a kind of recording no header', async () => {
  answer = whole('ID3x', 'content-type: audio/mpeg');
  heads = [];
  for (const responseFormat of ['../../x', 'mp3/../../x', 'mp3\0', 'mp3\r\nx: y', '.bashrc', 'C:\\x', 'x'.repeat(5000), 'ｍｐ３', '\u202e3pm']) {
    const speech = speechProvider(auth).synthesize({ text: 'x', cfg: configured(), providerConfig: { responseFormat }, target: 'audio-file' });
    await assert.rejects(speech, (/** @type {any} */ error) => error.type === 'invalid-config' && !error.message.includes('/..'), responseFormat.slice(0, 20));
  }
  assert.deepEqual(heads, []);
  const { fileExtension } = await speechProvider(auth).synthesize({ text: 'x', cfg: configured(), providerConfig: JSON.parse('{"responseFormat":"opus","__proto__":{"baseUrl":"http://elsewhere.example"}}'), target: 'audio-file' });
  assert.equal(fileExtension, '.opus');
  answer = whole(JSON.stringify({ text: 'said' }));
  for (const mime of ['audio/x\r\nX-Own: y', 'audio/mpeg; name="a\r\n\r\nb"', '../../x', '', '\0', 'ä'.repeat(70_000)]) {
    heads = [];
    await mediaProvider(auth).transcribeAudioWithContext({ buffer: Buffer.from('abc'), mime, timeoutMs: 5000, cfg: configured() }).catch(() => {});
    for (const head of heads) assert.doesNotMatch(head, /^x-own/mi, mime.slice(0, 20));
  }
});

test('headers of the configuration change neither the place nor the end of a request', async () => {
  answer = whole(GOOD, EVENTS);
  for (const name of ['content-length', 'transfer-encoding', 'connection', 'te', 'trailer', 'upgrade', 'expect', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'http2-settings', ':authority', ':path', 'content-encoding', 'accept-encoding']) {
    for (const value of ['1', 'chunked', 'elsewhere.example', '100-continue', 'a\r\nx-own: 1']) {
      heads = [];
      const message = await streamFn(configured({ headers: { [name]: value } }))({ ...model(), headers: { [name]: value } }, ask, { apiKey: KEY }).result();
      assert.ok(heads.length <= 1, `${name}: ${value}`);
      for (const head of heads) {
        assert.ok(!/^x-own/mi.test(head) && head.includes(`host: ${new URL(origin).host}\r\n`), head);
        assert.doesNotMatch(head, /^transfer-encoding: /mi, head);
        assert.ok(head.startsWith('POST /v1/chat/completions HTTP/1.1\r\n'), head);
      }
      assert.ok(['stop', 'error'].includes(message.stopReason), `${name}: ${value}`);
    }
  }
  answer = whole(GOOD, EVENTS);
  assert.equal((await chat()).stopReason, 'stop');
});

// Each spelling copied all before it: 12,000 took minutes.
test('a merge holds no number that JSON has none for', () => {
  const config = configured({ models: [{ id: 'm', contextWindow: 5 }] });
  for (const number of ['1e999', '-1e999']) {
    const answer = JSON.stringify(config).replace(':5', `:${number}`);
    assert.throws(() => new View(config, 'portkey').mergeBack(config, answer), /a number that is none/, number);
  }
});

test('a merge of any number of spellings, headers, models and long names ends', () => {
  const id = 'portkey';
  const config = { models: { providers: { portkey: { baseUrl: 'https://a.example/v1' } } } };
  const each = (/** @type {(at: number) => [string, any]} */ member) => Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => member(at)));
  /** @param {number} at @returns {string} in other capitals, and with other spaces before and behind it */
  const spelled = (at) => ' '.repeat((at >> 7) % 10) + id.replace(/./g, (letter, bit) => ((at >> bit) & 1 ? letter.toUpperCase() : letter)) + ' '.repeat(at / 1280);
  const descriptor = { defaultBaseUrl: 'https://a.example/v1', credentials: [{ envVars: ['KEY'] }] };
  const own = config.models.providers.portkey;
  for (const [name, more, refused] of /** @type {[string, any, RegExp?][]} */ ([
    ['spellings of the provider', { models: { providers: { ...each((at) => [spelled(at), {}]), portkey: own } } }],
    ['spellings of the plugin', { ...config, plugins: { entries: each((at) => [spelled(at), { config: {} }]) } }],
    ['headers', { models: { providers: { portkey: { ...own, headers: each((at) => [`h${at}`, 'v']) } } } }, /`headers`/],
    ['models', { models: { providers: { portkey: { ...own, models: Object.values(each((at) => [`${at}`, { id: `m${at}` }])) } } } }],
    ['members below a long name', { models: { providers: { portkey: { ...own, models: [{ id: 'm', compat: { ['x'.repeat(5e5)]: each((at) => [`${at}`, 1]) } }] } } } }],
    ['references below a long name', { models: { providers: { portkey: { ...own, models: [{ id: 'm', compat: { ['x'.repeat(5e5)]: each((at) => [`${at}`, '${KEY}']) } }] } } } }, /a reference at/],
    ['options with a secret', { ...config, plugins: { entries: { portkey: { config: each((at) => [`o${at}`, { apiKey: `sk-${at}` }]) } } } }, /an option/],
    ['models below a long spelling', { models: { providers: { portkey: own, [`portkey${' '.repeat(5e5)}`]: { models: Object.values(each((at) => [`${at}`, { id: 'm' }])) } } } }],
    ['beginnings of references', { models: { providers: { portkey: { ...own, name: '${'.repeat(4e5) } } } }],
  ])) {
    const view = new View(config, id);
    const merge = () => view.check(config, withoutTakenAliases(config, view.mergeBack(config, JSON.stringify(more)), id), descriptor, {});
    if (refused) assert.throws(merge, refused, name);
    else merge();
    const users = new View(more, id); // and as the user's own
    const options = Object.values(users.document.plugins?.entries?.[id]?.config ?? {});
    for (const shown of options) assert.match(users.fill(JSON.stringify(shown)) ?? '', /sk-/); // and in a call
    users.check(more, users.mergeBack(more, users.json()), descriptor, {});
  }
});
