/**
 * The second hostile review, in OpenClaw's adapter: what a gateway, a model or another user of the configuration tries on a good
 * component. `tests/hostile/review/README.md` lists each attempt with its result.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { instantiate } from '../component/provider.js';
import { streamFn } from '../src/chat.js';
import { componentOf, coreModules } from '../src/component.js';
import { imageProvider } from '../src/images.js';
import { describeModel, runCatalog, toRows } from '../src/models.js';
import { takeReasoning } from '../src/replay.js';
import { Mask } from '../src/mask.js';
import { PriceGateway, entry, told, waitForPrices } from './prices.mjs';
import { rawServer } from './raw.mjs';

const KEY = 'pk-review-5f0c9a71b2';
/** @type {net.Server} */ let server;
/** @type {string} */ let origin;
/** What each request of a connection gets, byte by byte. @type {import('./raw.mjs').Answer} */ let answer;
/** @type {string[]} */ let heads = [];

before(async () => {
  ({ server, origin } = await rawServer((head, socket) => {
    heads.push(head);
    return answer(head, socket);
  }));
});
after(() => { server.close(); });

const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const GOOD = `${chunk({ content: 'good' })}${chunk({}, 'stop')}data: [DONE]\n\n`;
const raw = (/** @type {(string | Buffer)[]} */ ...pieces) => (/** @type {unknown} */ _, /** @type {net.Socket} */ socket) => {
  for (const piece of pieces) socket.write(Buffer.isBuffer(piece) ? piece : Buffer.from(piece));
  socket.end();
};
const model = (extra = {}) => /** @type {any} */ ({ ...describeModel('@openai/gpt'), provider: 'portkey', api: 'openai-completions', baseUrl: `${origin}/v1`, ...extra });
const ask = { messages: [{ role: /** @type {const} */ ('user'), content: 'x', timestamp: 0 }] };
const chat = (options = {}, config = {}, extra = {}) => streamFn(config)(model(extra), ask, { apiKey: KEY, ...options }).result();

/** The adapter goes on as before. */
async function serves() {
  answer = raw(EVENTS, GOOD);
  assert.deepEqual((await chat()).content, [{ type: 'text', text: 'good' }]);
}

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
    answer = raw(EVENTS, events);
    const message = await chat();
    assert.ok(['stop', 'toolUse', 'error', 'length'].includes(message.stopReason), name);
    if (name !== 'an event without end') assert.doesNotMatch(message.errorMessage ?? '', /unreachable|out of bounds|Maximum call stack/, `${name}: ${message.errorMessage?.slice(0, 200)}`);
    for (const [field, value] of Object.entries(message.usage)) if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, `${name}: ${field} is ${value}`);
    for (const block of message.content) if (block.type === 'text') assert.ok(block.text.isWellFormed(), name);
  }
  await serves();
});

test('members of JavaScript are members', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '@openai/gpt'];
  const list = JSON.stringify({ object: 'list', data: names.map((id) => ({ id, object: 'model' })) });
  answer = raw(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${list.length}\r\n\r\n${list}`);
  const config = { models: { providers: { portkey: { baseUrl: `${origin}/v1` } } }, plugins: { entries: { portkey: { config: { modelFamilies: { 'a-name': 'gpt-5' } } } } } };
  const { provider } = await runCatalog({ config, resolveProviderApiKey: () => ({ apiKey: KEY }) }, { warn: assert.fail });
  assert.deepEqual(provider.models.map((/** @type {any} */ { id }) => id), names);
  assert.deepEqual(provider.models.map((/** @type {any} */ { name }) => typeof name), names.map(() => 'string'));

  const args = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}';
  answer = raw(EVENTS, chunk({ tool_calls: ['__proto__', 'constructor'].map((name, index) => ({ index, id: name, function: { name, arguments: args } })) }), chunk({}, 'tool_calls'), 'data: [DONE]\n\n');
  const { content } = await chat();
  assert.deepEqual(content.map((/** @type {any} */ block) => [block.name, Object.keys(block.arguments), block.arguments.polluted]), [['__proto__', ['__proto__', 'constructor', 'a'], undefined], ['constructor', ['__proto__', 'constructor', 'a'], undefined]]);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('a signature that is a member of JavaScript is a signature', () => {
  for (const signature of ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'portkey_turn', 'content', 'role', 'tool_calls']) {
    const turn = { role: 'assistant', provider: 'portkey', api: 'openai-completions', model: '@openai/gpt', content: [{ type: 'thinking', thinking: 'hm', thinkingSignature: signature }, { type: 'text', text: 'x' }] };
    const { messages, putInto } = takeReasoning(model(), /** @type {any} */ ([turn]));
    const mark = /** @type {any} */ (messages[0]).content[0];
    const body = { messages: [{ role: 'assistant', content: 'x', [mark.thinkingSignature]: mark.thinking }] };
    putInto(body);
    assert.deepEqual(body.messages, [{ role: 'assistant', content: 'x', content_blocks: [{ type: 'thinking', thinking: 'hm', signature }, { type: 'text', text: 'x' }] }], signature);
  }
});

test('a secret that no header can hold is in no error, not even a short piece of it', async () => {
  heads = [];
  for (const virtualKey of ['vk\nab\nsecret-of-mine', 'vk\r\nx-own: ab', 'vk\0ab', 'vk\u{1f511}ab']) {
    answer = raw(EVENTS, GOOD);
    const { errorMessage = '' } = await chat({}, { plugins: { entries: { portkey: { config: { virtualKey } } } } });
    assert.ok(!/vk|ab\b|secret-of-mine/.test(errorMessage), `${JSON.stringify(virtualKey)}: ${errorMessage}`);
  }
  assert.ok(heads.every((head) => !/^x-own:/m.test(head)));
  await serves();
});

test('a second answer to one request is nobody\'s', async () => {
  const whole = (/** @type {string} */ events) => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(events)}\r\n\r\n${events}`;
  let count = 0;
  answer = (_, socket) => socket.write(whole(GOOD) + (count++ ? '' : whole(GOOD.replace('good', 'POISON'))));
  for (let call = 0; call < 3; call++) {
    const { content } = await chat();
    assert.ok(content.every((/** @type {any} */ { text }) => text === 'good'), JSON.stringify(content));
  }
});

test('two keys for one server, at the same time, do not mix', async () => {
  heads = [];
  answer = raw(EVENTS, GOOD);
  await Promise.all(Array.from({ length: 20 }, (_, at) => chat({ apiKey: `key-of-caller-${at % 2}`, headers: { 'x-caller': String(at % 2) } })));
  assert.equal(heads.length, 20);
  for (const head of heads) assert.match(head, new RegExp(`x-portkey-api-key: key-of-caller-${/^x-caller: (\d)/m.exec(head)?.[1]}\r\n`));
});

test('an answer asks for nothing more', async () => {
  for (const head of [
    '200 OK\r\nset-cookie: a=b', '200 OK\r\nrefresh: 0; url=http://127.0.0.1:9/', '200 OK\r\nalt-svc: h2="elsewhere.example:443"', '401 x\r\nwww-authenticate: Basic realm=x', '407 x\r\nproxy-authenticate: Basic', '425 x', '300 x\r\nlocation: /x', '305 x\r\nlocation: /x',
  ]) {
    heads = [];
    answer = raw(`HTTP/1.1 ${head}\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${GOOD}`);
    await chat();
    const first = heads.length;
    await chat();
    assert.deepEqual([first, heads.length], [1, 2], head);
    assert.equal(heads[0], heads[1], head);
  }
});

test('a redirect of a call is not followed, wherever it leads', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of ['/v1/elsewhere', '//elsewhere.example/v1', 'http://127.0.0.1:9/v1', '?x', 'javascript:x', '']) {
      heads = [];
      answer = raw(`HTTP/1.1 ${status} x\r\nlocation: ${location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      const { stopReason, errorMessage = '' } = await chat();
      assert.deepEqual([stopReason, heads.length], ['error', 1], `${status} ${location}`);
      assert.ok(!errorMessage.includes(KEY), errorMessage);
    }
  }
  await serves();
});

test('headers of an answer that are members of JavaScript are headers', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then']) {
    answer = raw(EVENTS.replace('\r\n\r\n', `\r\n${name}: ${KEY}\r\nretry-after: __proto__\r\nx-portkey-trace-id: constructor\r\n\r\n`), GOOD);
    assert.deepEqual((await chat()).content, [{ type: 'text', text: 'good' }], name);
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('a secret in letters of Latin-1 is masked as bytes of it, too', () => {
  const secret = 'schl\u00fcssel-geheim';
  const inBytes = Buffer.from(new Mask([secret]).push(Buffer.from(`a ${secret} b`, 'latin1'))).toString('latin1');
  assert.ok(!inBytes.includes('geheim'), inBytes);
  // fetch reads a header's bytes as Latin-1, whatever they are
  const header = new Mask([secret]).text(Buffer.from(secret).toString('latin1'));
  assert.ok(!header.includes('geheim'), header);
});

test('a key in any letters of JSON is masked in an error', async () => {
  const spelled = Array.from(KEY, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  for (const place of ['{"error":{"message":"HERE"}}', '{"error":{"message":"x","code":"HERE"}}', '{"error":{"message":"x","type":"HERE"}}', '"HERE"', '{"message":"HERE"}', '{"error":{"message":"x","param":"HERE"}}']) {
    for (const status of ['400 x', '401 x', '500 x']) {
      const body = place.replace('HERE', `a ${spelled} b`);
      answer = raw(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nx-portkey-trace-id: ${KEY}\r\nconnection: close\r\n\r\n${body}`);
      const message = await chat();
      assert.equal(message.stopReason, 'error');
      assert.ok(!JSON.stringify(message).includes(KEY), JSON.stringify(message));
    }
  }
});

/** What SECURITY.md says is not promised: a code that no server writes of itself. Here so that nobody believes otherwise. */
test('a server that means to tell the key can', () => {
  const mask = new Mask([KEY]);
  for (const code of [
    Buffer.from(KEY).toString('hex'), Array.from(KEY).reverse().join(''), Buffer.from(KEY, 'utf16le').toString('latin1'), Array.from(KEY, (c) => `%${c.charCodeAt(0).toString(16)}`).join(''), Array.from(KEY, (c) => `&#${c.charCodeAt(0)};`).join(''),
    Array.from(KEY, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`).join(''), Array.from(KEY, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''), Buffer.from(Buffer.from(KEY).toString('base64')).toString('base64'), KEY.toUpperCase(), Array.from(KEY).join('\u00ad'),
  ]) assert.equal(mask.text(code), code);
  assert.notEqual(mask.text(KEY), KEY);
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
    answer = raw(EVENTS, `${events}data: [DONE]\n\n`);
    const message = await chat();
    if (isGood) assert.deepEqual(message.content.filter((/** @type {any} */ { type }) => type === 'text'), [{ type: 'text', text: 'good' }], `${name}: ${message.errorMessage}`);
    assert.ok(isGood ? message.stopReason === 'stop' : ['stop', 'toolUse', 'error'].includes(message.stopReason), `${name}: ${message.stopReason}`);
    assert.doesNotMatch(message.errorMessage ?? '', /unreachable|out of bounds|TypeError|undefined/, name);
    for (const value of Object.values(message.usage)) if (typeof value === 'number') assert.ok(Number.isFinite(value) && value >= 0, name);
    assert.equal(/** @type {any} */ ({}).polluted, undefined, name);
  }
  await serves();
});

/** Chats with a gateway that has a price list. The reply waits for its price for as long as that takes. @param {PriceGateway} gateway */
const pricedChat = ({ baseUrl }) => {
  const headers = { Authorization: `Bearer ${KEY}` };
  return chat({}, { models: { providers: { portkey: { baseUrl, headers } } } }, { baseUrl, headers });
};

test('a price list of any content gives a price or none, and the reply comes', { timeout: 60_000 }, async (t) => {
  waitForPrices(t);
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  for (const [name, tell, isPrice] of /** @type {[string, import('./prices.mjs').Tell, boolean][]} */ ([
    ['a good one', told(entry('0.0001')), true], ['nested deep', told(entry('0.0001', `,"x":${deep}`)), false], ['a price nested deep', told(entry(deep)), false],
    ['a number of 100,000 digits', told(entry('9'.repeat(100_000))), false], ['a price twice', told(entry('0.0001,"price":-1')), false], ['larger than an entry', told(entry('0.0001', `,"x":"${'x'.repeat(300 << 10)}"`)), false],
    ['members of JavaScript', told(entry('0.0001', ',"__proto__":{"input":0},"constructor":{"price":7}')), true], ['the largest', told(entry('0.1')), true],
    ['a redirect', told(entry('0.0001'), `302 x\r\nlocation: ${origin}/v1/models`), false], ['a redirect of its own', told(entry('0.0001'), '307 x\r\nlocation: /v1/models'), false], ['who are you', told(entry('0.0001'), '401 x\r\nwww-authenticate: Basic realm=x'), false],
    ['a coding', told(entry('0.0001'), '200 OK\r\ncontent-encoding: gzip'), false], ['a cookie', told(entry('0.0001'), '200 OK\r\nset-cookie: a=b'), true],
    ['half of it', ({ socket }) => socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"pay`), false], ['nothing', () => {}, false],
    ['without end', (res) => { const more = () => { while (res.writable && res.write(' '.repeat(1 << 16))); }; res.on('drain', more); more(); }, false],
  ])) {
    heads = [];
    const usage = '{"prompt_tokens":18446744073709551615,"completion_tokens":18446744073709551615}';
    const gateway = await PriceGateway.start(t, { tell, report: { 'x-portkey-provider': 'openai' }, usage });
    const { stopReason, errorMessage, usage: used } = await pricedChat(gateway);
    assert.equal(stopReason, 'stop', `${name}: ${errorMessage}`);
    assert.ok(Number.isFinite(used.cost.total) && used.cost.total >= 0, `${name}: ${used.cost.total}`);
    assert.equal(used.cost.total > 0, isPrice, `${name}: ${used.cost.total}`);
    assert.ok(gateway.seen.every(({ url }) => url !== '/v1/models') && heads.every((head) => !head.includes('/v1/models')), name);
    const asked = gateway.asked();
    assert.equal(asked.length, 1, name);
    assert.ok(!JSON.stringify(asked).includes(KEY), name);
    gateway.close();
  }
});

test('names that a gateway makes up are asked for on their path alone, and long ones are not kept', async (t) => {
  waitForPrices(t);
  const keep = 'a'.repeat(200);
  for (const [named, provider, paths] of /** @type {[string, string, string[]][]} */ ([
    ['m', keep, [`${keep}/m`]], ['m', 'a'.repeat(300), [`${'a'.repeat(300)}/m`, `${'a'.repeat(300)}/m`]],
    ['..', 'openai', []], ['../../v1/admin', 'openai', ['openai/..%2F..%2Fv1%2Fadmin']], ['a?b#c d', 'openai', ['openai/a%3Fb%23c%20d']], ['x'.repeat(1 << 20), 'openai', []], ['__proto__', 'constructor', ['constructor/__proto__']],
    ['m', '__proto__', []], [KEY, 'openai', [`openai/${'%2A'.repeat(KEY.length)}`]], ['m', KEY, []], ['m', '../v1', []], ['m', 'openai/../..', []], ['a\r\nx-own: 1', 'openai', ['openai/a%0D%0Ax-own:%201']], ['//elsewhere.example/', 'openai', ['openai/%2F%2Felsewhere.example%2F']],
  ])) {
    const gateway = await PriceGateway.start(t, { tell: told(entry('0.0001')), report: { 'x-portkey-provider': provider }, named });
    for (let call = 0; call < 2; call++) assert.equal((await pricedChat(gateway)).stopReason, 'stop', named.slice(0, 99));
    assert.deepEqual(gateway.asked().map(({ path }) => path), paths, `${named.slice(0, 99)} ${provider}`);
    gateway.close();
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('a price list that answers just in time holds up no catalog, and no row of it holds the key', async (t) => {
  const models = Array.from({ length: 50 }, (_, at) => `@openai/m-${at}`);
  const gateway = await PriceGateway.start(t, { tell: (res, model) => setTimeout(() => told(entry('0.0001'))(res, model), 1500), models });
  const config = { models: { providers: { portkey: { baseUrl: gateway.baseUrl, headers: { Authorization: `Bearer ${KEY}` } } } } };
  const context = { config, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const catalog = await runCatalog(context, { warn: assert.fail });
  assert.equal(catalog.provider.models.length, 50);
  const { length } = gateway.asked();
  assert.ok(length < 50, `${length} were asked for`);
  const rows = toRows(catalog, 'live');
  assert.ok(rows.length === 50 && !JSON.stringify([rows, catalog]).includes(KEY) && !JSON.stringify(rows).includes('PORTKEY_API_KEY'));
  for (const odd of [undefined, null, {}, { provider: null }, { provider: { models: [] } }]) assert.deepEqual(toRows(odd, 'live'), []);
});

const config = () => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1` } } } });

test('a list of models without end is cut, and takes OpenClaw no time to read', { timeout: 30_000 }, async () => {
  const context = { config: config(), resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const list = (/** @type {number} */ count) => raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n', JSON.stringify({ data: Array.from({ length: count }, (_, at) => `m${at}`) }));
  for (const [count, most] of [[10_000, 10_000], [10_001, 10_000], [300_000, 10_000]]) {
    /** @type {string[]} */ const warned = [];
    answer = list(count);
    const catalog = await runCatalog(context, { warn: (message) => { warned.push(message); } });
    assert.deepEqual([catalog.provider.models.length, toRows(catalog, 'live').length], [most, most]);
    assert.deepEqual(warned, count > most ? [`Portkey: the gateway lists ${count} models, of which OpenClaw is told the first 10000.`] : []);
  }
  await serves();
});

test('what is known of models comes of no instance that is used up, or has failed', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../component/portkey-provider.wasm', import.meta.url)));
  let made = 0;
  let fails = false;
  const counted = /** @type {typeof instantiate} */ ((/** @type {Parameters<typeof instantiate>} */ ...given) => {
    made++;
    if (fails) return /** @type {any} */ ({ models: { traitsOf() { throw new Error('unreachable'); } } });
    return instantiate(...given);
  });
  const { traitsOf } = componentOf(counted, () => coreModules(bytes));
  for (let asked = 0; asked < 25_000; asked++) traitsOf('@openai/gpt-5.1');
  assert.equal(made, 3);
  fails = true;
  for (let asked = 0; asked < 5001; asked++) try { traitsOf('m'); } catch { /* of the last instance, or of one that fails */ }
  fails = false;
  assert.equal(traitsOf('@openai/gpt-5.1').reasoning, true);
});

test('an answer of more images than anybody asked for is refused, and none is fetched', async () => {
  const provider = imageProvider(() => ({ resolveApiKeyForProvider: async () => ({ apiKey: KEY }), isProviderApiKeyConfigured: () => true }));
  const json = (/** @type {object[]} */ data) => raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n', JSON.stringify({ data }));
  const urls = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => ({ url: `${origin}/i/${at}.png` }));
  const draw = () => provider.generateImage({ prompt: 'x', cfg: config() });
  const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  for (const [count, fetched] of [[16, 16], [17, 0], [20_000, 0]]) {
    heads = [];
    const listed = json(urls(count));
    answer = (head, socket) => (head.startsWith('GET /i/') ? raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n', PNG)(head, socket) : listed(head, socket));
    if (fetched) assert.equal((await draw()).images.length, count);
    else await assert.rejects(draw(), { message: `The answer holds ${count} images, and 16 are the most that are taken` });
    assert.deepEqual(heads.flatMap((head) => /^GET (\/i\/\S+)/.exec(head)?.[1] ?? []).sort(), urls(fetched).map(({ url }) => new URL(url).pathname).sort());
  }
  // each is small enough, and all of them are not
  const large = raw('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n', PNG, Buffer.alloc(20 << 20));
  const listed = json(urls(7));
  answer = (head, socket) => (head.startsWith('GET /i/') ? large(head, socket) : listed(head, socket));
  await assert.rejects(draw(), /images of the answer are larger than 134217728 bytes/);
  await serves();
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
    answer = raw(frames);
    const message = await chat();
    assert.equal(message.stopReason === 'stop', isRead, `${name}: ${message.stopReason} ${message.errorMessage}`);
    assert.ok(!JSON.stringify(message).includes(KEY), name);
    await serves();
  }
});

test('a file that is no component, or part of one, is looked through in words', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../component/portkey-provider.wasm', import.meta.url)));
  const odd = [0, 1, 7, 8, 9, 10, 1000].map((length) => bytes.slice(0, length));
  const header = bytes.slice(0, 8);
  for (const tail of [[1], [1, 0xff], [1, 0xff, 0xff, 0xff, 0xff, 0x7f], Array.from({ length: 4096 }, () => 0xff), [1, 0, 1, 0, 1, 0], Array.from({ length: 4096 }, (_, at) => at % 2)]) odd.push(new Uint8Array([...header, ...tail]));
  for (const file of odd) {
    const found = coreModules(file);
    assert.ok(found.length <= file.length && found.every((module) => module.length <= file.length));
    assert.throws(() => componentOf(instantiate, () => coreModules(file)).traitsOf('m'), Error);
  }
  assert.equal(componentOf(instantiate, () => coreModules(bytes)).traitsOf('@openai/gpt-5.1').reasoning, true);
});

test('a list of models of any names is a catalog, or an error in words', { timeout: 30_000 }, async () => {
  const context = { config: config(), resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  for (const [name, data, count] of /** @type {[string, unknown[], number][]} */ ([
    ['a name of 10 MB', ['x'.repeat(10 << 20)], 1], ['a name of a million separators', ['-'.repeat(1 << 20), `/${'a/'.repeat(1 << 19)}`], 2], ['names that steer', ['\u001b]0;x\u0007', '\u202ea', 'a\r\nb', '\0'], 4],
    ['numbers, lists and objects', [7, [], {}, { id: 7 }, { id: ['a'] }, { id: { a: 1 } }, null, true, { id: 'good' }], 3], ['members of JavaScript', ['__proto__', 'constructor', 'toString', 'hasOwnProperty', { id: 'then' }, { __proto__: null, id: 'a' }], 6],
    ['the same name 50,000 times', Array.from({ length: 50_000 }, () => 'same'), 10_000], ['half a surrogate', ['\ud800', 'b'], 2], ['a reference', ['${PORTKEY_API_KEY}', '${' + KEY + '}'], 2],
  ])) {
    answer = raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n', JSON.stringify({ data }));
    const catalog = await runCatalog(context, { warn: () => {} });
    const models = catalog.provider?.models ?? [];
    assert.ok(models.length <= count && models.length >= Math.min(1, count), `${name}: ${models.length}`);
    assert.ok(models.every((/** @type {any} */ { id }) => typeof id === 'string' && id) && !JSON.stringify(catalog).includes(KEY), name);
    assert.equal(toRows(catalog, 'live').length, models.length, name);
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  await serves();
});

test('a configuration of any form sends the key to its own place or nowhere', async () => {
  const good = { baseUrl: `${origin}/v1` };
  const of = (/** @type {unknown} */ portkey, /** @type {unknown} */ options = {}, more = {}) => ({ models: { providers: { portkey } }, plugins: { entries: { portkey: { config: options } } }, ...more });
  const deep = JSON.parse('{"a":'.repeat(2000) + '1' + '}'.repeat(2000));
  for (const [name, config] of /** @type {[string, any][]} */ ([
    ['nothing', undefined], ['null', null], ['a list of providers', { models: { providers: [] } }], ['providers that are a text', { models: { providers: 'x' } }], ['no models', { models: null }],
    ['a text', of('x')], ['a list', of([good])], ['headers that are a list', of({ ...good, headers: ['a: b'] })], ['headers that are a text', of({ ...good, headers: 'a: b' })], ['models that are an object', of({ ...good, models: { id: 'm' } })],
    ['models of nothing', of({ ...good, models: [null, 7, 'x', [], {}] })], ['settings that are a text', of({ ...good, request: 'x' })], ['settings of odd kinds', of({ ...good, request: { auth: [], headers: 7, tls: 'x', proxy: null } })],
    ['options that are a list', of(good, ['x'])], ['options that are a text', of(good, 'x')], ['options that are null', of(good, null)], ['options nested deep', of(good, { config: deep })],
    ['members of JavaScript', of(JSON.parse(`{"baseUrl":"${origin}/v1","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"headers":{"__proto__":"x","constructor":"y"}}`), JSON.parse('{"__proto__":{"polluted":1}}'))],
    ['agents of JavaScript', of(good, {}, { agents: JSON.parse('{"defaults":{"models":{"__proto__":{"alias":"a","params":{"k":"v"}},"constructor":{"alias":"b"}},"model":{"__proto__":1}}}') })],
    ['headers that ask for a part', of({ ...good, headers: { Range: 'bytes=0-9' } })], ['settings that ask for a part', of({ ...good, request: { headers: { 'IF-RANGE': 'x' } } })],
  ])) {
    answer = raw(EVENTS, GOOD);
    heads = [];
    const headers = config?.models?.providers?.portkey?.headers ?? {};
    const message = await chat({}, config, typeof headers === 'object' ? { headers } : {});
    const sent = heads.filter((head) => head.startsWith('POST'));
    if (/ask for a part/.test(name)) assert.match(message.errorMessage ?? '', /^The header \S+ asks for a part of an answer/, name);
    assert.equal(message.stopReason === 'stop', sent.length === 1, `${name}: ${message.stopReason} ${message.errorMessage} ${sent.length}`);
    assert.ok(sent.every((head) => head.includes(`x-portkey-api-key: ${KEY}`) && !/^(if-)?range:/im.test(head)), `${name}: ${sent}`);
    assert.ok(!JSON.stringify(message).includes(KEY), name);
    assert.equal(/** @type {any} */ ({}).polluted, undefined, name);
  }
  await serves();
});

test('where one image fails, the others are let go', { timeout: 20_000 }, async () => {
  const provider = imageProvider(() => ({ resolveApiKeyForProvider: async () => ({ apiKey: KEY }), isProviderApiKeyConfigured: () => true }));
  /** @type {Promise<unknown>[]} */ const closed = [];
  const listed = raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n', JSON.stringify({ data: Array.from({ length: 16 }, (_, at) => ({ url: `${origin}/i/${at}.png` })) }));
  answer = (head, socket) => {
    if (!head.startsWith('GET /i/')) return listed(head, socket);
    if (head.startsWith('GET /i/0.png')) return setTimeout(() => raw('HTTP/1.1 404 x\r\nconnection: close\r\n\r\n')(head, socket), 300);
    closed.push(once(socket, 'close'));
    return socket.write('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n\x89PNG');
  };
  await assert.rejects(provider.generateImage({ prompt: 'x', cfg: config() }), /could not be downloaded: HTTP 404/);
  await Promise.all(closed);
  assert.equal(closed.length, 15);
  await serves();
});

test('a list of models that is none is told of without the key', async () => {
  const context = { config: config(), resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: KEY }) };
  const json = 'content-type: application/json\r\nconnection: close\r\n';
  for (const [name, told] of /** @type {[string, string][]} */ ([
    ['a redirect', `HTTP/1.1 302 x\r\nlocation: ${origin}/?${KEY}\r\nconnection: close\r\n\r\n`], ['a refusal', `HTTP/1.1 401 ${KEY}\r\n${json}\r\n{"error":{"message":"no ${KEY}","code":"${KEY}"}}`], ['a page', `HTTP/1.1 500 x\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<title>${KEY}</title>`],
    ['half of it', `HTTP/1.1 200 OK\r\ncontent-length: 99\r\n${json}\r\n{"data":[{"id":"${KEY}`], ['another type', `HTTP/1.1 200 OK\r\n${json}\r\n{"data":{"${KEY}":1}}`], ['packed', `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n${json}\r\n{"data":[]}`], ['nothing', `HTTP/1.1 200 OK\r\n${json}\r\n`],
  ])) {
    heads = [];
    /** @type {string[]} */ const warned = [];
    answer = raw(told);
    const catalog = await runCatalog(context, { warn: (message) => { warned.push(message); } });
    assert.deepEqual([catalog.provider, warned.length, heads.filter((head) => head.includes('/models')).length], [undefined, 1, 1], `${name}: ${warned}`);
    assert.ok(!JSON.stringify([catalog, warned]).includes(KEY), `${name}: ${warned}`);
  }
  await serves();
});
