/**
 * Hostile callers of the gateway on `wasmtime serve`, and hostile services behind it: the second review's attempts, which
 * `tests/hostile/review/README.md` lists. What is sent stands here byte by byte: no client would send it.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { KEY, TOKEN, startStub, startWasmtime, stopAll } from './servers.mjs';

let stub, open, near, settings;

before(async () => {
  stub = await startStub('--token-delay', '0', '--require', `x-portkey-api-key: ${KEY}`);
  settings = { GATEWAY_TOKEN: TOKEN, GATEWAY_BASE_URL: stub.url, CREDENTIAL_X_PORTKEY_API_KEY: KEY };
  const { GATEWAY_TOKEN, ...tokenless } = settings;
  [open, near] = await Promise.all([startWasmtime(settings), startWasmtime({ ...tokenless, GATEWAY_ANONYMOUS: 'loopback' })]);
});
after(stopAll);

const CHAT = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] });
const AUTH = `Authorization: Bearer ${TOKEN}`;
const JSON_TYPE = 'Content-Type: application/json';

/** All that the gateway answers to these bytes, until it has been silent for a while. @param {{ origin: string }} to @param {string | Buffer} bytes */
function exchange(to, bytes) {
  return new Promise((resolve) => {
    let seen = '';
    const socket = net.connect(Number(new URL(to.origin).port), '127.0.0.1', () => socket.write(bytes));
    const end = () => { socket.destroy(); resolve(seen); };
    socket.setEncoding('latin1').setTimeout(3000, end).on('data', (piece) => { seen += piece; }).on('end', end).on('error', end);
  });
}

/** @param {string} line @param {string[]} headers @param {string} [body] */
const request = (line, headers, body = '') => {
  const missing = ['Host: gateway.example', 'Connection: close'].filter((known) => !headers.some((header) => header.toLowerCase().startsWith(known.slice(0, 4).toLowerCase())));
  return [line, ...missing, ...headers, '', body].join('\r\n');
};
const post = (headers, body = CHAT) => request('POST /v1/chat/completions HTTP/1.1', [...headers, JSON_TYPE, `Content-Length: ${Buffer.byteLength(body)}`], body);
const statuses = (answer) => Array.from(answer.matchAll(/HTTP\/1\.[01] (\d{3})/g), ([, status]) => Number(status));
const isSilent = (answer, name) => assert.ok(!answer.includes(KEY) && !answer.includes(TOKEN), `${name}: ${answer}`);

test('what is no token opens nothing, wherever it is', async () => {
  await stub.requests();
  for (const [name, headers] of [
    ['a tab before the token', [`Authorization: Bearer\t${TOKEN}`]], ['the token twice', [`Authorization: Bearer ${TOKEN} ${TOKEN}`]],
    ['a list', [`Authorization: Bearer x, Bearer ${TOKEN}`]], ['a wrong one first', ['Authorization: Bearer x', AUTH]], ['capitals', [`Authorization: Bearer ${TOKEN.toUpperCase()}`]],
    ['all but the last letter', [`Authorization: Bearer ${TOKEN.slice(0, -1)}`]], ['nothing', ['Authorization: Bearer']], ['a password', [`Authorization: Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}`]],
    ['another header', [`X-Api-Key: ${TOKEN}`]], ['the key itself', [`Authorization: Bearer ${KEY}`]], ['the header of the key', [`x-portkey-api-key: ${KEY}`]], ['a cookie', [`Cookie: token=${TOKEN}`]],
    ['the header of a proxy', [`Proxy-Authorization: Bearer ${TOKEN}`]], ['a name with an underscore', [`X_Authorization: Bearer ${TOKEN}`]], ['two tokens in one word', [`Authorization: Bearer ${TOKEN}\u00a0`]],
  ]) {
    const answer = await exchange(open, post(headers));
    assert.deepEqual(statuses(answer), [401], `${name}: ${answer}`);
    isSilent(answer, name);
  }
  for (const path of [`/v1/models?token=${TOKEN}`, `/v1/models?api_key=${TOKEN}`, `/v1/models#${TOKEN}`]) {
    const answer = await exchange(open, request(`GET ${path} HTTP/1.1`, []));
    assert.ok([400, 401].includes(statuses(answer)[0]), `${path}: ${answer}`);
  }
  assert.deepEqual(await stub.requests(), []);
});

test('a path that is another, or a method, is none', async () => {
  await stub.requests();
  for (const path of [
    '//v1/models', '/v1//models', '/v1/./models', '/x/../v1/models', '/v1/models/', '/v1/models%00', '/v1/models;a=b', '/V1/models', '/%76%31/models', '/v1/models%2f..', '/v1\\models', '/v1/chat/completions/../../models',
    '/.well-known/x', '/metrics', '/debug', '/v1/proxy/http://127.0.0.1:9/', '/v1/files', '/v1/responses', '/<script>',
  ]) {
    const answer = await exchange(open, request(`GET ${path} HTTP/1.1`, [AUTH]));
    assert.ok([400, 404].includes(statuses(answer)[0]), `${path}: ${answer}`);
    assert.doesNotMatch(answer, /content-type: text\/html/i, path);
  }
  for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'CONNECT', 'PROPFIND', 'get', 'GETx']) {
    const answer = await exchange(open, request(`${method} /v1/models HTTP/1.1`, [AUTH, 'Origin: https://page.example', 'Access-Control-Request-Method: POST']));
    assert.ok(statuses(answer)[0] >= 400, `${method}: ${answer}`);
    assert.doesNotMatch(answer, /access-control-/i, method);
  }
  assert.deepEqual(await stub.requests(), []);
});

test('what a proxy could take for two requests is one, or none', async () => {
  const hidden = request('GET /v1/models HTTP/1.1', ['Host: x']);
  const body = (text) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  for (const [name, headers, after] of [
    ['length before chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${hidden}`],
    ['chunks before length', ['Transfer-Encoding: chunked', `Content-Length: ${body(CHAT).length + hidden.length}`], body(CHAT) + hidden],
    ['two lengths', [`Content-Length: ${CHAT.length}`, 'Content-Length: 0'], CHAT + hidden],
    ['a length with a plus', [`Content-Length: +${CHAT.length}`], CHAT + hidden],
    ['a length in hexadecimal', [`Content-Length: 0x${CHAT.length.toString(16)}`], CHAT + hidden],
    ['a list of lengths', [`Content-Length: ${CHAT.length}, 0`], CHAT + hidden],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], body(CHAT) + hidden],
    ['chunked and then identity', ['Transfer-Encoding: chunked, identity'], body(CHAT) + hidden],
    ['chunked behind a vertical tab', ['Transfer-Encoding: \x0bchunked'], body(CHAT) + hidden],
    ['a space before the colon', [`Content-Length : ${CHAT.length}`], CHAT + hidden],
    ['a folded header', ['Transfer-Encoding:\r\n chunked'], body(CHAT) + hidden],
    ['a line feed alone', [`X-A: b\nContent-Length: 0\r\nContent-Length: ${CHAT.length}`], CHAT + hidden],
    ['a carriage return alone', [`X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: ${CHAT.length}`], CHAT + hidden],
    ['a size that overflows', ['Transfer-Encoding: chunked'], `fffffffffffffffff0\r\n${CHAT}`],
  ]) {
    await stub.requests();
    const answer = await exchange(open, request('POST /v1/chat/completions HTTP/1.1', [AUTH, JSON_TYPE, 'Connection: keep-alive', ...headers], after));
    // The hidden one has no token: whoever reads it refuses it.
    assert.ok(statuses(answer).filter((status) => status === 200).length <= 1, `${name}: ${answer}`);
    assert.ok((await stub.requests()).every(({ path }) => path === '/v1/chat/completions'), name);
    isSilent(answer, name);
  }
  assert.deepEqual(statuses(await exchange(open, post([AUTH]))), [200], 'it stands');
});

test('a request in another form is answered as what it is, or refused', async () => {
  const chunks = (extension = '', trailers = '') => `${CHAT.length.toString(16)}${extension}\r\n${CHAT}\r\n0\r\n${trailers}\r\n`;
  const chat = (line, headers, body, ...hosts) => [line, ...hosts, 'Connection: close', JSON_TYPE, ...headers, '', body].join('\r\n');
  const [LINE, HOST, LENGTH, CHUNKED] = ['POST /v1/chat/completions HTTP/1.1', 'Host: gateway.example', `Content-Length: ${CHAT.length}`, 'Transfer-Encoding: chunked'];
  const old = LINE.replace('1.1', '1.0');
  const absolute = (origin) => LINE.replace('/v1', `${origin}/v1`);
  for (const [name, to, bytes, status, reaches] of [
    ['HTTP/1.0', open, chat(old, [AUTH, LENGTH], CHAT, HOST), 200, 1], ['HTTP/1.0 without a host', near, chat(old, [LENGTH], CHAT), 500, 0], ['HTTP/1.0 in chunks', open, chat(old, [AUTH, CHUNKED], chunks(), HOST), 400, 0], ['HTTP/0.9', open, 'GET /v1/models\r\n', 400, 0],
    ['elsewhere, to this machine', near, chat(absolute('http://evil.example'), [LENGTH], CHAT, 'Host: localhost'), 403, 0], ['two hosts', near, chat(LINE, [LENGTH], CHAT, 'Host: evil.example', 'Host: localhost'), 403, 0],
    ['a token in a trailer', open, chat(LINE, [CHUNKED, 'Trailer: authorization'], chunks('', `${AUTH}\r\n`), HOST), 401, 0], ['trailers that say what stands above', open, chat(LINE, [AUTH, CHUNKED], chunks('', 'Content-Length: 5\r\nHost: evil\r\n'), HOST), 200, 1],
    ['a megabyte of trailers', open, chat(LINE, [AUTH, CHUNKED], chunks('', `X: ${'y'.repeat(1 << 20)}\r\n`), HOST), 400, 0], ['5,000 trailers', open, chat(LINE, [AUTH, CHUNKED], chunks('', 'X: y\r\n'.repeat(5000)), HOST), 400, 0],
    ['an extension of a chunk', open, chat(LINE, [AUTH, CHUNKED], chunks(`;a=${'x'.repeat(8000)}`), HOST), 200, 1], ['one of 100 kB', open, chat(LINE, [AUTH, CHUNKED], chunks(`;a=${'x'.repeat(100_000)}`), HOST), 400, 0],
    ['a line in an extension', open, chat(LINE, [AUTH, CHUNKED], chunks(';a="\r\n0\r\n\r\n"'), HOST), 400, 0], ['a line feed in one', open, chat(LINE, [AUTH, CHUNKED], chunks(';a\nb'), HOST), 400, 0],
    ['a megabyte that never comes, without a token', open, chat(LINE, ['Expect: 100-continue', 'Content-Length: 1000000'], '', HOST), 401, 0], ['another expectation', open, chat(LINE, [AUTH, LENGTH, 'Expect: 200-maybe'], CHAT, HOST), 200, 1],
    ['HTTP/2 in the clear', open, chat(LINE, [AUTH, LENGTH, 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'], CHAT, HOST), 200, 1], ['1,000 headers', open, chat(LINE, [AUTH, LENGTH, ...Array.from({ length: 1000 }, (_, at) => `x-${at}: y`)], CHAT, HOST), 431, 0],
    ['a header of a megabyte', open, chat(LINE, [AUTH, LENGTH, `x: ${'y'.repeat(1 << 20)}`], CHAT, HOST), 431, 0],
    ...['/v1/chat%2fcompletions', '/v1/chat/completions%20', '/v1/chat/completions%0d%0a', '/v1/chat/completions%3f', '/v1/chat/completions@x', '*'].map((path) => [path, open, chat(LINE.replace('/v1/chat/completions', path), [AUTH, LENGTH], CHAT, HOST), 404, 0]),
    ...['post /v1', 'POST  /v1', 'POST\t/v1', ' POST /v1', 'POST v1', 'POST ?/v1'].map((start) => [start, open, chat(LINE.replace('POST /v1', start), [AUTH, LENGTH], CHAT, HOST), start === 'post /v1' ? 405 : 400, 0]),
    ...['http/1.1', 'HTTP/1.2', 'HTTP/2.0', 'x HTTP/1.1'].map((version) => [version, open, chat(LINE.replace('HTTP/1.1', version), [AUTH, LENGTH], CHAT, HOST), 400, 0]),
  ]) {
    await stub.requests();
    const answer = await exchange(to, bytes);
    assert.deepEqual([statuses(answer).at(-1), (await stub.requests()).length], [status, reaches], `${name}: ${answer}`);
    isSilent(answer, name);
  }
});

test('a caller says nothing to the service but its body', async () => {
  await stub.requests();
  const headers = [
    AUTH, 'x-portkey-api-key: mine', 'x-portkey-config: {"provider":"openai"}', 'x-portkey-custom-host: http://127.0.0.1:9', 'x-portkey-forward-headers: authorization', 'x-portkey-trace-id: mine', 'Cookie: a=b',
    'Range: bytes=0-4', 'X-Forwarded-Host: elsewhere.example', 'Forwarded: host=elsewhere.example', 'Accept-Encoding: gzip', 'Expect: 100-continue', 'Connection: x-portkey-api-key', 'Te: trailers',
  ];
  const body = JSON.stringify({ ...JSON.parse(CHAT), headers: { 'x-own': '1' }, extra_headers: { 'x-own': '1' }, base_url: 'http://127.0.0.1:9', baseUrl: 'http://127.0.0.1:9', api_key: 'mine', custom_host: 'http://127.0.0.1:9' });
  const answer = await exchange(open, post(headers, body));
  assert.equal(statuses(answer).at(-1), 200, answer);
  const [sent, ...more] = await stub.requests();
  assert.deepEqual(more, []);
  assert.deepEqual(Object.keys(sent.headers).sort(), ['accept', 'accept-encoding', 'content-length', 'content-type', 'host', 'x-portkey-api-key', 'x-portkey-strict-open-ai-compliance']);
  assert.deepEqual([sent.headers['accept-encoding'], sent.headers.host, sent.headers['x-portkey-api-key']], ['identity', stub.authority, '***']);
});

test('without a token, an address that is not this machine\'s is refused however it is written', async () => {
  await stub.requests();
  for (const host of [
    '', 'localhost.', 'localhost.localdomain', '127.0.0.1.nip.io', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0.0.0.0', '[::]', '[::ffff:10.0.0.1]', 'localhost@evil.example', 'evil.example#localhost', 'evil.example:localhost', 'localhost,evil.example',
    'localhost evil.example', '127.0.0.1\u0000', 'LOCALHOST.EVIL.EXAMPLE', '127.0.0.1:80:80',
  ]) {
    const answer = await exchange(near, request('POST /v1/chat/completions HTTP/1.1', [`Host: ${host}`, JSON_TYPE, `Content-Length: ${CHAT.length}`], CHAT));
    assert.ok(statuses(answer).every((status) => status >= 400), `${host}: ${answer}`);
  }
  for (const header of ['Origin:', 'Origin: null', 'Origin: http://localhost', 'Origin: file://', 'Sec-Fetch-Site: same-origin', 'sec-fetch-site: none, cross-site', 'Sec-Fetch-Site: cross-site']) {
    const answer = await exchange(near, request('POST /v1/chat/completions HTTP/1.1', ['Host: localhost', header, JSON_TYPE, `Content-Length: ${CHAT.length}`], CHAT));
    assert.deepEqual(statuses(answer), [403], `${header}: ${answer}`);
  }
  // What a form of a page can send without asking.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; application/json', 'multipart/form-data; boundary=application/json']) {
    const answer = await exchange(near, request('POST /v1/chat/completions HTTP/1.1', ['Host: localhost', `Content-Type: ${type}`, `Content-Length: ${CHAT.length}`], CHAT));
    assert.deepEqual(statuses(answer), [415], `${type}: ${answer}`);
  }
  assert.deepEqual(await stub.requests(), []);
});

test('a body of any content is answered, and the next one too', async () => {
  const form = (parts, boundary = 'b') => `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
  const field = (name, value) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
  for (const [name, body] of [
    ['nested deep', '['.repeat(200_000)], ['objects nested deep', '{"a":'.repeat(100_000)], ['a message nested deep', CHAT.replace('"hello"', '['.repeat(100_000) + ']'.repeat(100_000))],
    ['a number of 100,000 digits', CHAT.replace('{', `{"n":${'9'.repeat(100_000)},`)], ['n of 1e400', CHAT.replace('{', '{"n":1e400,')], ['two streams', CHAT.replace('{', '{"stream":"x","stream":false,')],
    ['a byte order mark', `\u00ef\u00bb\u00bf${CHAT}`], ['no UTF-8', CHAT.replace('hello', '\u00ff\u00fe')], ['half a surrogate', CHAT.replace('hello', '\\ud800')], ['members of JavaScript', CHAT.replace('{', '{"__proto__":{"stream":true},"constructor":1,')],
    ['a model of a MB', CHAT.replace('"m"', `"${'m'.repeat(1 << 20)}"`)], ['a model with line breaks', CHAT.replace('"m"', '"m\\r\\nx-a: b"')], ['a packed body', '\u001f\u008b\u0008'],
  ]) {
    const bytes = Buffer.from(body, 'latin1');
    const answer = await exchange(open, Buffer.concat([Buffer.from(request('POST /v1/chat/completions HTTP/1.1', [AUTH, JSON_TYPE, `Content-Length: ${bytes.length}`])), bytes]));
    assert.ok(statuses(answer)[0] < 500, `${name}: ${answer.slice(0, 500)}`);
    isSilent(answer, name);
  }
  for (const [name, type, body] of [
    ['no boundary', 'multipart/form-data', form([field('prompt', 'x')])], ['an empty boundary', 'multipart/form-data; boundary=', form([field('prompt', 'x')], '')],
    ['a boundary of 10 kB', `multipart/form-data; boundary=${'b'.repeat(10_000)}`, 'x'], ['50,000 parts', 'multipart/form-data; boundary=b', form(Array(50_000).fill(field('a', '')))],
    ['a head without end', 'multipart/form-data; boundary=b', `--b\r\nContent-Disposition: ${'x'.repeat(1 << 20)}`], ['a name with line breaks', 'multipart/form-data; boundary=b', form([field('image"; filename="a\r\nx: y', 'x')])],
    ['names of JavaScript', 'multipart/form-data; boundary=b', form([field('__proto__', 'x'), field('constructor', 'x'), field('image', 'x'), field('prompt', 'x')])],
    ['an image of another type', 'multipart/form-data; boundary=b', form([`Content-Disposition: form-data; name="image"\r\nContent-Type: text/html; x="\u00ff\r\n\r\n<script>`, field('prompt', 'x')])],
  ]) {
    const bytes = Buffer.from(body, 'latin1');
    const answer = await exchange(open, Buffer.concat([Buffer.from(request('POST /v1/images/edits HTTP/1.1', [AUTH, `Content-Type: ${type}`, `Content-Length: ${bytes.length}`])), bytes]));
    assert.ok(statuses(answer).every((status) => status < 500), `${name}: ${answer.slice(0, 500)}`);
    isSilent(answer, name);
  }
  assert.deepEqual(statuses(await exchange(open, post([AUTH]))), [200], 'it stands');
});

/** A service that answers each request with these bytes. @param {import('node:test').TestContext} t @param {() => string} answer */
async function service(t, answer) {
  const server = net.createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(Buffer.from(answer(), 'latin1')))).listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.once('listening', resolve); });
  t.after(() => server.close());
  return `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}/v1`;
}

test('an event of a service is one event for the caller, whatever is in it', async (t) => {
  const event = (delta, more) => `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;
  const evil = '\r\n\r\ndata: {"choices":[{"delta":{"content":"INJECTED"}}]}\n\ndata: [DONE]\n\n';
  const broken = 'data: {"id":"c","model":"m","choices":[],"hook_results":{\ndata: \ndata: "before_request_hooks":[\ndata: \ndata: ]}}\n\n';
  const events = event({ role: 'assistant', content: evil }) + event({ reasoning_content: evil }) + event({ tool_calls: [{ index: 0, id: evil, function: { name: evil, arguments: evil } }] }) + broken
    + `data: ${JSON.stringify({ id: evil, model: evil, choices: [{ index: 0, delta: {}, finish_reason: evil }] })}\n\n` + 'data: [DONE]\n\n';
  const url = await service(t, () => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\nx-portkey-trace-id: \u00e9\u0080 x\r\n\r\n${events}`);
  const evilly = await startWasmtime({ ...settings, GATEWAY_BASE_URL: url });
  const answer = await fetch(`${evilly.url}/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, body: JSON.stringify({ ...JSON.parse(CHAT), stream: true }) });
  assert.match(answer.headers.get('content-type') ?? '', /event-stream/, 'a header that cannot be sent costs no other');
  const text = await answer.text();
  const lines = text.trimEnd().split('\n\n');
  for (const line of lines) assert.match(line, /^data: (\[DONE\]|\{.*\})$/, text);
  const chunks = lines.filter((line) => line !== 'data: [DONE]').map((line) => JSON.parse(line.slice(6)));
  assert.ok(chunks.length >= 4 && chunks.some(({ hook_results: results }) => results), text);
  assert.ok(chunks.every(({ choices = [] }) => choices.every(({ delta }) => delta.content !== 'INJECTED')), text);
});

test('a service adds no header to an answer, and has none of its own passed on', async (t) => {
  const head = 'set-cookie: a=b\r\naccess-control-allow-origin: *\r\nlocation: http://127.0.0.1:9/\r\nx-powered-by: x\r\nrefresh: 0; url=http://127.0.0.1:9/\r\nclear-site-data: "*"\r\nservice-worker-allowed: /\r\ncontent-disposition: attachment; filename=a.html';
  let raw = '';
  const odd = await startWasmtime({ ...settings, GATEWAY_BASE_URL: await service(t, () => raw) });
  for (const status of ['200 OK', '400 x', '301 x', '407 x', '101 x', '599 x', '999 x']) {
    const body = status === '200 OK' ? '{"id":"c","model":"m","choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}' : `{"error":{"message":"<script>${KEY}</script>"}}`;
    raw = `HTTP/1.1 ${status}\r\ncontent-type: text/html\r\n${head}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
    const answer = await exchange(odd, post([AUTH]));
    const names = (answer.split('\r\n\r\n')[0] ?? '').split('\r\n').slice(1).map((line) => line.split(':')[0].toLowerCase());
    for (const name of names) assert.ok(['connection', 'content-type', 'content-length', 'date', 'transfer-encoding', 'x-request-id', 'x-should-retry', 'retry-after', 'retry-after-ms', 'www-authenticate'].includes(name), `${status}: ${answer}`);
    assert.match(answer, /content-type: application\/json/, status);
  }
});
