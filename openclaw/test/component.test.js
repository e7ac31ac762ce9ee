/** The built component behind the adapter, and a server in place of the gateway. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantiate } from '../component/provider.js';
import { mediaProvider, speechProvider } from '../src/audio.js';
import { Translator, deadline, streamFn } from '../src/chat.js';
import { componentOf, coreModules, onboarding, use } from '../src/component.js';
import { connect, merge } from '../src/config.js';
import { embeddingProvider } from '../src/embeddings.js';
import { imageProvider } from '../src/images.js';
import { describeModel, isCacheTtlEligible, normalizeResolvedModel, resolveDynamicModel, resolveThinkingProfile, runCatalog } from '../src/models.js';
import { buildReplayPolicy } from '../src/replay.js';
import { wasiHttp } from '../src/wasi-http.js';

/** @type {string} */ let origin;
/** @type {http.Server} */ let server;
/** What the next requests get. @type {(req: http.IncomingMessage, res: http.ServerResponse, body: any) => unknown} */ let answer;
/** @type {{ url: string | undefined, headers: http.IncomingHttpHeaders, body: any }[]} */ let seen = [];

before(async () => {
  server = http.createServer(async (req, res) => {
    // A price is asked for while a reply is read, so at no fixed place among the requests. There is no list here: see prices.test.js.
    if (req.url?.startsWith('/model-configs/')) return void res.writeHead(404).end();
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const body = req.headers['content-type']?.includes('json') ? JSON.parse(raw.toString()) : raw.toString('latin1');
    seen.push({ url: req.url, headers: req.headers, body });
    answer(req, res, body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const model = (extra = {}) => /** @type {any} */ ({
  ...describeModel('@openai/gpt'), reasoning: true, provider: 'portkey', api: 'openai-completions', baseUrl: `${origin}/v1`, cost: { input: 1, output: 2, cacheRead: 0.5, cacheWrite: 1 }, ...extra,
});
const ask = (/** @type {string} */ content) => ({ messages: [{ role: /** @type {const} */ ('user'), content, timestamp: 0 }] });
const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c1', model: 'gpt-real', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c1', choices: [], usage: { prompt_tokens: 15, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 7 } } })}\n\n`;
const DONE = 'data: [DONE]\n\n';
const sse = (/** @type {string[]} */ ...events) => (/** @type {unknown} */ _, /** @type {http.ServerResponse} */ res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'x-portkey-trace-id': 'tr', 'x-portkey-cache-status': 'MISS' });
  res.end(events.join(''));
};

/** @param {AsyncIterable<any>} stream */
async function collect(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('chat', () => {
  // As OpenClaw has it for a server on this machine that it has no key for: `applyLocalNoAuthHeaderOverride`.
  test('a header that OpenClaw takes out is the user\'s, or is not sent', async () => {
    answer = sse(chunk({ content: 'pong' }, 'stop'), DONE);
    for (const [written, sent] of /** @type {[Record<string, string>, string | undefined][]} */ ([[{ Authorization: 'Bearer sk-provider' }, 'Bearer sk-provider'], [{}, undefined]])) {
      seen = [];
      const config = { models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: written } } } };
      const message = await streamFn(config)(model({ headers: { ...written, 'x-team': 'a', Authorization: null } }), ask('ping'), { apiKey: 'custom-local' }).result();
      assert.equal(message.stopReason, 'stop', message.errorMessage);
      assert.deepEqual([seen[0].headers.authorization, seen[0].headers['x-team']], [sent, 'a']);
    }
  });

  test('text and usage arrive, and the request is what OpenClaw asked for', async () => {
    answer = sse(chunk({ role: 'assistant', content: '' }), chunk({ content: 'po' }), chunk({ content: 'ng' }), chunk({}, 'stop'), USAGE, DONE);
    seen = [];
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

    const [{ url, headers, body }] = seen;
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
    answer = sse(chunk({ content: 'x' }), chunk({}, 'stop'), DONE);
    const tools = [{ name: 'f', description: 'd', parameters: { type: 'object' } }];
    /** @type {any} */ let shown;
    const sent = async (/** @type {(payload: any) => unknown} */ onPayload) => {
      seen = [];
      const hook = (/** @type {any} */ payload) => onPayload(shown = payload);
      await streamFn({})(model(), { ...ask('x'), systemPrompt: 'brief', tools }, { apiKey: 'K', maxTokens: 9, onPayload: hook }).result();
      return seen[0].body;
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
    answer = sse(chunk({ content: 'let me see' }), call(0, { id: 'a', function: { name: 'f', arguments: '{"x":' } }), call(1, { id: 'b', function: { name: 'g', arguments: '' } }),
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
    answer = sse(chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), DONE);
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
    answer = sse(chunk({ reasoning_content: 'hm' }), chunk({ content: 'yes' }), chunk({}, 'length'), DONE);
    const stream = streamFn({})(model(), ask('x'), { apiKey: 'K' });
    assert.deepEqual((await collect(stream)).map((e) => e.type), ['start', 'thinking_start', 'thinking_delta', 'thinking_end', 'text_start', 'text_delta', 'text_end', 'done']);
    assert.equal((await stream.result()).stopReason, 'length');
  });

  test('what the model says on its way to a call, or between thoughts, is no answer', async () => {
    const think = chunk({ reasoning_content: 'hm' });
    const call = chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] });
    const phases = async (/** @type {string[]} */ ...events) => {
      answer = sse(...events, DONE);
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
    answer = sse(signed(0, { thinking: 'hm' }), signed(0, { signature: 'first' }),
      signed(1, { thinking: 'so' }), signed(1, { signature: 'second' }),
      chunk({ tool_calls: [call] }), chunk({}, 'tool_calls'), DONE);
    const reply = await streamFn({})(model({ id: '@team/alias' }), ask('x'), { apiKey: 'K' }).result();
    assert.deepEqual(reply.content, [
      { type: 'thinking', thinking: 'hm', thinkingSignature: 'first' },
      { type: 'thinking', thinking: 'so', thinkingSignature: 'second' },
      { type: 'toolCall', id: 'a', name: 'f', arguments: {}, thoughtSignature: 'third' }]);

    seen = [];
    await streamFn({})(model({ id: '@team/alias' }), { messages: [...ask('x').messages, reply] }, { apiKey: 'K' }).result();
    const { content_blocks, tool_calls } = seen[0].body.messages[1];
    assert.deepEqual(content_blocks, [
      { type: 'thinking', thinking: 'hm', signature: 'first' }, { type: 'thinking', thinking: 'so', signature: 'second' }]);
    assert.equal(tool_calls[0].function.thought_signature, 'third');
  });

  test('tokens arrive as they come, while the event loop turns, and two streams do not wait for each other', async () => {
    // Each stream's next token is sent once the other's was read: what holds a token back, or waits for the other stream, hangs.
    /** @type {Record<string, (() => void)[]>} */ const turns = { one: [], two: [] };
    /** @type {string[]} */ const order = [];
    answer = async (_, res, body) => {
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
    answer = async (_, res, body) => {
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
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(); };
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
    const closed = Promise.withResolvers();
    answer = (_, res) => {
      res.once('close', closed.resolve);
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'x' }));
    };
    const onResponse = () => { throw new Error('the hook\'s own'); };
    const { stopReason, errorMessage, errorType } = await streamFn({})(model(), ask('x'), { apiKey: 'K', onResponse }).result();
    assert.deepEqual([stopReason, errorMessage, errorType], ['error', 'the hook\'s own', undefined]);
    await closed.promise;
  });

  test('a hook that takes long does not keep an abort waiting', { timeout: 30_000 }, async () => {
    const closed = Promise.withResolvers();
    answer = (_, res) => {
      res.once('close', closed.resolve);
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'x' }));
    };
    const controller = new AbortController();
    const waiting = Promise.withResolvers();
    const onResponse = () => {
      controller.abort();
      return waiting.promise;
    };
    const options = { apiKey: 'K', signal: controller.signal, onResponse };
    const { stopReason } = await streamFn({})(model(), ask('x'), options).result();
    assert.equal(stopReason, 'aborted');
    await closed.promise;
    waiting.resolve(undefined);
  });

  test('failures carry the component\'s message, and what OpenClaw needs to choose', async () => {
    answer = (_, res) => { res.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' }).end(JSON.stringify({ error: { message: 'Rate limit reached', code: 'slow_down' } })); };
    const limited = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
    assert.match(limited.errorMessage ?? '', /^429: .*Rate limit reached.*Retry-After: 3 seconds$/);
    assert.deepEqual([limited.stopReason, limited.errorType, limited.errorCode], ['error', 'rate-limited', 'slow_down']);

    answer = sse(chunk({ content: 'half' }));
    const cut = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
    assert.deepEqual([cut.stopReason, cut.errorType, cut.content], ['error', 'truncated', []]);

    answer = (_, res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'half' }), () => res.destroy()); };
    const broken = await streamFn({})(model(), ask('x'), { apiKey: 'K' }).result();
    assert.equal(broken.errorType, 'truncated');
    assert.match(broken.errorCode ?? '', /^(UND_ERR_SOCKET|ECONNRESET)$/, "OpenClaw tries again, by Node's code");

    const none = await streamFn({})(model(), ask('x'), {}).result();
    assert.match(none.errorMessage ?? '', /Portkey API key missing/);
    assert.equal(none.errorType, 'missing-credential');
  });

  test('a secret that the gateway sends back is masked, and other headers are not', async () => {
    answer = (req, res) => {
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
    answer = async (_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < 5; i++) { res.write(chunk({ content: `${i}` })); await sleep(10); }
      res.end(chunk({}, 'stop') + DONE);
    };
    const all = await Promise.all(Array.from({ length: 20 }, () => streamFn({})(model(), ask('x'), { apiKey: 'K' }).result()));
    for (const { content } of all) assert.deepEqual(content, [{ type: 'text', text: '01234' }]);
  });
});

describe('vectors, speech and transcripts', () => {
  /** @type {string | undefined} */ let key = 'K';
  const auth = { resolveApiKeyForProvider: async () => ({ apiKey: key }), isProviderApiKeyConfigured: () => true };
  const cfg = () => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1' } } } } });
  const json = (/** @type {object} */ value, status = 200) => (/** @type {unknown} */ _, /** @type {http.ServerResponse} */ res) => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

  test('vectors, in order, by the key in its own header', async () => {
    const adapter = embeddingProvider(() => auth);
    const options = { config: cfg(), model: 'portkey/@openai/text-embedding-3-large', dimensions: 2, queryInputType: 'q', documentInputType: 'd' };
    const { provider, runtime } = await adapter.create(options);
    assert.deepEqual([provider.id, provider.model, provider.dimensions], ['portkey', '@openai/text-embedding-3-large', 2]);
    assert.deepEqual(adapter.resolveIndexIdentity(options).cacheKeyData, runtime.cacheKeyData);
    assert.deepEqual(adapter.resolveIndexIdentity({ ...options, remote: { baseUrl: ' ' } }).cacheKeyData, runtime.cacheKeyData, 'a blank place is none');
    seen = [];
    answer = json({ data: [{ index: 1, embedding: [0.5, 0.25] }, { index: 0, embedding: Buffer.from(new Float32Array([1, -2]).buffer).toString('base64') }] });
    assert.deepEqual(await provider.embedBatch(['a', { text: 'b' }]), [[1, -2], [0.5, 0.25]]);
    answer = json({ data: [{ index: 0, embedding: [0.5, 0.25] }] });
    assert.deepEqual(await provider.embed('a', { inputType: 'query' }), [0.5, 0.25]);
    assert.deepEqual(await provider.embedBatch([]), []);
    assert.deepEqual(seen.map(({ url, body }) => [url, body]), [
      ['/v1/embeddings', { model: '@openai/text-embedding-3-large', input: ['a', 'b'], dimensions: 2, encoding_format: 'base64', input_type: 'd' }],
      ['/v1/embeddings', { model: '@openai/text-embedding-3-large', input: ['a'], dimensions: 2, encoding_format: 'base64', input_type: 'q' }]]);
    for (const { headers } of seen) assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config'], headers.authorization], ['K', 'pc-1', undefined]);
    answer = json({ data: [{ index: 0, embedding: [1] }] });
    await assert.rejects(provider.embedBatch(['a', 'b']), /1 vectors for 2 texts/);
    await assert.rejects(provider.embed(''), { type: 'invalid-request', message: /Text 1 is empty/ });
    const given = AbortSignal.abort(new Error('given up'));
    await assert.rejects(provider.embed('a', { signal: given }));
  });

  test('a memory search that has a place and a key of its own', async () => {
    const remote = { baseUrl: `${origin}/other/v1`, apiKey: 'R', headers: { 'x-portkey-trace-id': 'r' } };
    const { provider } = await embeddingProvider(() => auth).create({ config: {}, model: '', remote });
    seen = [];
    answer = json({ data: [{ embedding: [1] }] });
    await provider.embed('a');
    const [{ url, headers, body }] = seen;
    assert.deepEqual([url, headers['x-portkey-api-key'], headers['x-portkey-trace-id'], body.model], ['/other/v1/embeddings', 'R', 'r', 'text-embedding-3-small']);
  });

  test('what is the provider\'s goes to no other place: neither key nor headers, certificate or options', async () => {
    const own = { baseUrl: 'https://own.example/v1', headers: { 'x-portkey-config': 'pc-1', Authorization: 'Bearer upstream-secret' },
      request: { allowPrivateNetwork: true, headers: { 'x-gateway-token': 'gateway-secret' }, auth: { mode: 'header', headerName: 'x-auth', value: 'auth-secret' }, tls: { ca: 'ca', cert: 'c', key: 'tls-secret' } } };
    const config = { models: { providers: { portkey: own } }, plugins: { entries: { portkey: { config: { config: { api_key: 'inline-secret' } } } } } };
    const embed = async (/** @type {object} */ remote, /** @type {any} */ cfg = config) => {
      seen = [];
      answer = json({ data: [{ embedding: [1] }] });
      const { provider } = await embeddingProvider(() => auth).create({ config: cfg, model: '', remote });
      return provider.embed('a');
    };
    for (const baseUrl of [`${origin}/v1`, `${origin}`]) {
      await embed({ baseUrl, apiKey: 'R' });
      const [{ headers }] = seen;
      assert.equal(headers['x-portkey-api-key'], 'R');
      assert.doesNotMatch(JSON.stringify(headers), /secret|pc-1/);
      await embed({ baseUrl }).catch(() => {});
      for (const { headers: sent } of seen) assert.deepEqual([sent['x-portkey-api-key'], sent.authorization], [undefined, undefined]);
    }
    // the same place, in other words
    const here = { models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1' } } } } };
    for (const remote of [{}, { baseUrl: '' }, { baseUrl: ` ${origin}/v1/ ` }, { baseUrl: `${origin.toUpperCase().replace('HTTP', 'http')}/v1` }]) {
      await embed(remote, here);
      const [{ headers }] = seen;
      assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config']], ['K', 'pc-1'], JSON.stringify(remote));
    }
    for (const apiKey of ['${MEMORY_KEY}', { source: 'env', provider: 'default', id: 'MEMORY_KEY' }, 7]) {
      await assert.rejects(embed({ baseUrl: `${origin}/v1`, apiKey }, here), /memory\.search\.remote\.apiKey/, String(apiKey));
      assert.deepEqual(seen, []);
    }
  });

  test('speech, whole, in the format that is asked for', async () => {
    const provider = speechProvider(() => auth);
    const audio = Buffer.concat([Buffer.from('ID3'), Buffer.alloc(200_000, 7)]);
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg' }).end(audio); };
    seen = [];
    const ask = { text: 'Hi', cfg: cfg(), target: 'audio-file', timeoutMs: 60_000, providerConfig: {} };
    const spoken = await provider.synthesize(ask);
    assert.ok(spoken.audioBuffer.equals(audio));
    assert.deepEqual([spoken.outputFormat, spoken.fileExtension, spoken.voiceCompatible], ['mp3', '.mp3', false]);
    const providerConfig = provider.resolveConfig({ rawConfig: { providers: { portkey: { model: 'portkey/@openai/tts-1', voice: 'nova', speed: 1.5 } } } });
    const note = await provider.synthesize({ ...ask, target: 'voice-note', providerConfig, providerOverrides: { voice: 'ash' } });
    assert.deepEqual([note.outputFormat, note.fileExtension, note.voiceCompatible], ['opus', '.opus', true]);
    assert.deepEqual(seen.map(({ body }) => body), [
      { model: 'gpt-4o-mini-tts', input: 'Hi', voice: 'alloy', response_format: 'mp3' },
      { model: '@openai/tts-1', input: 'Hi', voice: 'ash', response_format: 'opus', speed: 1.5 }]);
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '1000' }).write('ID3'); setTimeout(() => res.destroy(), 20); };
    await assert.rejects(provider.synthesize(ask), { type: 'transport' });
    answer = json({ error: { message: 'no voice for K-is-a-key' } }, 400);
    key = 'K-is-a-key';
    await assert.rejects(provider.synthesize(ask), (/** @type {Error} */ error) => /no voice for/.test(error.message) && !error.message.includes('K-is-a-key'));
    key = 'K';
  });

  test('speech and recordings go to the place that OpenClaw\'s file names, or nowhere', async () => {
    const provider = speechProvider(() => auth);
    const elsewhere = { models: { providers: { portkey: { baseUrl: 'https://own.example/v1', headers: { 'x-portkey-config': 'pc-1' } } } } };
    const say = (/** @type {object} */ providerConfig) => provider.synthesize({ text: 'Hi.', cfg: elsewhere, providerConfig, target: 'audio-file' });
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg' }).end('ID3'); };
    seen = [];
    await say({ baseUrl: `${origin}/v1`, apiKey: 'T' });
    const [{ headers }] = seen;
    assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config']], ['T', undefined]);
    await assert.rejects(say({ baseUrl: `${origin}/v1`, apiKey: { source: 'env', provider: 'default', id: 'T' } }), /nothing has resolved/);
    const heard = { buffer: Buffer.from('OggS...'), timeoutMs: 60_000, cfg: cfg() };
    const refused = await mediaProvider(() => auth).transcribeAudioWithContext({ ...heard, baseUrl: `${origin}/other/v1` });
    assert.match(refused.error.message, /tools\.media/);
    assert.equal(seen.length, 1);
    answer = json({ text: 'Hi.' });
    assert.equal((await mediaProvider(() => auth).transcribeAudioWithContext({ ...heard, baseUrl: `${origin}/v1/` })).ok, true);
  });

  test('a transcript; without a key another provider may be asked', async () => {
    const provider = mediaProvider(() => auth);
    const ask = { buffer: Buffer.from('OggS...'), mime: 'audio/ogg', model: '@openai/whisper-1', language: 'de', timeoutMs: 60_000, cfg: cfg() };
    answer = json({ text: 'Guten Tag.' });
    seen = [];
    assert.deepEqual(await provider.transcribeAudioWithContext(ask), { ok: true, value: { text: 'Guten Tag.', model: '@openai/whisper-1' } });
    const [{ url, headers, body }] = seen;
    assert.deepEqual([url, headers['x-portkey-provider'], headers['x-portkey-api-key'], headers.authorization], ['/v1/audio/transcriptions', '@openai', 'K', undefined]);
    for (const part of ['name="model"\r\n\r\nwhisper-1\r\n', 'name="language"\r\n\r\nde\r\n', 'filename="audio.ogg"']) assert.ok(body.includes(part), part);
    answer = json({ error: { message: 'busy' } }, 503);
    await assert.rejects(provider.transcribeAudioWithContext(ask), { type: 'overloaded' });
    seen = [];
    key = undefined;
    const { ok, error } = await provider.transcribeAudioWithContext(ask);
    key = 'K';
    assert.deepEqual([ok, error.type, seen.length], [false, 'missing-credential', 0]);
  });
});

describe('images', () => {
  const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  const auth = { resolveApiKeyForProvider: async () => ({ apiKey: 'K' }), isProviderApiKeyConfigured: () => true };
  const cfg = () => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1', Authorization: 'Bearer sk' } } } } });
  const provider = imageProvider(() => auth);

  test('what OpenClaw is told', () => {
    assert.deepEqual([provider.id, provider.label, provider.defaultModel], ['portkey', 'Portkey', 'gpt-image-2']);
    for (const size of ['1024x1024', '2048x2048', '3840x2160']) assert.ok(provider.capabilities.geometry.sizes.includes(size));
    assert.deepEqual([provider.capabilities.edit.enabled, provider.capabilities.edit.maxInputImages, provider.capabilities.generate.maxCount], [true, 5, 4]);
  });

  test('generate: inline and by URL', async () => {
    answer = (req, res) => {
      if (req.method === 'GET') return res.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: [{ b64_json: PNG.toString('base64'), revised_prompt: 'a big lobster' }, { url: `${origin}/made.png` }] }));
    };
    seen = [];
    const { images, model: drew } = await provider.generateImage({ prompt: 'lobster', count: 2, size: '3840x2160', model: 'gpt-image-2', cfg: cfg() });
    assert.equal(drew, 'gpt-image-2');
    assert.deepEqual(images.map((/** @type {any} */ i) => [i.buffer.equals(PNG), i.mimeType, i.fileName, i.revisedPrompt]), [[true, 'image/png', 'image-1.png', 'a big lobster'], [true, 'image/png', 'image-2.png', undefined]]);
    assert.deepEqual(seen[0].body, { model: 'gpt-image-2', prompt: 'lobster', n: 2, size: '3840x2160' });
    assert.deepEqual([seen[0].headers['x-portkey-api-key'], seen[0].headers['x-portkey-config'], seen[0].headers.authorization], ['K', 'pc-1', 'Bearer sk']);
    assert.deepEqual([seen[1].headers['x-portkey-api-key'], seen[1].headers.authorization], [undefined, undefined]);
  });

  const downloaded = (/** @type {(res: http.ServerResponse) => unknown} */ send) => {
    answer = (req, res) => {
      if (req.method === 'GET') return send(res);
      const body = JSON.stringify({ data: [{ url: `${origin}/made?signature=s3cret` }] });
      res.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
    return provider.generateImage({ prompt: 'x', cfg: cfg() });
  };

  test('an image is known by how it begins, and its file named so, whatever is said of it', async () => {
    const starts = {
      'image/png': PNG, 'image/jpeg': '\xff\xd8\xff\xe0', 'image/gif': 'GIF89a', 'image/webp': 'RIFF\n\0\0\0WEBPVP8 ',
    };
    for (const [type, start] of Object.entries(starts)) {
      const data = Buffer.from(/** @type {string} */ (start), 'latin1');
      for (const headers of [{ 'content-type': 'application/octet-stream' }, { 'content-type': 'image/x-icon' }, {}]) {
        const { images } = await downloaded((res) => res.writeHead(200, headers).end(data));
        assert.deepEqual([images[0].mimeType, images[0].buffer.equals(data)], [type, true]);
        assert.match(images[0].fileName, /^image-1\.(png|jpg|gif|webp)$/);
      }
    }
    await assert.rejects(downloaded((res) => res.writeHead(200, { 'content-type': 'image/png' }).end('#!/bin/sh')), /is no image/);
    await assert.rejects(downloaded((res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>')),
      { message: `The image at ${origin} is no image: its type is text/html` });
  });

  test('a download follows five redirects, and none further', async () => {
    const body = JSON.stringify({ data: [{ url: `${origin}/hop/0` }] });
    const hops = (/** @type {number} */ most) => {
      seen = [];
      answer = (req, res) => {
        const hop = Number(/^\/hop\/(\d)$/.exec(req.url ?? '')?.[1] ?? -1);
        if (hop < 0) res.writeHead(200, { 'content-type': 'application/json' }).end(body);
        else if (hop < most) res.writeHead(302, { location: `/hop/${hop + 1}` }).end();
        else res.writeHead(200, { 'content-type': 'image/png' }).end(PNG);
      };
      return provider.generateImage({ prompt: 'x', cfg: cfg() });
    };
    const { images } = await hops(5);
    assert.ok(images[0].buffer.equals(PNG));
    const [, ...downloads] = seen;
    assert.equal(downloads.length, 6);
    for (const { headers } of downloads) assert.deepEqual([headers['x-portkey-api-key'], headers.authorization], [undefined, undefined]);
    await assert.rejects(hops(6), /Too many redirects/);
  });

  test('a download is read up to its limit only', { timeout: 20_000 }, async () => {
    let sent = 0;
    const closed = Promise.withResolvers();
    const endless = (/** @type {http.ServerResponse} */ res) => {
      res.once('close', closed.resolve);
      const piece = Buffer.alloc(1 << 20);
      const more = () => {
        while (!res.destroyed && res.write(piece)) sent++;
        sent++;
      };
      res.on('drain', more).writeHead(200, { 'content-type': 'image/png' });
      more();
    };
    await assert.rejects(downloaded(endless), /is larger than 52428800 bytes/);
    await closed.promise;
    assert.ok(sent >= 50 && sent < 80, `${sent} MiB sent`);
  });

  test('edit is multipart', async () => {
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: [{ b64_json: PNG.toString('base64') }] })); };
    seen = [];
    await provider.generateImage({ prompt: 'blue', cfg: cfg(), inputImages: [{ buffer: PNG, mimeType: 'image/png' }] });
    assert.equal(seen[0].url, '/v1/images/edits');
    assert.match(seen[0].headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
    assert.ok(seen[0].body.includes(PNG.toString('latin1')));
  });

  test('no key', async () => {
    const without = imageProvider(() => ({ ...auth, resolveApiKeyForProvider: async () => { throw new Error('none'); } }));
    await assert.rejects(without.generateImage({ prompt: 'x', cfg: cfg() }), /Portkey API key missing/);
  });

  test('a refusal', async () => {
    answer = (_, res) => { res.writeHead(412, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'failure', message: 'Portkey API Key Usage Limit Exceeded', error: { message: 'Portkey API Key Usage Limit Exceeded', code: '04' } })); };
    await assert.rejects(provider.generateImage({ prompt: 'x', cfg: cfg() }), (/** @type {any} */ error) => /Usage Limit/.test(error.message) && error.status === 412 && error.type === 'quota-exceeded');
  });
});

describe('models', () => {
  const context = (extra = {}) => ({ config: { models: { providers: { portkey: { baseUrl: `${origin}/v1` } } } }, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: 'K' }), ...extra });
  const warnings = /** @type {string[]} */ ([]);
  const logger = { warn: (/** @type {string} */ message) => { warnings.push(message); } };

  test('the catalog is what GET /models gives', async () => {
    answer = (_, res) => { res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ id: '@openai/gpt' }, { id: '@anthropic/claude-sonnet-4-5' }] })); };
    seen = [];
    const { provider: found, outcomes } = await runCatalog(context(), logger);
    assert.deepEqual(found.models.map((/** @type {any} */ m) => m.id), ['@openai/gpt', '@anthropic/claude-sonnet-4-5']);
    assert.deepEqual([found.apiKey, found.baseUrl, found.models[1].name], ['PORTKEY_API_KEY', `${origin}/v1`, 'Claude Sonnet 4.5']);
    assert.equal(outcomes[0].status, 'ready');
    assert.equal(seen[0].headers['x-portkey-api-key'], 'K');
  });

  test('none without a key, or when another provider is asked for', async () => {
    assert.equal(await runCatalog(context({ resolveProviderApiKey: () => ({}) }), logger), null);
    assert.equal(await runCatalog(context({ providerIds: ['openai'] }), logger), null);
  });

  test('a refused key is said so', async () => {
    answer = (_, res) => { res.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'failure', message: 'Invalid API Key' })); };
    const { outcomes } = await runCatalog(context(), logger);
    assert.equal(outcomes[0].status, 'auth-rejected');
    assert.match(warnings.at(-1) ?? '', /Invalid API Key/);
  });

  test('any id can be used', () => {
    // as `openclaw onboard` writes the default model where it asked for the key
    assert.equal(resolveDynamicModel({ modelId: '@groq/x@portkey:setup-5f418e0e', config: {} }), undefined);
    const { id, provider: name, api, baseUrl } = resolveDynamicModel({ modelId: '@groq/x', config: { models: { providers: { portkey: { baseUrl: 'http://h/v1/' } } } } });
    assert.deepEqual({ id, name, api, baseUrl }, { id: '@groq/x', name: 'portkey', api: 'openai-completions', baseUrl: 'http://h/v1' });
  });
});

test('TLS with a server that speaks none is said to be just that', async (t) => {
  const server = http.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const baseUrl = `https://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/v1`;
  const provider = speechProvider(() => ({ resolveApiKeyForProvider: async () => ({ apiKey: 'K' }), isProviderApiKeyConfigured: () => true }));
  const asked = { text: 'a', target: 'audio-file', providerConfig: {}, cfg: { models: { providers: { portkey: { baseUrl } } } } };
  await assert.rejects(provider.synthesize(asked), /The TLS connection to the gateway failed.*https is right/s);
});

test('speech is configured by any key: its own, the provider\'s, or one in the store', () => {
  let isSet = false;
  const { isConfigured } = speechProvider(() => /** @type {any} */ ({ isProviderApiKeyConfigured: () => isSet }));
  const stored = { auth: { profiles: { 'portkey:default': { provider: 'portkey', mode: 'api_key' } } } };
  assert.equal(isConfigured({ cfg: {}, providerConfig: {} }), false);
  assert.equal(isConfigured({ cfg: { auth: { profiles: { a: { provider: 'openai' } } } } }), false);
  assert.equal(isConfigured({ cfg: stored, providerConfig: {} }), true);
  assert.equal(isConfigured({ cfg: {}, providerConfig: { apiKey: 'pk-own' } }), true);
  isSet = true;
  assert.equal(isConfigured({ cfg: {} }), true);
});

describe('what is known of a model', () => {
  /** As OpenClaw resolves it where the user wrote `row`. */
  const resolved = (/** @type {any} */ row, /** @type {any} */ plugin = {}) => {
    const portkey = { models: [row] };
    const read = { models: { providers: { portkey } }, plugins: { entries: { portkey: { config: plugin } } } };
    const model = { name: 'n', reasoning: false, input: ['text'], contextWindow: 200_000, maxTokens: 8192, ...row };
    return normalizeResolvedModel({ config: read, model }, () => read);
  };

  /** @type {[id: string, expected: Record<string, unknown>][]} */
  const KNOWN = [
    ['@anthropic/claude-sonnet-4-5', { reasoning: true, maxTokens: 64_000, cacheControlFormat: 'anthropic', maxTokensField: 'max_tokens', supportsReasoningEffort: true }],
    ['@bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0', { reasoning: true, cacheControlFormat: 'anthropic' }],
    ['@openai/gpt-5.2', { reasoning: true, contextWindow: 400_000, maxTokens: 128_000, supportsPromptCacheKey: true, maxTokensField: 'max_completion_tokens' }],
    ['@openai/gpt-4o', { reasoning: false, maxTokens: 16_384, supportsReasoningEffort: undefined }],
    ['@google/gemini-2.5-pro', { reasoning: true, cacheControlFormat: undefined, supportsReasoningEffort: true }],
    ['@openrouter/anthropic/claude-sonnet-4.6', { thinkingFormat: 'openrouter' }],
    ['@moonshot/kimi-k2.5', { reasoning: true, supportsReasoningEffort: undefined }],
    ['@team/prod', { reasoning: false, input: ['text'], contextWindow: 200_000, maxTokens: 8192, compat: undefined }],
  ];
  for (const [id, expected] of KNOWN) {
    test(id, () => {
      const model = resolved({ id });
      const shown = { ...model, ...model.compat };
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, shown[name]])), expected);
    });
  }

  test('thinking levels that the model has not are not offered', () => {
    const { low, high, xhigh, max } = resolved({ id: '@anthropic/claude-sonnet-4-5' }).thinkingLevelMap;
    assert.deepEqual({ low, high, xhigh, max }, { low: 'low', high: 'high', xhigh: null, max: null });
  });

  test('and those that it has are, of a model that OpenClaw knows nothing of', () => {
    const usual = ['off', 'minimal', 'low', 'medium', 'high'];
    const levels = (/** @type {any} */ context, options = {}, /** @type {any[]} */ models = []) => {
      const source = () => ({ models: { providers: { portkey: { models } } }, plugins: { entries: { portkey: { config: options } } } });
      return resolveThinkingProfile(context, source)?.levels.map(({ id }) => id);
    };
    for (const [modelId, expected] of /** @type {[string, string[] | undefined][]} */ ([
      ['@openai/gpt-5', usual],
      ['@openai/gpt-5.2', [...usual, 'xhigh']],
      ['@anthropic/claude-sonnet-4-5', usual],
      ['@anthropic/claude-opus-4-6', [...usual, 'max', 'adaptive']],
      ['@openai/gpt-4o', ['off']],
      ['@team/prod', undefined],
    ])) assert.deepEqual(levels({ modelId }), expected, modelId);
    assert.deepEqual(levels({ modelId: '@team/prod' }, { modelFamilies: { '@team/prod': 'gpt-5.2' } }), [...usual, 'xhigh']);
    // Of a row that says nothing of it, OpenClaw says that it does not think.
    const modelId = '@anthropic/claude-opus-4-6';
    assert.deepEqual(levels({ modelId, reasoning: false }, {}, [{ id: modelId, name: 'Opus' }]), [...usual, 'max', 'adaptive']);
    assert.equal(levels({ modelId, reasoning: false }, {}, [{ id: modelId, reasoning: false }]), undefined, 'what the user says wins');
    assert.equal(levels({ modelId, reasoning: true, compat: { supportedReasoningEfforts: ['low'] } }), undefined);
  });

  // OpenClaw takes the /v1 off for `anthropic-messages`.
  test('is asked in the gateway\'s one API, at the base URL as it is written', () => {
    const read = { models: { providers: { portkey: { api: 'anthropic-messages', baseUrl: 'http://h/v1/', models: [{ id: 'own', baseUrl: 'http://o/v1' }] } } } };
    const way = (/** @type {any} */ model) => {
      const { api, baseUrl } = normalizeResolvedModel({ config: read, model: { name: 'n', ...model } }, () => read);
      return { api, baseUrl };
    };
    assert.deepEqual(way({ id: 'm', api: 'anthropic-messages', baseUrl: 'http://h' }), { api: 'openai-completions', baseUrl: 'http://h/v1' });
    assert.deepEqual(way({ id: 'own', api: 'openai-responses', baseUrl: 'http://o/v1' }), { api: 'openai-completions', baseUrl: 'http://o/v1' });
    assert.deepEqual(way({ id: 'm', api: 'openai-completions', baseUrl: 'http://x/v1' }), { api: 'openai-completions', baseUrl: 'http://x/v1' });
  });

  test('what the user wrote wins', () => {
    const id = '@anthropic/claude-sonnet-4-5';
    const row = { id, reasoning: false, input: ['text'], contextWindow: 50_000, compat: { maxTokensField: 'max_completion_tokens' } };
    const { reasoning, input, contextWindow, maxTokens, compat } = resolved(row);
    assert.deepEqual({ reasoning, input, contextWindow }, { reasoning: false, input: ['text'], contextWindow: 50_000 });
    assert.equal(maxTokens, 50_000, 'no answer is longer than the window');
    assert.deepEqual([compat.maxTokensField, compat.cacheControlFormat], ['max_completion_tokens', 'anthropic']);
    assert.equal(resolved({ id, compat: { supportedReasoningEfforts: ['max'] } }).thinkingLevelMap, undefined);
  });

  test('an alias is the model that the user says it stands for', () => {
    const families = { modelFamilies: { '@team/prod': 'claude-sonnet-4-5' } };
    assert.equal(resolved({ id: '@team/prod' }, families).compat.cacheControlFormat, 'anthropic');
    const config = { plugins: { entries: { portkey: { config: families } } } };
    assert.deepEqual([isCacheTtlEligible({ modelId: '@team/prod', config }), isCacheTtlEligible({ modelId: '@team/prod' })], [true, false]);
  });

  test('an alias that stands for no text stands for itself, until the configuration is mended', () => {
    for (const family of [7, true, null, ['gpt-5.2'], { id: 'gpt-5.2' }]) {
      const config = { plugins: { entries: { portkey: { config: { modelFamilies: { '@openai/gpt-5.2': family } } } } } };
      assert.equal(describeModel('@openai/gpt-5.2', config).contextWindow, 400_000);
      assert.equal(buildReplayPolicy({ modelId: '@openai/gpt-5.2', config }).appendOnlyRuntimeContext, false);
    }
  });

  test('so is one that no catalog holds', () => {
    const { contextWindow, maxTokens, compat } = describeModel('@openai/gpt-5.2');
    assert.deepEqual([contextWindow, maxTokens, compat.supportsPromptCacheKey], [400_000, 128_000, true]);
  });
});

describe('configuration', () => {
  test('the merge keeps secrets out of the component and in the configuration', (t) => {
    const { mock } = t.mock.method(onboarding, 'applyConfig');
    const custom = {
      id: 'custom-model', headers: { 'X-Any': 'hidden-header' }, params: { key: 'hidden-param' }, request: { a: 'hidden-auth' },
    };
    const config = {
      theme: 1,
      models: { mode: 'replace', providers: { other: { apiKey: 'hidden-other' }, ' Portkey': { baseUrl: ' http://h/v1 ', apiKey: '  hidden-key  ', headers: { Authorization: { source: 'env', id: 'hidden-id' }, 'X-Team': 'hidden-team', 'x-portkey-config': 'pc' }, request: { tls: { ca: 'hidden-ca' } }, models: [custom, 'plain'] } } },
      agents: { defaults: { model: 'other/x', workspace: '/w' }, list: [1] },
    };
    const before = structuredClone(config);
    const merged = merge('applyConfig', config);
    assert.deepEqual(config, before);
    assert.deepEqual(Object.keys(merged.models.providers).sort(), ['other', 'portkey']);
    const { models, ...portkey } = merged.models.providers.portkey;
    assert.deepEqual(portkey, { baseUrl: 'http://h/v1', apiKey: 'hidden-key', api: 'openai-completions', headers: config.models.providers[' Portkey'].headers, request: { tls: { ca: 'hidden-ca' } } });
    assert.deepEqual([models[0], models[1], models[2].id], [custom, 'plain', '@anthropic/claude-sonnet-4-5']);
    assert.equal(mock.callCount(), 1);
    const [shown] = mock.calls[0].arguments;
    assert.match(shown, /"custom-model"/);
    assert.doesNotMatch(shown, /hidden/);
    assert.deepEqual([merged.theme, merged.models.mode, merged.agents.list, merged.agents.defaults.model, merged.agents.defaults.workspace], [1, 'replace', [1], 'other/x', '/w']);
  });

  test('the component is told of no header that may hold a secret', () => {
    const headers = { 'X-Portkey-Trace-Id': 't', 'x-portkey-virtual-key': 'vk', 'x-portkey-aws-secret-access-key': 's', Authorization: 'Bearer u', 'x-portkey-api-key': 'mine' };
    const { connection, attached, reserved } = connect({ config: {}, apiKey: undefined, headers });
    assert.deepEqual(connection.headers.map(([name]) => name).sort(), ['x-portkey-strict-open-ai-compliance', 'x-portkey-trace-id']);
    const held = ['authorization', 'x-portkey-api-key', 'x-portkey-aws-secret-access-key', 'x-portkey-virtual-key'];
    assert.ok(held.every((name) => reserved.includes(name)));
    const sent = new Headers();
    for (const [name, value] of attached) sent.set(name, value);
    assert.deepEqual([...sent].map(([name]) => name), held);
  });

  test('what is secret is known by the name of its header', () => {
    const request = { auth: { mode: 'header', headerName: 'X-Corp', value: 'corporate' } };
    const { secrets } = connect({
      config: { models: { providers: { portkey: { request } } } },
      apiKey: 'pk-secret',
      headers: {
        'X-Title': 'OpenClaw assistant', 'X-Monkey': 'business', 'X-Keyboard': 'qwerty',
        Authorization: 'Bearer sk-secret', x_client_secret: 'one two', 'X-Passphrase': 'sesame',
      },
      extra: { 'X-Auth-Token': 'per-call', traceparent: '00-abc' },
    });
    assert.deepEqual(secrets, ['sk-secret', 'one', 'two', 'sesame', 'per-call', 'pk-secret', 'corporate']);
  });

  test('of a secret in JSON, the long texts, and those that are named like secrets', () => {
    const account = JSON.stringify({
      type: 'service_account', password: 'hunter22', id: 1, list: [null, 'a@b.iam.gserviceaccount.com'],
      private_key: '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n',
    });
    const { secrets } = connect({ config: {}, apiKey: 'K', headers: { 'x-portkey-vertex-service-account-json': account } });
    assert.deepEqual(secrets, ['hunter22', 'a@b.iam.gserviceaccount.com', '-----BEGIN PRIVATE KEY-----', 'MIIEvQIBADANBgkqhkiG', 'K']);
  });

  test('what is set for a call wins over the configuration, and the key over both', () => {
    const headers = { 'X-Foo': 'configured', 'x-portkey-api-key': 'mine' };
    const extra = { 'x-foo': 'call', 'X-Portkey-API-Key': 'other' };
    const { attached } = connect({ config: {}, apiKey: 'K', headers, extra });
    const sent = new Headers();
    for (const [name, value] of attached) sent.set(name, value);
    assert.deepEqual([...sent], [['x-foo', 'call'], ['x-portkey-api-key', 'K']]);
  });

  const inline = { targets: [{ provider: 'openai', api_key: 'sk-inline-1' }, { virtual_key: 'vk-inline-2', custom_host: 'https://é.example/v1' }] };
  const optional = (/** @type {any} */ options, headers = {}) => connect({
    config: { plugins: { entries: { portkey: { config: options } } } }, apiKey: 'pk-secret', headers });

  test('a key inside an inline config is sealed, attached and masked, wherever the config is', (t) => {
    const { mock } = t.mock.method(onboarding, 'resolveConnection');
    for (const from of [
      () => optional({ config: inline }), () => optional({ config: JSON.stringify(inline) }),
      () => optional({}, { 'X-Portkey-Config': JSON.stringify(inline, null, 1) }),
    ]) {
      const { connection, filled, attached, mark, secrets } = from();
      assert.doesNotMatch(JSON.stringify(connection) + mock.calls.at(-1)?.arguments[0], /inline-/);
      const hidden = { targets: [{ provider: 'openai', api_key: `${mark}1` }, { virtual_key: `${mark}2`, custom_host: 'https://é.example/v1' }] };
      const [[name, shown]] = connection.headers;
      assert.deepEqual([name, JSON.parse(shown)], ['x-portkey-config', hidden]);
      assert.deepEqual(filled.map((/** @type {any} */ one) => [one.name, one.shown, JSON.parse(one.real)]), [[name, shown, inline]]);
      assert.match(filled[0].real, /^[\x20-\x7e]+$/);
      assert.deepEqual(attached, [['x-portkey-api-key', 'pk-secret']]);
      assert.deepEqual(secrets.sort(), ['pk-secret', 'sk-inline-1', 'vk-inline-2']);
    }
    const { filled } = optional({ config: { api_key: 'from-option' } }, { 'x-portkey-config': '{"api_key":"from-header"}' });
    assert.deepEqual(filled.map(({ real }) => real), ['{"api_key":"from-header"}']);
  });

  test('a config without a secret is the component\'s to read', () => {
    const { connection, filled } = optional({ config: { retry: { attempts: 3 } }, virtualKey: 'vk-option' });
    assert.deepEqual(connection.headers[0], ['x-portkey-config', '{"retry":{"attempts":3}}']);
    assert.deepEqual(filled.map(({ name, real }) => [name, real]), [['x-portkey-virtual-key', 'vk-option']]);
  });

  test('a secret within JSON goes out where it belongs and comes back masked', async () => {
    answer = (req, res) => {
      const content = `${req.headers['x-portkey-config']}`;
      sse(chunk({ content }), chunk({}, 'stop'), DONE)(req, res);
    };
    seen = [];
    const config = { plugins: { entries: { portkey: { config: { config: inline } } } } };
    const { content } = await streamFn(config)(model(), ask('x'), { apiKey: 'pk-secret' }).result();
    assert.deepEqual(JSON.parse(/** @type {string} */ (seen[0].headers['x-portkey-config'])), inline);
    assert.match(/** @type {any} */ (content[0]).text, /"api_key":"\*{11}".*"virtual_key":"\*{11}"/);
  });

  test('a reference that nothing resolved is refused, and not left out in silence', () => {
    for (const value of ['${MY_CONFIG}', { api_key: '${MY_CONFIG}' }, ['x', '${MY_CONFIG}']]) {
      assert.throws(() => optional({ config: value }), { type: 'invalid-config', message: /config\.config refers to \$\{MY_CONFIG\}/ });
    }
  });

  test('where the key goes is what the configuration says, whatever the component makes of it', (t) => {
    const at = (/** @type {any} */ baseUrl) => connect({ config: { models: { providers: { portkey: { baseUrl } } } }, apiKey: 'K', headers: {} });
    const { resolveConnection: resolve } = onboarding;
    for (const elsewhere of ['https://elsewhere.example/v1', 'http://api.portkey.ai/v1', 'https://api.portkey.ai:8443/v1', 'https://api.portkey.ai.elsewhere.example', '']) {
      t.mock.method(onboarding, 'resolveConnection', (/** @type {any} */ json, /** @type {any} */ held) => ({ ...resolve(json, held), baseUrl: elsewhere }));
      assert.throws(() => at(`https://api.portkey.ai/${elsewhere}`), { type: 'invalid-config' });
      t.mock.restoreAll();
    }
    assert.equal(at(' HTTPS://API.Portkey.AI:443/v1/ ').origin, 'https://api.portkey.ai');
    assert.throws(() => at('https://user:hunter22@api.portkey.ai/v1'), (/** @type {any} */ error) => !error.message.includes('hunter22'));
  });

  test('of entries in different case the one that is spelled so is called', () => {
    const at = (/** @type {string} */ host) => ({ baseUrl: `http://${host}/v1` });
    const origin = (/** @type {any} */ providers) => connect({ config: { models: { providers } }, apiKey: 'K', headers: {} }).origin;
    assert.equal(origin({ PORTKEY: at('a'), portkey: at('b'), Portkey: at('c') }), 'http://b');
    assert.equal(origin({ PORTKEY: at('a'), Portkey: at('c') }), 'http://a');
  });

  test('the options of the plugin become headers', () => {
    const { connection } = connect({ config: { plugins: { entries: { portkey: { config: { provider: '@mine', metadata: { _user: 'é' } } } } } }, apiKey: 'K', headers: {} });
    assert.deepEqual(connection.headers.slice(0, 2), [['x-portkey-provider', '@mine'], ['x-portkey-metadata', '{"_user":"\\u00e9"}']]);
  });
});

describe('instances', () => {
  const nowhere = { origin: '', fetch, attached: [], reserved: [] };
  /** @type {import('../component/interfaces/openclaw-provider-chat.js').Request} */
  const request = {
    ask: { tag: 'prompt', val: { model: 'm', messages: [{ tag: 'user', val: [{ tag: 'text', val: 'x' }] }], tools: [], stop: [] } },
    promptCache: undefined,
  };

  test('each call has one of its own', async () => {
    const instances = [];
    for (let i = 0; i < 3; i++) instances.push(await use(nowhere, async (provider) => provider));
    assert.equal(new Set(instances).size, 3);
    assert.equal(new Set(instances.map(({ chat }) => chat)).size, 3);
  });

  test('what a call leaves open is ended with it', { timeout: 30_000 }, async () => {
    const closed = Promise.withResolvers();
    answer = (_, res) => {
      res.once('close', closed.resolve);
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'x' }));
    };
    const { connection, ...egress } = connect({ config: {}, apiKey: 'K', headers: {}, baseUrl: `${origin}/v1` });
    await use({ ...egress, fetch }, async ({ chat }) => { await (await chat.stream(connection, request)).next(); });
    await closed.promise;
  });

  test('a call that goes on for ever is ended', { timeout: 30_000 }, async () => {
    answer = (_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => res.write(chunk({ content: 'on ' })), 5);
      res.once('close', () => clearInterval(timer));
    };
    const { connection, ...egress } = connect({ config: {}, apiKey: 'K', headers: {}, baseUrl: `${origin}/v1` });
    await assert.rejects(use({ ...egress, fetch, limits: { call: 200 } }, async ({ chat }) => {
      for (const stream = await chat.stream(connection, request); ;) await stream.next();
    }), /longer than 0.2 s as a whole/);
  });
});

test('the component can have 512 MiB of memory, and no more', () => {
  const modules = coreModules(new Uint8Array(readFileSync(new URL('../component/portkey-provider.wasm', import.meta.url))));
  /** @type {WebAssembly.Memory[]} */ const memories = [];
  const imports = /** @type {any} */ ({ ...wasiHttp().imports, handed: new TextDecoder() });
  instantiate((path) => new WebAssembly.Module(modules[Number(/core(\d*)\.wasm$/.exec(path)?.[1] || 1) - 1]), imports, (module, given) => {
    const instance = new WebAssembly.Instance(module, given);
    memories.push(...Object.values(instance.exports).filter((one) => one instanceof WebAssembly.Memory));
    return instance;
  });
  assert.equal(new Set(memories).size, 1);
  const [memory] = memories;
  const pages = 512 * 2 ** 20 / 65536;
  assert.throws(() => memory.grow(pages - memory.buffer.byteLength / 65536 + 1), RangeError);
  memory.grow(pages - memory.buffer.byteLength / 65536);
});

test('the core modules are cut out of the component file', () => {
  const modules = coreModules(new Uint8Array(readFileSync(new URL('../component/portkey-provider.wasm', import.meta.url))));
  assert.ok(modules.length >= 1);
  for (const bytes of modules) assert.ok(WebAssembly.validate(bytes));
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
