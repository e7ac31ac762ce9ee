/** The gateway on `wasmtime serve`, used by the official OpenAI clients: before a stand-in for the hosted service, and before the real Portkey gateway. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import OpenAI, { toFile } from 'openai';
import { KEY, TOKEN, startPortkey, startStub, startWasmtime, stopAll, target } from './servers.mjs';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const MODEL = '@openai/gpt-5-mini';
const ask = (content, model = MODEL) => ({ model, messages: [{ role: /** @type {const} */ ('user'), content }] });
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tool = (name) => ({ type: /** @type {const} */ ('function'), function: { name, parameters: city } });

let stub, upstream, hosted, real, settings;
/** @type {OpenAI} */ let client;
/** @type {OpenAI} */ let behind;

before(async () => {
  [stub, upstream] = await Promise.all([
    startStub('--token-delay', '0', '--require', `x-portkey-api-key: ${KEY}`),
    startStub('--token-delay', '0', '--upstream'),
  ]);
  const config = { provider: 'openai', api_key: 'sk-test', custom_host: upstream.url };
  settings = { GATEWAY_TOKEN: TOKEN, GATEWAY_BASE_URL: stub.url, CREDENTIAL_X_PORTKEY_API_KEY: KEY };
  hosted = await startWasmtime(settings);
  real = await startWasmtime({ ...settings, GATEWAY_BASE_URL: await startPortkey(), GATEWAY_HEADERS: JSON.stringify({ 'x-portkey-config': JSON.stringify(config) }) });
  client = new OpenAI({ baseURL: hosted.url, apiKey: TOKEN, maxRetries: 0 });
  behind = new OpenAI({ baseURL: real.url, apiKey: TOKEN, maxRetries: 0 });
});
after(stopAll);

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

/** A request as no client makes it. */
function raw(url, { headers = {}, body = '', ...options } = {}) {
  const length = headers['transfer-encoding'] ? {} : { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { headers: { ...length, ...headers }, ...options }, async (response) => {
      let text = '';
      for await (const piece of response.setEncoding('utf8')) text += piece;
      resolve({ status: response.statusCode, headers: response.headers, json: JSON.parse(text) });
    });
    request.on('error', reject).end(body);
  });
}

const post = (url, headers = {}, body = JSON.stringify(ask('hello'))) =>
  raw(`${url}/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

for (const [name, of] of [['the hosted service', () => client], ['the real Portkey gateway', () => behind]]) {
  test(`vectors, speech and transcripts through ${name}`, async () => {
    const input = ['ships in the harbour', 'the harbour and its ships', 'a cake with cherries'];
    // In base64, as the client asks for where nothing is said.
    const inBase64 = await of().embeddings.create({ model: 'text-embedding-3-small', input });
    const { data, usage } = await of().embeddings.create({ model: 'text-embedding-3-small', input, encoding_format: 'float' });
    assert.deepEqual(data.map(({ index, embedding }) => [index, embedding.length]), [[0, 1536], [1, 1536], [2, 1536]]);
    assert.ok(usage.prompt_tokens > 0 && usage.total_tokens === usage.prompt_tokens);
    assert.deepEqual(inBase64.data.map(({ embedding }) => Array.from(embedding, Math.fround)), data.map(({ embedding }) => embedding.map(Math.fround)));
    const product = (one, other) => one.embedding.reduce((sum, number, at) => sum + number * other.embedding[at], 0);
    assert.ok(product(data[0], data[1]) > product(data[0], data[2]) + 0.2);
    assert.equal((await of().embeddings.create({ model: 'text-embedding-3-small', input: 'a', dimensions: 8 })).data[0].embedding.length, 8);

    const speech = await of().audio.speech.create({ model: 'tts-1', voice: 'nova', input: 'Ships sail to Zoë.', response_format: 'wav', speed: 1.5 });
    assert.equal(speech.headers.get('content-type'), 'audio/wav');
    const audio = Buffer.from(await speech.arrayBuffer());
    assert.equal(audio.readUInt32LE(4) + 8, audio.length, 'to its last byte');
    const file = () => toFile(audio, 'speech.wav', { type: 'audio/wav' });
    const heard = await of().audio.transcriptions.create({ model: 'gpt-4o-mini-transcribe', file: await file(), language: 'en' });
    assert.deepEqual([heard.text, heard.usage.type], ['Ships sail to Zoë.', 'tokens']);
    assert.equal(await of().audio.transcriptions.create({ model: 'whisper-1', file: await file(), response_format: 'text' }), 'Ships sail to Zoë.');
    const subtitles = of().audio.transcriptions.create({ model: 'whisper-1', file: await file(), response_format: 'srt' });
    // The open-source gateway takes an answer that is no JSON for a failure (1.15.2).
    if (of() === behind) await assert.rejects(subtitles, { status: 500 });
    else assert.match(await subtitles, /-->/);
  });

  test(`what cannot be of these through ${name}`, async () => {
    const refused = (call, status, says) => assert.rejects(call, (error) => error.status === status && says.test(error.message), `${says}`);
    await refused(of().embeddings.create({ model: 'text-embedding-3-small', input: ['a', ''] }), 400, /Text 2 is empty/);
    await refused(of().embeddings.create({ model: 'text-embedding-3-small', input: [[1, 2]] }), 400, /tokens cannot be had/);
    await refused(of().embeddings.create({ model: 'gpt-5-mini', input: 'a' }), 403, /not allowed to generate embeddings/);
    await refused(of().audio.speech.create({ model: 'tts-1', voice: 'bob', input: 'a' }), 400, /Input should be/);
    await refused(of().audio.speech.create({ model: 'gpt-5-mini', voice: 'nova', input: 'a' }), 404, /audio\/speech/);
    const file = await toFile(Buffer.from('OggS'), 'a.ogg');
    await refused(of().audio.transcriptions.create({ model: 'whisper-1', file, response_format: 'verbose_json' }), 400, /must be json, text, srt or vtt/);
  });

  test(`whole and streamed chat through ${name}`, async () => {
    const whole = await of().chat.completions.create(ask('tell me of ships'));
    assert.equal(whole.object, 'chat.completion');
    assert.equal(whole.model, 'gpt-5-mini');
    assert.equal(whole.choices[0].finish_reason, 'stop');
    assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
    const chunks = await all(await of().chat.completions.create({ ...ask('tell me of ships'), stream: true, stream_options: { include_usage: true } }));
    assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '' });
    assert.equal(textOf(chunks), whole.choices[0].message.content);
    assert.ok(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length > 3, 'it comes in pieces');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.deepEqual(chunks.at(-1).usage, whole.usage);
    assert.ok((await all(await of().chat.completions.create({ ...ask('tell me of ships'), stream: true }))).every((chunk) => chunk.usage == null && chunk.choices.length === 1));
  });

  test(`a round of tools through ${name}`, async () => {
    const request = { ...ask('Use get_weather and get_time for Paris.'), tools: [tool('get_weather'), tool('get_time')] };
    const whole = await of().chat.completions.create(request);
    const streamed = await of().chat.completions.stream(request).finalChatCompletion();
    assert.equal(streamed.choices[0].finish_reason, 'tool_calls');
    const calls = (completion) => completion.choices[0].message.tool_calls.map((call) => [call.type, call.function.name, JSON.parse(call.function.arguments)]);
    assert.deepEqual(calls(streamed), calls(whole));
    assert.deepEqual(calls(whole).map(([, name]) => name), ['get_weather', 'get_time']);
    const results = streamed.choices[0].message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: `${call.function.name} says rain` }));
    const answer = await of().chat.completions.create({ ...request, messages: [...request.messages, streamed.choices[0].message, ...results] });
    assert.match(answer.choices[0].message.content, /get_time says rain/);
  });

  test(`images through ${name}`, async () => {
    const model = of() === client ? '@openai/gpt-image-1' : 'gpt-image-1';
    const drawn = await of().images.generate({ model, prompt: 'a lighthouse', n: 2, size: '256x256' });
    assert.equal(drawn.data.length, 2);
    const image = Buffer.from(drawn.data[0].b64_json, 'base64');
    assert.equal(image.subarray(1, 4).toString(), 'PNG');
    const file = () => toFile(image, 'a.png', { type: 'image/png' });
    const edited = await of().images.edit({ model, prompt: 'at night', image: [await file(), await file()], mask: await toFile(PNG, 'm.png', { type: 'image/png' }) });
    assert.ok(Buffer.from(edited.data[0].b64_json, 'base64').length > 0);
    assert.notEqual(edited.data[0].b64_json, drawn.data[0].b64_json);
  });

  test(`models through ${name}`, async () => {
    const models = await all(of().models.list());
    assert.ok(models.length > 3 && models.every((model) => model.object === 'model' && model.id && model.owned_by), JSON.stringify(models));
  });
}

test('the official client for Python', async () => {
  const program = fileURLToPath(new URL('python_client.py', import.meta.url));
  const env = { ...process.env, HOSTED_URL: hosted.url, REAL_URL: real.url, TOKEN, PYTHONDONTWRITEBYTECODE: '1' };
  await promisify(execFile)(`${target}/python/bin/python`, [program, '-v'], { env }).catch((error) => assert.fail(error.stderr));
});

test('speech that breaks off is no whole answer', async () => {
  const speech = await client.audio.speech.create({ model: 'fault/reset', voice: 'nova', input: 'a'.repeat(200) });
  await assert.rejects(speech.arrayBuffer());
});

test('a provider without vectors and audio: the filler says so, and all else is as before', async () => {
  const second = await startWasmtime({ GATEWAY_TOKEN: TOKEN, GATEWAY_BASE_URL: upstream.url, CREDENTIAL_AUTHORIZATION: 'Bearer sk-second' }, `${target}/clients/second.wasm`);
  const without = new OpenAI({ baseURL: second.url, apiKey: TOKEN, maxRetries: 0 });
  assert.match((await without.chat.completions.create(ask('Reply with exactly OK.', 'gpt-5-mini'))).choices[0].message.content, /OK/);
  const unsupported = (name) => (error) => error.status === 400 && error.code === 'unsupported' && error.message.includes(`openclaw:provider/${name}`);
  await assert.rejects(without.embeddings.create({ model: 'm', input: 'a' }), unsupported('embeddings'));
  await assert.rejects(without.audio.speech.create({ model: 'm', voice: 'v', input: 'a' }), unsupported('audio'));
  await assert.rejects(without.audio.transcriptions.create({ model: 'm', file: await toFile(Buffer.from('OggS'), 'a.ogg') }), unsupported('audio'));
});

test('pieces of a stream come while it is still being written', { timeout: 60_000 }, async () => {
  const stream = await client.chat.completions.create({ ...ask('a question of some words', 'fault/stall-midway'), stream: true });
  const pieces = [];
  for await (const chunk of stream) {
    pieces.push(chunk.choices[0].delta.content);
    if (pieces.length === 3) break; // The fourth never comes.
  }
  assert.ok(pieces.join('').length > 0);
});

test('every class of error, with what a client acts on', async () => {
  for (const [model, type, status, code, origin] of [
    ['fault/400', OpenAI.BadRequestError, 400, 'context_length_exceeded', 'upstream'],
    ['fault/unknown-config', OpenAI.BadRequestError, 400, 'invalid_config', 'gateway'],
    ['fault/invalid-key', OpenAI.AuthenticationError, 401, '03', 'gateway'],
    ['fault/401', OpenAI.AuthenticationError, 401, 'invalid_api_key', 'upstream'],
    ['fault/forbidden', OpenAI.PermissionDeniedError, 403, '033', 'gateway'],
    ['fault/404', OpenAI.NotFoundError, 404, 'model_not_found', 'upstream'],
    ['fault/key-budget', OpenAI.APIError, 412, '04', 'gateway'],
    ['fault/too-large', OpenAI.APIError, 413, 'invalid_request', 'gateway'],
    ['fault/429', OpenAI.RateLimitError, 429, 'rate_limit_exceeded', 'upstream'],
    ['fault/guardrail', OpenAI.APIError, 446, 'content_blocked', 'gateway'],
    ['fault/500', OpenAI.InternalServerError, 500, 'overloaded', 'upstream'],
    ['fault/502', OpenAI.InternalServerError, 502, 'overloaded', 'upstream'],
    ['fault/503', OpenAI.InternalServerError, 503, 'overloaded', 'upstream'],
    ['fault/200-html', OpenAI.InternalServerError, 500, 'invalid_config', 'gateway'],
    ['fault/200-error', OpenAI.InternalServerError, 503, 'overloaded', 'upstream'],
    ['fault/200-bad-json', OpenAI.InternalServerError, 502, 'protocol', 'gateway'],
    ['fault/redirect', OpenAI.InternalServerError, 500, 'invalid_config', 'gateway'],
  ]) {
    for (const stream of [false, true]) {
      if (stream && model === 'fault/200-bad-json') continue;
      const error = await client.chat.completions.create({ ...ask('hello', model), stream }).then(() => undefined, (error) => error);
      assert.ok(error instanceof type, `${model} ${stream}: ${error}`);
      assert.deepEqual([error.status, error.code, error.error.origin], [status, code, origin], `${model} ${stream}: ${error}`);
      assert.ok(error.error.message && error.type, model);
    }
  }
});

test('how long to wait, and the id of the call', async () => {
  const wait = async (model) => {
    const error = await client.chat.completions.create(ask('hello', model)).catch((error) => error);
    assert.match(error.requestID, /^[0-9a-f-]{36}$/);
    return [error.headers.get('retry-after'), error.headers.get('retry-after-ms')];
  };
  assert.deepEqual(await wait('fault/429'), ['2', '2000']);
  assert.deepEqual(await wait('fault/429-ms'), ['2', '1500']);
  const { _request_id } = await client.chat.completions.create(ask('hello'));
  assert.match(_request_id, /^[0-9a-f-]{36}$/);
});

test('a client repeats what may help, and nothing that may be billed twice', async () => {
  const patient = new OpenAI({ baseURL: hosted.url, apiKey: TOKEN, maxRetries: 2 });
  await stub.requests();
  assert.ok(await patient.chat.completions.create(ask('hello', 'fault/flaky')));
  assert.equal((await stub.requests()).length, 3);
  for (const model of ['fault/key-budget', 'fault/200-bad-json']) {
    await assert.rejects(patient.chat.completions.create(ask('hello', model)));
    assert.equal((await stub.requests()).length, 1, model);
  }
});

test('a stream that breaks raises, after what came', async () => {
  for (const [model, code] of [['fault/cut', 'truncated'], ['fault/reset', 'truncated'], ['fault/error-event', 'overloaded'], ['fault/error-finish', 'overloaded_error'], ['fault/bad-event', 'protocol'], ['fault/no-finish', 'truncated']]) {
    const chunks = [];
    const read = async () => {
      for await (const chunk of await client.chat.completions.create({ ...ask('a question of some words', model), stream: true })) chunks.push(chunk);
    };
    if (code) await assert.rejects(read, (error) => error instanceof OpenAI.APIError && error.code === code, model);
    else await read();
    assert.ok(textOf(chunks).length > 0, model);
  }
  for (const model of ['fault/cut', 'fault/reset']) {
    const read = async () => all(await behind.chat.completions.create({ ...ask('a question of some words', model), stream: true }));
    await assert.rejects(read, (error) => error.code === 'truncated', model);
  }
});

test('results of guardrails come with a stream, over the answer too', async () => {
  const hookResults = (chunk) => /** @type {any} */ (chunk).hook_results;
  for (const model of ['fault/guardrail-soft', 'fault/guardrail-late']) {
    const request = { ...ask('hello', model), stream: /** @type {const} */ (true) };
    assert.equal((await all(await client.chat.completions.create(request))).filter(hookResults).length, 1, model);
    const final = await client.chat.completions.stream({ ...request, stream_options: { include_usage: true } }).finalChatCompletion();
    assert.ok(hookResults(final).before_request_hooks.length > 0, model);
    assert.ok(final.usage.total_tokens > 0, model);
  }
});

test('fields that the interface does not know arrive', async () => {
  await upstream.requests();
  const messages = [{ role: 'developer', content: 'be brief' }, { role: 'user', content: 'hello', name: 'zoe' }];
  await behind.chat.completions.create({ model: 'gpt-4o', messages, store: true, metadata: { a: 'b' }, temperature: 0.5 });
  const [{ body, headers }] = await upstream.requests();
  assert.deepEqual([body.messages, body.metadata, body.temperature], [messages, { a: 'b' }, 0.5]);
  assert.equal(headers['x-portkey-api-key'], undefined);
  const cached = { cache_control: { type: 'ephemeral' } };
  const inside = { messages: [{ role: /** @type {const} */ ('user'), content: [{ type: /** @type {const} */ ('text'), text: 'hello', ...cached }] }], tools: [{ ...tool('f'), ...cached }] };
  await behind.chat.completions.create({ model: 'gpt-4o', ...inside });
  const [{ body: { messages: arrived, tools } }] = await upstream.requests();
  // OpenAI refuses a marker: "Unknown parameter: 'messages[0].content[0].cache_control'".
  assert.deepEqual({ messages: arrived, tools }, JSON.parse(JSON.stringify(inside, (name, value) => (name === 'cache_control' ? undefined : value))));
});

test('requests that are wrong', async () => {
  const refused = async (request, status, code) => {
    const answer = await request;
    assert.deepEqual([answer.status, answer.json.error.code], [status, code], JSON.stringify(answer.json));
  };
  const bearer = { authorization: `Bearer ${TOKEN}` };
  await refused(post(hosted.url, bearer, '{'), 400, 'invalid_request');
  await refused(post(hosted.url, { ...bearer, 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
  await refused(post(hosted.url, bearer, JSON.stringify({ ...ask('hello'), n: 2 })), 400, 'invalid_request');
  await refused(raw(`${hosted.url}/nowhere`, { headers: bearer }), 404, 'not_found');
  // Where Vercel's `createOpenAI` and OpenAI's agents go unless told otherwise.
  assert.match((await raw(`${hosted.url}/responses`, { method: 'POST', headers: bearer })).json.error.message, /chats go to \/v1\/chat\/completions/);
  await refused(raw(`${hosted.url}/chat/completions`, { headers: bearer }), 405, 'method_not_allowed');
  const small = await startWasmtime({ ...settings, GATEWAY_MAX_REQUEST_MIB: '1' });
  const large = JSON.stringify(ask('x'.repeat(1 << 20)));
  await refused(post(small.url, bearer, large), 413, 'request_too_large');
  await refused(post(small.url, { ...bearer, 'transfer-encoding': 'chunked' }, large), 413, 'request_too_large');
  assert.equal((await post(small.url, { ...bearer, 'transfer-encoding': 'chunked' })).status, 200);
});

test('what is right in another spelling', async () => {
  const answer = await post(hosted.url, { authorization: `bearer ${TOKEN}`, 'content-type': 'Application/JSON; charset=utf-8' });
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  assert.equal((await fetch(`${hosted.origin}/healthz`, { method: 'HEAD' })).status, 200);
});

test('callers without the token are refused, and nothing goes out for them', async () => {
  await stub.requests();
  for (const apiKey of ['wrong', KEY, `${TOKEN}x`]) {
    const stranger = new OpenAI({ baseURL: hosted.url, apiKey, maxRetries: 0 });
    await assert.rejects(stranger.chat.completions.create(ask('hello')), OpenAI.AuthenticationError);
    await assert.rejects(all(stranger.models.list()), OpenAI.AuthenticationError);
    await assert.rejects(stranger.images.generate({ prompt: 'x' }), OpenAI.AuthenticationError);
    await assert.rejects(stranger.images.edit({ prompt: 'x', image: await toFile(PNG, 'a.png') }), OpenAI.AuthenticationError);
  }
  assert.equal((await post(hosted.url)).status, 401);
  assert.deepEqual(await stub.requests(), []);
});

test('it does not serve open by mistake', async () => {
  const { GATEWAY_TOKEN, ...tokenless } = settings;
  const open = await startWasmtime(tokenless);
  assert.equal((await raw(`${open.origin}/healthz`)).status, 503);
  const refusal = await post(open.url, { authorization: 'Bearer ' });
  assert.deepEqual([refusal.status, refusal.json.error.code], [503, 'not_configured']);
  assert.match(refusal.json.error.message, /GATEWAY_TOKEN/);

  const near = await startWasmtime({ ...tokenless, GATEWAY_ANONYMOUS: 'loopback' });
  assert.equal((await raw(`${near.origin}/healthz`)).status, 200);
  assert.equal((await post(near.url)).status, 200);
  assert.equal((await post(near.url, { host: 'localhost:1' })).status, 200);
  assert.equal((await post(near.url, { host: 'gateway.example' })).status, 403);
  assert.equal((await post(near.url, { origin: 'https://page.example' })).status, 403);

  const keyless = await startWasmtime({ GATEWAY_TOKEN, GATEWAY_BASE_URL: stub.url });
  const missing = await post(keyless.url, { authorization: `Bearer ${TOKEN}` });
  assert.deepEqual([missing.status, missing.json.error.code], [503, 'not_configured']);
  assert.match(missing.json.error.message, /Portkey API key missing/);
});

test('the key is in no process list, and the token goes no further than the gateway', { skip: process.platform !== 'linux' && 'reads /proc' }, async () => {
  assert.ok(!(await readFile(`/proc/${hosted.pid}/cmdline`, 'utf8')).includes(KEY));
  await stub.requests();
  await client.chat.completions.create(ask('hello'));
  const [{ headers }] = await stub.requests();
  assert.deepEqual(Object.keys(headers).sort(), ['accept', 'accept-encoding', 'content-length', 'content-type', 'host', 'x-portkey-api-key', 'x-portkey-strict-open-ai-compliance']);
});

test('a provider that is out for the key', async () => {
  const other = await startStub('--token-delay', '0');
  const evil = await startWasmtime({ ...settings, CREDENTIAL_X_HOSTILE_KEY: KEY }, `${target}/clients/hostile.wasm`);
  const thief = new OpenAI({ baseURL: evil.url, apiKey: TOKEN, maxRetries: 0 });
  /** Sends a request of its own, and tells all that the provider saw of it. */
  const send = async (scheme, authority, headers = [], model = 'm') => {
    const body = JSON.stringify(ask('hello', model));
    const stop = [scheme, authority, '/v1/chat/completions', 'POST', body, 'content-type: application/json', ...headers];
    const outcome = thief.chat.completions.create({ ...ask('x', 'send'), stop });
    return outcome.then((completion) => completion.choices[0].message.content, (error) => String(error));
  };
  await stub.requests();
  const own = await send('http', stub.authority);
  assert.match(own, /chat\.completion/);
  assert.ok(!own.includes(KEY) && !own.includes('x-portkey-api-key'), own);
  assert.equal((await stub.requests())[0].headers['x-portkey-api-key'], '***');

  // Its own attempts at such a header do not arrive, in no spelling.
  const tries = ['X-Portkey-Api-Key: mine', 'authorization: Bearer mine', 'x-hostile-key: mine', 'Cookie: mine', 'x-own: 1'];
  assert.match(await send('http', stub.authority, tries), /chat\.completion/);
  const [{ headers }] = await stub.requests();
  assert.deepEqual([headers['x-portkey-api-key'], headers['x-hostile-key'], headers.authorization, headers.cookie, headers['x-own']], ['***', '***', undefined, undefined, '1']);

  // Another port, another name for the same address, another scheme, another place: what callers say goes nowhere else.
  const port = stub.authority.split(':')[1];
  for (const [scheme, authority] of [
    ['http', other.authority], ['http', `localhost:${port}`], ['http', `127.0.0.1:${port}@${other.authority}`], ['http', `127.1:${port}`],
    ['https', stub.authority], ['http', '169.254.169.254'], ['http', ''], ['ftp', stub.authority],
  ]) assert.match(await send(scheme, authority, tries), /the host refused/, `${scheme} ${authority}`);
  assert.deepEqual([...(await stub.requests()), ...(await other.requests())], []);

  // A redirect is an answer like any other.
  assert.match(await send('http', stub.authority, [], 'fault/redirect-307'), /^307$/m);
  assert.equal((await stub.requests()).length, 1);
});

/** A server that tells of the key in its headers, or would in two pieces, or packed. */
test('what a provider that is out for the key sees of an answer', async (t) => {
  const server = http.createServer((request, response) => {
    request.resume();
    const key = request.headers['x-hostile-key'];
    if (request.url === '/v1/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(key));
    else if (request.url === '/v1/headers') response.writeHead(200, { [`x-${key}-y`]: '1', 'x-echo': `Bearer ${key}, ${key}`, 'x-own': '1' }).end();
    else response.end(JSON.stringify(request.rawHeaders));
  });
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const authority = `127.0.0.1:${server.address().port}`;
  const evil = await startWasmtime({ ...settings, GATEWAY_BASE_URL: `http://${authority}/v1`, CREDENTIAL_X_HOSTILE_KEY: KEY }, `${target}/clients/hostile.wasm`);
  const thief = new OpenAI({ baseURL: evil.url, apiKey: TOKEN, maxRetries: 0 });
  const send = (path, ...headers) => thief.chat.completions.create({ ...ask('x', 'send'), stop: ['http', authority, `/v1/${path}`, 'POST', '{}', ...headers] })
    .then((completion) => completion.choices[0].message.content, (error) => String(error));

  const asked = await send('asked', 'Range: bytes=0-9', 'If-Range: "x"', 'Accept-Encoding: gzip', 'x-own: 1');
  const [body] = asked.match(/\[.*\]$/);
  const headers = JSON.parse(body);
  const sent = (name) => headers.flatMap((header, at) => (at % 2 === 0 && header.toLowerCase() === name ? [headers[at + 1]] : []));
  assert.deepEqual(['range', 'if-range', 'accept-encoding', 'x-own', 'x-hostile-key'].map(sent), [[], [], ['identity'], ['1'], [KEY]]);

  const told = await send('headers');
  assert.match(told, /^x-own: 1$/m);
  assert.match(told, /^x-echo: Bearer \*+, \*+$/m);
  assert.ok(!told.toLowerCase().includes(KEY.toLowerCase()), told);

  assert.match(await send('packed'), /HttpResponseContentCoding\(Some\("gzip"\)\)/);
});

/** With an instance for each caller, as `wasmtime serve` has it where nothing else is said. */
test('what a caller leaves in a provider\'s memory is not the next one\'s', async () => {
  const evil = await startWasmtime({ ...settings, CREDENTIAL_X_HOSTILE_KEY: KEY }, `${target}/clients/hostile.wasm`, 1);
  const caller = new OpenAI({ baseURL: evil.url, apiKey: TOKEN, maxRetries: 0 });
  const exchange = ['http', stub.authority, '/v1/chat/completions', 'POST', JSON.stringify(ask('hello'))];
  const say = async (model, ...stop) => (await caller.chat.completions.create({ ...ask('x', model), stop })).choices[0].message.content;
  await say('send', ...exchange, 'x-own: left-by-the-first-caller');
  assert.equal(Number(await say('memory', 'left-by-the-', 'first-caller', ...exchange)), 0);
  assert.notEqual(Number(await say('memory', 'x-host', 'ile-key', ...exchange)), 0, 'it looks in its memory');
});
