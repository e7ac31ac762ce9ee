/** Vectors, speech and transcripts of the component behind OpenClaw. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { mediaProvider, speechProvider } from '../src/audio.js';
import { embeddingProvider } from '../src/embeddings.js';
import { gateway, json, origin } from './gateway.mjs';

/** @type {string | undefined} */ let key = 'K';
const auth = { resolveApiKeyForProvider: async () => ({ apiKey: key }), isProviderApiKeyConfigured: () => true };
const cfg = () => ({ models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1' } } } } });

test('vectors, in order, by the key in its own header', async () => {
  const adapter = embeddingProvider(() => auth);
  const options = { config: cfg(), model: 'portkey/@openai/text-embedding-3-large', dimensions: 2, queryInputType: 'q', documentInputType: 'd' };
  const { provider, runtime } = await adapter.create(options);
  assert.deepEqual([provider.id, provider.model, provider.dimensions], ['portkey', '@openai/text-embedding-3-large', 2]);
  assert.deepEqual(adapter.resolveIndexIdentity(options).cacheKeyData, runtime.cacheKeyData);
  assert.deepEqual(adapter.resolveIndexIdentity({ ...options, remote: { baseUrl: ' ' } }).cacheKeyData, runtime.cacheKeyData, 'a blank place is none');
  gateway.seen = [];
  gateway.answer = json({ data: [{ index: 1, embedding: [0.5, 0.25] }, { index: 0, embedding: Buffer.from(new Float32Array([1, -2]).buffer).toString('base64') }] });
  assert.deepEqual(await provider.embedBatch(['a', { text: 'b' }]), [[1, -2], [0.5, 0.25]]);
  gateway.answer = json({ data: [{ index: 0, embedding: [0.5, 0.25] }] });
  assert.deepEqual(await provider.embed('a', { inputType: 'query' }), [0.5, 0.25]);
  assert.deepEqual(await provider.embedBatch([]), []);
  assert.deepEqual(gateway.seen.map(({ url, body }) => [url, body]), [
    ['/v1/embeddings', { model: '@openai/text-embedding-3-large', input: ['a', 'b'], dimensions: 2, encoding_format: 'base64', input_type: 'd' }],
    ['/v1/embeddings', { model: '@openai/text-embedding-3-large', input: ['a'], dimensions: 2, encoding_format: 'base64', input_type: 'q' }]]);
  for (const { headers } of gateway.seen) assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config'], headers.authorization], ['K', 'pc-1', undefined]);
  gateway.answer = json({ data: [{ index: 0, embedding: [1] }] });
  await assert.rejects(provider.embedBatch(['a', 'b']), /1 vectors for 2 texts/);
  await assert.rejects(provider.embed(''), { type: 'invalid-request', message: /Text 1 is empty/ });
  const given = AbortSignal.abort(new Error('given up'));
  await assert.rejects(provider.embed('a', { signal: given }));
});

test('a memory search that has a place and a key of its own', async () => {
  const remote = { baseUrl: `${origin}/other/v1`, apiKey: 'R', headers: { 'x-portkey-trace-id': 'r' } };
  const { provider } = await embeddingProvider(() => auth).create({ config: {}, model: '', remote });
  gateway.seen = [];
  gateway.answer = json({ data: [{ embedding: [1] }] });
  await provider.embed('a');
  const [{ url, headers, body }] = gateway.seen;
  assert.deepEqual([url, headers['x-portkey-api-key'], headers['x-portkey-trace-id'], body.model], ['/other/v1/embeddings', 'R', 'r', 'text-embedding-3-small']);
});

test('what is the provider\'s goes to no other place: neither key nor headers, certificate or options', async () => {
  const own = { baseUrl: 'https://own.example/v1', headers: { 'x-portkey-config': 'pc-1', Authorization: 'Bearer upstream-secret' },
    request: { allowPrivateNetwork: true, headers: { 'x-gateway-token': 'gateway-secret' }, auth: { mode: 'header', headerName: 'x-auth', value: 'auth-secret' }, tls: { ca: 'ca', cert: 'c', key: 'tls-secret' } } };
  const config = { models: { providers: { portkey: own } }, plugins: { entries: { portkey: { config: { config: { api_key: 'inline-secret' } } } } } };
  const embed = async (/** @type {object} */ remote, /** @type {any} */ cfg = config) => {
    gateway.seen = [];
    gateway.answer = json({ data: [{ embedding: [1] }] });
    const { provider } = await embeddingProvider(() => auth).create({ config: cfg, model: '', remote });
    return provider.embed('a');
  };
  for (const baseUrl of [`${origin}/v1`, `${origin}`]) {
    await embed({ baseUrl, apiKey: 'R' });
    const [{ headers }] = gateway.seen;
    assert.equal(headers['x-portkey-api-key'], 'R');
    assert.doesNotMatch(JSON.stringify(headers), /secret|pc-1/);
    await embed({ baseUrl }).catch(() => {});
    for (const { headers: sent } of gateway.seen) assert.deepEqual([sent['x-portkey-api-key'], sent.authorization], [undefined, undefined]);
  }
  // the same place, in other words
  const here = { models: { providers: { portkey: { baseUrl: `${origin}/v1`, headers: { 'x-portkey-config': 'pc-1' } } } } };
  for (const remote of [{}, { baseUrl: '' }, { baseUrl: ` ${origin}/v1/ ` }, { baseUrl: `${origin.toUpperCase().replace('HTTP', 'http')}/v1` }]) {
    await embed(remote, here);
    const [{ headers }] = gateway.seen;
    assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config']], ['K', 'pc-1'], JSON.stringify(remote));
  }
  for (const apiKey of ['${MEMORY_KEY}', { source: 'env', provider: 'default', id: 'MEMORY_KEY' }, 7]) {
    await assert.rejects(embed({ baseUrl: `${origin}/v1`, apiKey }, here), /memory\.search\.remote\.apiKey/, String(apiKey));
    assert.deepEqual(gateway.seen, []);
  }
});

test('speech, whole, in the format that is asked for', async () => {
  const provider = speechProvider(() => auth);
  const audio = Buffer.concat([Buffer.from('ID3'), Buffer.alloc(200_000, 7)]);
  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg' }).end(audio); };
  gateway.seen = [];
  const ask = { text: 'Hi', cfg: cfg(), target: 'audio-file', timeoutMs: 60_000, providerConfig: {} };
  const spoken = await provider.synthesize(ask);
  assert.ok(spoken.audioBuffer.equals(audio));
  assert.deepEqual([spoken.outputFormat, spoken.fileExtension, spoken.voiceCompatible], ['mp3', '.mp3', false]);
  const providerConfig = provider.resolveConfig({ rawConfig: { providers: { portkey: { model: 'portkey/@openai/tts-1', voice: 'nova', speed: 1.5 } } } });
  const note = await provider.synthesize({ ...ask, target: 'voice-note', providerConfig, providerOverrides: { voice: 'ash' } });
  assert.deepEqual([note.outputFormat, note.fileExtension, note.voiceCompatible], ['opus', '.opus', true]);
  assert.deepEqual(gateway.seen.map(({ body }) => body), [
    { model: 'gpt-4o-mini-tts', input: 'Hi', voice: 'alloy', response_format: 'mp3' },
    { model: '@openai/tts-1', input: 'Hi', voice: 'ash', response_format: 'opus', speed: 1.5 }]);
  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '1000' }).write('ID3'); setTimeout(() => res.destroy(), 20); };
  await assert.rejects(provider.synthesize(ask), { type: 'transport' });
  gateway.answer = json({ error: { message: 'no voice for K-is-a-key' } }, 400);
  key = 'K-is-a-key';
  await assert.rejects(provider.synthesize(ask), (/** @type {Error} */ error) => /no voice for/.test(error.message) && !error.message.includes('K-is-a-key'));
  key = 'K';
});

test('speech and recordings go to the place that OpenClaw\'s file names, or nowhere', async () => {
  const provider = speechProvider(() => auth);
  const elsewhere = { models: { providers: { portkey: { baseUrl: 'https://own.example/v1', headers: { 'x-portkey-config': 'pc-1' } } } } };
  const say = (/** @type {object} */ providerConfig) => provider.synthesize({ text: 'Hi.', cfg: elsewhere, providerConfig, target: 'audio-file' });
  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'audio/mpeg' }).end('ID3'); };
  gateway.seen = [];
  await say({ baseUrl: `${origin}/v1`, apiKey: 'T' });
  const [{ headers }] = gateway.seen;
  assert.deepEqual([headers['x-portkey-api-key'], headers['x-portkey-config']], ['T', undefined]);
  await assert.rejects(say({ baseUrl: `${origin}/v1`, apiKey: { source: 'env', provider: 'default', id: 'T' } }), /nothing has resolved/);
  const heard = { buffer: Buffer.from('OggS...'), timeoutMs: 60_000, cfg: cfg() };
  const refused = await mediaProvider(() => auth).transcribeAudioWithContext({ ...heard, baseUrl: `${origin}/other/v1` });
  assert.match(refused.error.message, /tools\.media/);
  assert.equal(gateway.seen.length, 1);
  gateway.answer = json({ text: 'Hi.' });
  assert.equal((await mediaProvider(() => auth).transcribeAudioWithContext({ ...heard, baseUrl: `${origin}/v1/` })).ok, true);
});

test('a transcript; without a key another provider may be asked', async () => {
  const provider = mediaProvider(() => auth);
  const ask = { buffer: Buffer.from('OggS...'), mime: 'audio/ogg', model: '@openai/whisper-1', language: 'de', timeoutMs: 60_000, cfg: cfg() };
  gateway.answer = json({ text: 'Guten Tag.' });
  gateway.seen = [];
  assert.deepEqual(await provider.transcribeAudioWithContext(ask), { ok: true, value: { text: 'Guten Tag.', model: '@openai/whisper-1' } });
  const [{ url, headers, body }] = gateway.seen;
  assert.deepEqual([url, headers['x-portkey-provider'], headers['x-portkey-api-key'], headers.authorization], ['/v1/audio/transcriptions', '@openai', 'K', undefined]);
  for (const part of ['name="model"\r\n\r\nwhisper-1\r\n', 'name="language"\r\n\r\nde\r\n', 'filename="audio.ogg"']) assert.ok(body.includes(part), part);
  gateway.answer = json({ error: { message: 'busy' } }, 503);
  await assert.rejects(provider.transcribeAudioWithContext(ask), { type: 'overloaded' });
  gateway.seen = [];
  key = undefined;
  const { ok, error } = await provider.transcribeAudioWithContext(ask);
  key = 'K';
  assert.deepEqual([ok, error.type, gateway.seen.length], [false, 'missing-credential', 0]);
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
