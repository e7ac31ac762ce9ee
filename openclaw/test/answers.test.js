/** Whatever a gateway answers, the call ends in words and OpenClaw goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { imageProvider } from '../src/images.js';
import { runCatalog } from '../src/models.js';
import { END, EVENTS, EVENT_STREAM, GOOD, RawGateway, chunk, json, raw, whole } from './raw.mjs';

const KEY = 'pk-answers-5f0c9a71b2e4';
const gateway = new RawGateway(KEY);

test('an answer of any content ends the call in words', { timeout: 60_000 }, async () => {
  const deep = (/** @type {number} */ depth) => '['.repeat(depth) + ']'.repeat(depth);
  const holding = (/** @type {string} */ member) => `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"x"${member}},"finish_reason":"stop"}]}\n\n`;
  const usage = (/** @type {string} */ number) => `data: {"choices":[],"usage":{"prompt_tokens":${number},"completion_tokens":${number},"prompt_tokens_details":{"cached_tokens":${number}}}}\n\n`;
  const call = (/** @type {string} */ index) => holding(`,"tool_calls":[{"index":${index},"id":"a","function":{"name":"f","arguments":"{}"}}]`);
  for (const [name, events] of /** @type {[string, string][]} */ ([
    ['an event nested deep', holding(`,"x":${deep(200_000)}`)], ['results of guardrails nested deep', `data: {"choices":[],"hook_results":${deep(100_000)}}\n\n${GOOD}`],
    ['a content block nested deep', holding(`,"content_blocks":[{"type":"x","y":${deep(100_000)}}]`)], ['objects nested deep', holding(`,"content_blocks":[${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}]`)],
    ...['1e400', '18446744073709551616', '-1', '9007199254740993', '0.5', '"7"', 'null', '9'.repeat(10_000)].map((number) => [`usage of ${number.slice(0, 20)}`, usage(number) + GOOD]),
    ...['4294967295', '1e18', '-1', '"0"', 'null', '0.5'].map((index) => [`a tool call of index ${index}`, call(index)]),
    ['half a surrogate', holding(',"reasoning_content":"\\ud800"')], ['bytes that are no UTF-8', '\u00ff'], ['an event without end', `data: ${'x'.repeat(80 << 20)}`], ['100,000 comments', ':\n\n'.repeat(100_000) + GOOD],
    ['carriage returns alone', GOOD.replaceAll('\n', '\r')], ['a byte order mark', `\ufeff${GOOD}`], ['arguments that are a list', holding(',"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"[1]"}}]')],
    ['arguments nested deep', holding(`,"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\\"a\\":${deep(100_000)}}"}}]`)],
  ])) {
    gateway.answer = raw(EVENTS, events);
    const message = await gateway.chat();
    assert.ok(['stop', 'toolUse', 'error', 'length'].includes(message.stopReason), name);
    if (name !== 'an event without end') assert.doesNotMatch(message.errorMessage ?? '', /unreachable|out of bounds|Maximum call stack/, `${name}: ${message.errorMessage?.slice(0, 200)}`);
    for (const [field, value] of Object.entries(message.usage)) if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, `${name}: ${field} is ${value}`);
    for (const block of message.content) if (block.type === 'text') assert.ok(block.text.isWellFormed(), name);
  }
  await gateway.serves();
});

test('members of JavaScript are members', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '@openai/gpt'];
  gateway.answer = json({ object: 'list', data: names.map((id) => ({ id, object: 'model' })) });
  const config = { models: { providers: { portkey: { baseUrl: `${gateway.origin}/v1` } } }, plugins: { entries: { portkey: { config: { modelFamilies: { 'a-name': 'gpt-5' } } } } } };
  const { provider } = await runCatalog({ config, resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: assert.fail });
  assert.deepEqual(provider.models.map((/** @type {any} */ { id }) => id), names);
  assert.deepEqual(provider.models.map((/** @type {any} */ { name }) => typeof name), names.map(() => 'string'));

  const args = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}';
  gateway.answer = raw(EVENTS, chunk({ tool_calls: ['__proto__', 'constructor'].map((name, index) => ({ index, id: name, function: { name, arguments: args } })) }), chunk({}, 'tool_calls'), 'data: [DONE]\n\n');
  const { content } = await gateway.chat();
  assert.deepEqual(content.map((/** @type {any} */ block) => [block.name, Object.keys(block.arguments), block.arguments.polluted]), [['__proto__', ['__proto__', 'constructor', 'a'], undefined], ['constructor', ['__proto__', 'constructor', 'a'], undefined]]);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('an answer of the Responses API of any content ends the call in words', { timeout: 60_000 }, async () => {
  const event = (/** @type {string} */ kind, /** @type {object} */ more) => `data: ${JSON.stringify({ type: `response.${kind}`, ...more })}\n\n`;
  const item = (/** @type {any} */ members) => event('output_item.done', { output_index: 0, item: members });
  const said = event('output_text.delta', { output_index: 1, delta: 'good' });
  const end = event('completed', { response: { object: 'response', status: 'completed', model: 'm', output: [] } });
  const parts = (/** @type {any} */ ...items) => `${items.map(item).join('')}${said}${end}`;
  const own = JSON.parse('{"type":"__proto__","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
  for (const [name, events, isGood] of /** @type {[string, string, boolean][]} */ ([
    ['a good one', said + end, true], ['members of JavaScript', parts(own), true], ['no item', parts(null, [], 'x', 7), true], ['a search of its own', parts({ type: 'web_search_call', action: { query: 'x' } }), true],
    ['reasoning that is sealed by what is no text', parts({ type: 'reasoning', encrypted_content: { a: [1] }, summary: 'x' }), true], ['reasoning of a megabyte', parts({ type: 'reasoning', encrypted_content: 'x'.repeat(1 << 20) }), true],
    ['an image that is none', parts({ type: 'image_generation_call', result: '%%%' }), false], ['a call named so', `${item({ type: 'function_call', call_id: '__proto__', name: 'constructor', arguments: '{"__proto__":{"polluted":1}}' })}${end}`, false],
    ['arguments that are a list', `${item({ type: 'function_call', call_id: 'c', name: 'f', arguments: '[1]' })}${end}`, false], ['arguments without a call', event('function_call_arguments.delta', { output_index: 3, delta: '{}' }) + end, false],
    ['items without end', Array.from({ length: 5000 }, (_, at) => event('output_text.delta', { output_index: at, delta: 'a' })).join('') + end, false], ['no end', said, false], ['less than it says', said + event('completed', { response: { status: 'completed', output: [{ type: 'message', content: [{ text: 'good and more' }] }] } }), false],
    ['an error that is nothing', said + event('failed', { response: { status: 'failed', error: {} } }), false], ['usage that is none', said + event('completed', { response: { status: 'completed', output: [], usage: { input_tokens: 'x', output_tokens: 1e308, input_tokens_details: [] } } }), true],
  ])) {
    gateway.answer = raw(EVENTS, `${events}data: [DONE]\n\n`);
    const message = await gateway.chat();
    if (isGood) assert.deepEqual(message.content.filter((/** @type {any} */ { type }) => type === 'text'), [{ type: 'text', text: 'good' }], `${name}: ${message.errorMessage}`);
    assert.ok(isGood ? message.stopReason === 'stop' : ['stop', 'toolUse', 'error'].includes(message.stopReason), `${name}: ${message.stopReason}`);
    assert.doesNotMatch(message.errorMessage ?? '', /unreachable|out of bounds|TypeError|undefined/, name);
    for (const value of Object.values(message.usage)) if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, name);
    assert.equal(/** @type {any} */ ({}).polluted, undefined, name);
  }
  await gateway.serves();
});

test('an answer in odd frames is read or refused, and OpenClaw goes on', { timeout: 60_000 }, async () => {
  const size = GOOD.length.toString(16);
  const chunked = (/** @type {string} */ more) => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n${GOOD}\r\n0\r\n${more}\r\n`;
  const status = (/** @type {string} */ line) => `${line}\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${GOOD}`;
  for (const [name, frames, isRead] of /** @type {[string, string, boolean][]} */ ([
    ['20,000 early hints', 'HTTP/1.1 103 x\r\nlink: </x>; rel=preload\r\n\r\n'.repeat(20_000) + status('HTTP/1.1 200 OK'), true],
    ['an early hint with a body', `HTTP/1.1 103 x\r\ncontent-length: 5\r\n\r\nhello${status('HTTP/1.1 200 OK')}`, false], ['a large early hint', `HTTP/1.1 103 x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n${status('HTTP/1.1 200 OK')}`, false],
    ['trailers', chunked('x-a: b\r\ncontent-length: 1\r\nset-cookie: a=b\r\n'), true], ['trailers of a megabyte', chunked(`x: ${'y'.repeat(1 << 20)}\r\n`), true], ['trailers that are none', chunked('x y\r\n'), true],
    ['the status 203', status('HTTP/1.1 203 x'), true], ['the status 299', status('HTTP/1.1 299 x'), false], ['the status 99', status('HTTP/1.1 099 x'), false], ['the status 1000', status('HTTP/1.1 1000 x'), false], ['the status -200', status('HTTP/1.1 -200 x'), false],
    ['version 9.9', status('HTTP/9.9 200 OK'), false], ['version 2', status('HTTP/2 200 OK'), false], ['another protocol', status('ICY 200 OK'), false], ['no head', GOOD, false],
    ['a zero byte in a header', status('HTTP/1.1 200 OK\r\nx-a: b\0c'), false], ['a space in a name', status('HTTP/1.1 200 OK\r\nx a: b'), false], ['no name', status('HTTP/1.1 200 OK\r\n: b'), false], ['a carriage return alone', status('HTTP/1.1 200 OK\r\nx-a: b\rc: d'), false],
    ['a length in hexadecimal', `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 0x10\r\n\r\n${GOOD}`, false], ['a length of 2^64', `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 18446744073709551616\r\n\r\n${GOOD}`, false],
  ])) {
    gateway.answer = raw(frames);
    const message = await gateway.chat();
    assert.equal(message.stopReason === 'stop', isRead, `${name}: ${message.stopReason} ${message.errorMessage}`);
    assert.ok(!JSON.stringify(message).includes(KEY), name);
    await gateway.serves();
  }
});

test('headers of an answer that are members of JavaScript are headers', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']) {
    gateway.answer = raw(EVENTS.replace('\r\n\r\n', `\r\n${name}: ${KEY}\r\nretry-after: __proto__\r\nx-portkey-trace-id: constructor\r\n\r\n`), GOOD);
    assert.deepEqual((await gateway.chat()).content, [{ type: 'text', text: 'good' }], name);
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('an answer of more images than anybody asked for is refused, and none is fetched', async () => {
  const provider = imageProvider(gateway.auth);
  const urls = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => ({ url: `${gateway.origin}/i/${at}.png` }));
  const draw = () => provider.generateImage({ prompt: 'x', cfg: gateway.config() });
  const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  for (const [count, fetched] of [[16, 16], [17, 0], [20_000, 0]]) {
    gateway.heads = [];
    const listed = json({ data: urls(count) });
    gateway.answer = (head, socket) => (head.startsWith('GET /i/') ? raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n', PNG)(head, socket) : listed(head, socket));
    if (fetched) assert.equal((await draw()).images.length, count);
    else await assert.rejects(draw(), { message: `The answer holds ${count} images, and 16 are the most that are taken` });
    assert.deepEqual(gateway.heads.flatMap((head) => /^GET (\/i\/\S+)/.exec(head)?.[1] ?? []).sort(), urls(fetched).map(({ url }) => new URL(url).pathname).sort());
  }
  // each is small enough, and all of them are not
  const large = raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n', PNG, Buffer.alloc(20 << 20));
  const listed = json({ data: urls(7) });
  gateway.answer = (head, socket) => (head.startsWith('GET /i/') ? large(head, socket) : listed(head, socket));
  await assert.rejects(draw(), /images of the answer are larger than 134217728 bytes/);
  await gateway.serves();
});

test('where one image fails, the others are let go', { timeout: 20_000 }, async () => {
  const provider = imageProvider(gateway.auth);
  /** @type {Promise<unknown>[]} */ const closed = [];
  const listed = json({ data: Array.from({ length: 16 }, (_, at) => ({ url: `${gateway.origin}/i/${at}.png` })) });
  gateway.answer = (head, socket) => {
    if (!head.startsWith('GET /i/')) return listed(head, socket);
    if (head.startsWith('GET /i/0.png')) return setTimeout(() => raw('HTTP/1.1 404 x\r\nconnection: close\r\n\r\n')(head, socket), 300);
    closed.push(once(socket, 'close'));
    return socket.write('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n\x89PNG');
  };
  await assert.rejects(provider.generateImage({ prompt: 'x', cfg: gateway.config() }), /could not be downloaded: HTTP 404/);
  await Promise.all(closed);
  assert.equal(closed.length, 15);
  await gateway.serves();
});

test('texts, thoughts and calls in turns take no time by the square', { timeout: 60_000 }, async () => {
  const turns = (chunk({ content: 'x ' }) + chunk({ reasoning_content: 'y' })).repeat(100_000);
  const calls = Array.from({ length: 4000 }, (_, index) => chunk({ tool_calls: [{ index, id: `c${index}`, function: { name: 'f', arguments: '{}' } }] }));
  gateway.answer = whole(turns + calls.join('') + chunk({}, 'tool_calls') + END, EVENT_STREAM);
  const { stopReason, content } = await gateway.chat();
  assert.equal(stopReason, 'toolUse');
  assert.equal(content.length, 204_000);
  const texts = content.flatMap((/** @type {any} */ block) => (block.type === 'text' ? [JSON.parse(block.textSignature)] : []));
  assert.ok(texts.every(({ phase }) => phase === 'commentary'));
  assert.equal(new Set(texts.map(({ id }) => id)).size, 100_000);
});

test('what a gateway says is one line of the log', async () => {
  for (const status of ['401 x', '500 x', '200 OK']) {
    const error = JSON.stringify({ error: { message: 'no\n[info] Portkey: all is well\r\u001b]0;title\u0007\u009b8m' } });
    gateway.answer = (_, socket) => socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(error)}\r\n\r\n${error}`);
    /** @type {string[]} */ const lines = [];
    await runCatalog({ config: gateway.config(), resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: (line) => lines.push(line) });
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0], /[\0-\x1f\x7f-\x9f]/, status);
  }
  const says = 'x\n[info] all is well\r\u001b]0;title\u0007\u009b8m\u202e';
  for (const [name, events] of [
    ['why it ended', chunk({ content: 'x' }) + chunk({}, says)],
    ['a tool', chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: says, arguments: '[1' } }] }) + chunk({ tool_calls: [{ index: 0, function: { arguments: ']' } }] }, 'tool_calls')],
  ]) {
    gateway.answer = whole(`${events}${END}`, EVENT_STREAM);
    const { errorMessage } = await gateway.chat();
    assert.match(errorMessage ?? '', /all is well/, name);
    assert.doesNotMatch(errorMessage ?? '', /[\p{Cc}\p{Cf}]/u, name);
  }
});
