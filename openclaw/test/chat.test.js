/** The component behind OpenClaw's chat. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadline, streamFn } from '../src/chat.js';
import { Translator } from '../src/events.js';
import { DONE, USAGE, ask, chunk, collect, gateway, goesOn, model, origin, sse } from './gateway.mjs';

// As OpenClaw has it for a server on this machine that it has no key for: `applyLocalNoAuthHeaderOverride`.
test('a header that OpenClaw takes out is the user\'s, or is not sent', async () => {
  gateway.answer = sse(chunk({ content: 'pong' }, 'stop'), DONE);
  for (const [written, sent] of /** @type {[Record<string, string>, string | undefined][]} */ ([[{ Authorization: 'Bearer sk-provider' }, 'Bearer sk-provider'], [{}, undefined]])) {
    gateway.seen = [];
    const config = { models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: written } } } };
    const message = await streamFn(config)(model({ headers: { ...written, 'x-team': 'a', Authorization: null } }), ask('ping'), { apiKey: 'custom-local' }).result();
    assert.equal(message.stopReason, 'stop', message.errorMessage);
    assert.deepEqual([gateway.seen[0].headers.authorization, gateway.seen[0].headers['x-team']], [sent, 'a']);
  }
});

test('text and usage arrive, and the request is what OpenClaw asked for', async () => {
  gateway.answer = sse(chunk({ role: 'assistant', content: '' }), chunk({ content: 'po' }), chunk({ content: 'ng' }), chunk({}, 'stop'), USAGE, DONE);
  gateway.seen = [];
  const stream = streamFn({})(model({ headers: { Authorization: 'Bearer sk', 'x-portkey-metadata': '{"_user":"é"}' } }), {
    systemPrompt: 'be brief',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'look' }, { type: 'image', data: 'AAEC', mimeType: 'image/png' }], timestamp: 0 },
      /** @type {any} */ ({ role: 'assistant', content: [{ type: 'text', text: 'hm' }, { type: 'toolCall', id: 'c1', name: 'f', arguments: { a: 1 } }] }),
      { role: 'toolResult', toolCallId: 'c1', toolName: 'f', content: [{ type: 'text', text: 'r' }, { type: 'image', data: 'AAEC', mimeType: 'image/png' }], isError: false, timestamp: 0 },
    ],
    tools: [{ name: 'f', description: 'd', parameters: { type: 'object', properties: { a: { type: 'number' } } } }],
  }, {
    apiKey: 'K', temperature: 0.5, maxTokens: 100, reasoning: 'low', promptCacheKey: 'pck', headers: { traceparent: 'tp' },
  });
  const events = await collect(stream);
  assert.deepEqual(events.map((event) => event.type), ['start', 'text_start', 'text_delta', 'text_delta', 'text_end', 'done']);
  const message = await stream.result();
  assert.deepEqual(message.content, [{ type: 'text', text: 'pong' }]);
  assert.equal(message.stopReason, 'stop');
  assert.equal(message.responseModel, 'gpt-real');
  const { cost, ...tokens } = message.usage;
  assert.deepEqual(tokens, { input: 8, output: 3, cacheRead: 7, cacheWrite: 0, totalTokens: 18 });
  assert.ok(Math.abs(cost.total - (8 + 6 + 3.5) / 1e6) < 1e-12);
  assert.equal(message.diagnostics?.[0].details?.traceId, 'tr');

  const [{ url, headers, body }] = gateway.seen;
  assert.equal(url, '/v1/chat/completions');
  assert.deepEqual([headers['x-portkey-api-key'], headers.authorization, headers.traceparent, headers['x-portkey-metadata']], ['K', 'Bearer sk', 'tp', '{"_user":"\\u00e9"}']);
  assert.deepEqual(body.messages.map((/** @type {any} */ m) => m.role), ['system', 'user', 'assistant', 'tool']);
  assert.equal(body.messages[1].content[1].image_url.url, 'data:image/png;base64,AAEC');
  const { stream: isStream, temperature, reasoning_effort, prompt_cache_key, stream_options } = body;
  assert.deepEqual({ isStream, temperature, reasoning_effort, prompt_cache_key, stream_options },
    { isStream: true, temperature: 0.5, reasoning_effort: 'low', prompt_cache_key: 'pck', stream_options: { include_usage: true } });
  assert.equal(body.tools[0].function.parameters.properties.a.type, 'number');
});

test('a payload hook sees and changes all of the body, and has the last word', async () => {
  gateway.answer = sse(chunk({ content: 'x' }), chunk({}, 'stop'), DONE);
  const tools = [{ name: 'f', description: 'd', parameters: { type: 'object' } }];
  /** @type {any} */ let shown;
  const sent = async (/** @type {(payload: any) => unknown} */ onPayload) => {
    gateway.seen = [];
    const hook = (/** @type {any} */ payload) => onPayload(shown = payload);
    await streamFn({})(model(), { ...ask('x'), systemPrompt: 'brief', tools }, { apiKey: 'K', maxTokens: 9, onPayload: hook }).result();
    return gateway.seen[0].body;
  };
  const unchanged = await sent(() => undefined);
  assert.deepEqual(shown, unchanged);
  assert.deepEqual([unchanged.messages.length, unchanged.tools.length, unchanged.stream_options], [2, 1, { include_usage: true }]);
  const { stream_options: _, ...rest } = unchanged;
  assert.deepEqual(await sent((payload) => { payload.messages[0].content = 'long'; delete payload.stream_options; }),
    { ...rest, messages: [{ role: 'system', content: 'long' }, rest.messages[1]] });
  const own = { model: 'm', stream: true, messages: [] };
  assert.deepEqual(await sent(async () => own), own);
});

test('tool calls whose pieces interleave', async () => {
  const call = (/** @type {number} */ index, /** @type {object} */ rest) => chunk({ tool_calls: [{ index, ...rest }] });
  gateway.answer = sse(chunk({ content: 'let me see' }), call(0, { id: 'a', function: { name: 'f', arguments: '{"x":' } }), call(1, { id: 'b', function: { name: 'g', arguments: '' } }),
    call(0, { function: { arguments: '1}' } }), call(1, { function: { arguments: '{}' } }), chunk({}, 'tool_calls'), DONE);
  const stream = streamFn({})(model(), ask('x'), { apiKey: 'K' });
  const events = await collect(stream);
  assert.deepEqual(events.filter((e) => e.type === 'toolcall_end').map((e) => e.toolCall), [
    { type: 'toolCall', id: 'a', name: 'f', arguments: { x: 1 } }, { type: 'toolCall', id: 'b', name: 'g', arguments: {} }]);
  const { stopReason, content } = await stream.result();
  assert.equal(stopReason, 'toolUse');
  assert.deepEqual(content.map((block) => block.type), ['text', 'toolCall', 'toolCall']);
});

test('parts of an answer that OpenClaw has no place for are told', () => {
  /** @type {any[]} */ const events = [];
  const translator = new Translator(model(), (event) => events.push(event));
  const citation = { type: 'citation', url: 'https://example.com' };
  translator.take({ tag: 'refusal', val: 'I would ' });
  translator.take({ tag: 'refusal', val: 'rather not.' });
  translator.take({ tag: 'image', val: { tag: 'inline', val: { mediaType: 'image/png', data: new Uint8Array(3) } } });
  translator.take({ tag: 'image', val: { tag: 'url', val: 'https://example.com/i.png' } });
  translator.take({ tag: 'other', val: JSON.stringify(citation) });
  translator.done({}, (json) => JSON.parse(json));
  const { type, message } = events.at(-1);
  assert.equal(type, 'done');
  const [{ text }] = message.content;
  assert.match(text, /^I would rather not\.\n\(The model answered with an image, image\/png, 3 bytes/);
  assert.match(text, /!\[image\]\(https:\/\/example\.com\/i\.png\)\n$/);
  assert.deepEqual(message.diagnostics[0].details, { parts: [citation] });
});

const called = (/** @type {string} */ args) => {
  const call = { index: 0, id: 'a', function: { name: 'f', arguments: args } };
  gateway.answer = sse(chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), DONE);
  return streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
};

test('a call whose arguments are no JSON object is an error, not a call', async () => {
  for (const args of ['{"x":', '"str"', '[1]', '5', 'false']) {
    const { stopReason, content, errorMessage } = await called(args);
    assert.deepEqual([stopReason, content], ['error', []], args);
    assert.match(errorMessage ?? '', args === '{"x":' ? /what arrived is not the whole answer/ : /no JSON object: f$/);
  }
});

test('digits without end are no number, but may be a text', async () => {
  const digits = '1'.repeat(2000);
  assert.match((await called(`{"a":${digits}e}`)).errorMessage ?? '', /no JSON object: f$/);
  const { content } = await called(`{"a":"\\"${digits}"}`);
  assert.deepEqual(content, [{ type: 'toolCall', id: 'a', name: 'f', arguments: { a: `"${digits}` } }]);
});

test('a call without arguments has none', async () => {
  for (const args of ['', ' \n', 'null', '{}']) {
    const { content } = await called(args);
    assert.deepEqual(content, [{ type: 'toolCall', id: 'a', name: 'f', arguments: {} }], JSON.stringify(args));
  }
});

test('reasoning', async () => {
  gateway.answer = sse(chunk({ reasoning_content: 'hm' }), chunk({ content: 'yes' }), chunk({}, 'length'), DONE);
  const stream = streamFn({})(model(), ask('x'), { apiKey: 'K' });
  assert.deepEqual((await collect(stream)).map((e) => e.type), ['start', 'thinking_start', 'thinking_delta', 'thinking_end', 'text_start', 'text_delta', 'text_end', 'done']);
  assert.equal((await stream.result()).stopReason, 'length');
});

test('what the model says on its way to a call, or between thoughts, is no answer', async () => {
  const think = chunk({ reasoning_content: 'hm' });
  const call = chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] });
  const phases = async (/** @type {string[]} */ ...events) => {
    gateway.answer = sse(...events, DONE);
    const { content, openclawDelivery } = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
    const texts = content.flatMap((block) => (block.type === 'text' ? [block.textSignature && JSON.parse(block.textSignature).phase] : []));
    return [texts, openclawDelivery?.textPhaseRequiresTerminal];
  };
  assert.deepEqual(await phases(chunk({ content: 'yes' }), chunk({}, 'stop')), [[undefined], undefined]);
  assert.deepEqual(await phases(chunk({ content: 'let me see' }), call, chunk({}, 'tool_calls')), [['commentary'], undefined]);
  assert.deepEqual(await phases(chunk({ content: 'let me see' }), call, chunk({}, 'length')), [[undefined], undefined], 'a call that was cut off is none');
  assert.deepEqual(await phases(think, chunk({ content: 'so' }), think, chunk({ content: 'yes' }), chunk({}, 'stop')), [['commentary', 'final_answer'], true]);
  assert.deepEqual(await phases(chunk({ content: 'so' }), think, chunk({}, 'stop')), [[undefined], true], 'a thought behind it takes no answer away');
  assert.deepEqual(await phases(think, chunk({ content: 'yes' }), chunk({}, 'stop')), [[undefined], undefined], 'OpenClaw shows it as it comes');
  const blank = chunk({ content: ' \n'.repeat(40) }); // the component keeps less back, for the text that follows
  assert.deepEqual(await phases(think, blank, think, chunk({ content: 'yes' }), chunk({}, 'stop')), [[undefined, undefined], undefined]);
  const sealed = chunk({ reasoning_details: [{ type: 'reasoning.encrypted', id: 'r', data: 'd' }] });
  assert.deepEqual(await phases(sealed, chunk({ content: 'yes' }), chunk({}, 'stop')), [[undefined], undefined]);
  const parts = [chunk({ content: 'one' }), sealed, chunk({ content: 'two' })];
  assert.deepEqual(await phases(...parts, chunk({}, 'stop')), [[undefined, undefined], undefined], 'both are the answer');
  assert.deepEqual(await phases(chunk({ content: 'so' }), think, ...parts, chunk({}, 'stop')), [['commentary', 'final_answer', 'final_answer'], true]);
  assert.deepEqual(await phases(chunk({ content: 'one' }), call, chunk({ content: 'two' }), chunk({}, 'length')), [[undefined, undefined], undefined]);
});

test('of an answer that is given up, a text is the answer, but where the model thought behind it', () => {
  const given = (/** @type {string[]} */ ...tags) => {
    const events = new Translator(model(), () => {});
    for (const tag of tags) events.take(/** @type {any} */ ({ tag, val: tag === 'text' ? 'so' : { text: 'hm' } }));
    events.fail(new Error('given up'), true);
    return events.message.content.flatMap((block) => (block.type === 'text' ? [block.textSignature && JSON.parse(block.textSignature).phase] : []));
  };
  assert.deepEqual(given('thinking', 'text'), [undefined]);
  assert.deepEqual(given('text', 'thinking', 'text'), ['commentary', 'commentary']);
});

test('signatures come with thinking and tool calls, and go back with them', async () => {
  const signed = (/** @type {number} */ index, /** @type {object} */ delta) => chunk({ content_blocks: [{ index, delta }] });
  const call = { index: 0, id: 'a', function: { name: 'f', arguments: '{}', thought_signature: 'third' } };
  gateway.answer = sse(signed(0, { thinking: 'hm' }), signed(0, { signature: 'first' }),
    signed(1, { thinking: 'so' }), signed(1, { signature: 'second' }),
    chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), DONE);
  const reply = await streamFn({})(model({ id: '@team/alias' }), ask('x'), { apiKey: 'K' }).result();
  assert.deepEqual(reply.content, [
    { type: 'thinking', thinking: 'hm', thinkingSignature: 'first' },
    { type: 'thinking', thinking: 'so', thinkingSignature: 'second' },
    { type: 'toolCall', id: 'a', name: 'f', arguments: {}, thoughtSignature: 'third' }]);

  gateway.seen = [];
  await streamFn({})(model({ id: '@team/alias' }), { messages: [...ask('x').messages, reply] }, { apiKey: 'K' }).result();
  const { content_blocks, tool_calls } = gateway.seen[0].body.messages[1];
  assert.deepEqual(content_blocks, [
    { type: 'thinking', thinking: 'hm', signature: 'first' }, { type: 'thinking', thinking: 'so', signature: 'second' }]);
  assert.equal(tool_calls[0].function.thought_signature, 'third');
});

test('tokens arrive as they come, while the event loop turns, and two streams do not wait for each other', async () => {
  // Each stream's next token is sent once the other's was read: what holds a token back, or waits for the other stream, hangs.
  /** @type {Record<string, (() => void)[]>} */ const turns = { one: [], two: [] };
  /** @type {string[]} */ const order = [];
  gateway.answer = async (_, res, body) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < 10; i++) {
      const read = new Promise((resolve) => { turns[body.model].push(() => resolve(undefined)); });
      res.write(chunk({ content: `${i}` }));
      await read;
    }
    res.end(chunk({}, 'stop') + DONE);
  };
  const read = async (/** @type {string} */ id, /** @type {string} */ other) => {
    for await (const event of streamFn({})(model({ id }), ask('x'), { apiKey: 'K' })) {
      if (event.type !== 'text_delta') continue;
      order.push(`${id} ${event.delta}`);
      while (!turns[other].length) await sleep(1);
      turns[other].shift()?.();
    }
  };
  await Promise.all([read('one', 'two'), read('two', 'one')]);
  for (const id of ['one', 'two']) assert.deepEqual(order.filter((entry) => entry.startsWith(id)), Array.from({ length: 10 }, (_, i) => `${id} ${i}`));
});

test('an abort ends one request, and not the other', { timeout: 30_000 }, async () => {
  const closed = Promise.withResolvers();
  gateway.answer = async (_, res, body) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'x' }));
    if (body.model === 'one') return res.once('close', closed.resolve); // goes on until it is ended
    await closed.promise;
    return res.end(chunk({}, 'stop') + DONE);
  };
  const controller = new AbortController();
  const two = streamFn({})(model({ id: 'two' }), ask('x'), { apiKey: 'K' });
  const one = streamFn({})(model({ id: 'one' }), ask('x'), { apiKey: 'K', signal: controller.signal });
  for await (const { type } of one) if (type === 'text_delta') controller.abort();
  assert.equal((await one.result()).stopReason, 'aborted');
  assert.equal((await two.result()).stopReason, 'stop');
});

test('a first event that does not come ends the request', async () => {
  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(); };
  let told;
  const { stopReason, errorMessage } = await streamFn({})(model(), ask('x'), { apiKey: 'K', firstEventTimeoutMs: 50, onFirstEventTimeout: (error) => { told = error; } }).result();
  assert.equal(stopReason, 'error');
  assert.match(errorMessage ?? '', /first-event timeout/);
  assert.ok(told);
});

test('the time for a first event runs once at most, and not for a call that is over', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const late = mock.fn();
  const limit = (/** @type {AbortSignal} */ signal = new AbortController().signal) => deadline({ signal, firstEventTimeoutMs: 50, onFirstEventTimeout: late });
  const over = limit();
  over.release();
  over.answered();
  limit(AbortSignal.abort()).answered();
  const begun = limit();
  begun.answered();
  begun.answered();
  begun.started();
  mock.timers.tick(60);
  assert.equal(late.mock.callCount(), 0);
  limit().answered();
  mock.timers.tick(60);
  assert.equal(late.mock.callCount(), 1);
  mock.timers.reset(); // other tests run beside this one
});

test('a hook that fails ends the request, and is what is reported', { timeout: 30_000 }, async () => {
  const closed = goesOn();
  const onResponse = () => { throw new Error('the hook\'s own'); };
  const { stopReason, errorMessage, errorType } = await streamFn({})(model(), ask('x'), { apiKey: 'K', onResponse }).result();
  assert.deepEqual([stopReason, errorMessage, errorType], ['error', 'the hook\'s own', undefined]);
  await closed;
});

test('a hook that takes long does not keep an abort waiting', { timeout: 30_000 }, async () => {
  const closed = goesOn();
  const controller = new AbortController();
  const waiting = Promise.withResolvers();
  const onResponse = () => {
    controller.abort();
    return waiting.promise;
  };
  const options = { apiKey: 'K', signal: controller.signal, onResponse };
  const { stopReason } = await streamFn({})(model(), ask('x'), options).result();
  assert.equal(stopReason, 'aborted');
  await closed;
  waiting.resolve(undefined);
});

test('failures carry the component\'s message, and what OpenClaw needs to choose', async () => {
  gateway.answer = (_, res) => { res.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' }).end(JSON.stringify({ error: { message: 'Rate limit reached', code: 'slow_down' } })); };
  const limited = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
  assert.match(limited.errorMessage ?? '', /^429: .*Rate limit reached.*Retry-After: 3 seconds$/);
  assert.deepEqual([limited.stopReason, limited.errorType, limited.errorCode], ['error', 'rate-limited', 'slow_down']);

  gateway.answer = sse(chunk({ content: 'half' }));
  const cut = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
  assert.deepEqual([cut.stopReason, cut.errorType, cut.content], ['error', 'truncated', []]);

  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'half' }), () => res.destroy()); };
  const broken = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
  assert.equal(broken.errorType, 'truncated');
  assert.match(broken.errorCode ?? '', /^(UND_ERR_SOCKET|ECONNRESET)$/, "OpenClaw tries again, by Node's code");

  const none = await streamFn({})(model(), ask('x'), {}).result();
  assert.match(none.errorMessage ?? '', /Portkey API key missing/);
  assert.equal(none.errorType, 'missing-credential');
});

test('a secret that the gateway sends back is masked, and other headers are not', async () => {
  gateway.answer = (req, res) => {
    const content = ['x-portkey-api-key', 'authorization', 'x-session', 'x-title', 'x-team', 'http-referer', 'traceparent'].map((name) => req.headers[name]).join();
    sse(chunk({ content }), chunk({}, 'stop'), DONE)(req, res);
  };
  // OpenClaw has filled in what the second of the ordinary ones referred to
  const configured = model({ headers: { Authorization: 'Bearer sk-secret', 'X-Title': 'choices content', 'X-Team': 'choices 0123456789abcdef', 'HTTP-Referer': 'https://app.example/chat' } });
  const options = { apiKey: 'pk-secret', headers: { 'X-Session': 'session-secret', traceparent: 'not-a-secret-of-the-users' } };
  const { content } = await streamFn({})(configured, ask('x'), options).result();
  assert.deepEqual(content, [{ type: 'text', text: '*********,Bearer *********,**************,choices content,choices ****************,https://app.example/chat,not-a-secret-of-the-users' }]);
});

test('a key that no header can hold is not in the error', async () => {
  const { stopReason, errorMessage } = await streamFn({})(model(), ask('x'), { apiKey: 'pk-first\nsecond' }).result();
  assert.equal(stopReason, 'error');
  assert.match(errorMessage ?? '', /x-portkey-api-key.*character/);
  assert.doesNotMatch(errorMessage ?? '', /first|second/);
});

test('twenty streams at once', async () => {
  gateway.answer = async (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < 5; i++) { res.write(chunk({ content: `${i}` })); await sleep(10); }
    res.end(chunk({}, 'stop') + DONE);
  };
  const all = await Promise.all(Array.from({ length: 20 }, () => streamFn({})(model(), ask('x'), { apiKey: 'K' }).result()));
  for (const { content } of all) assert.deepEqual(content, [{ type: 'text', text: '01234' }]);
});
