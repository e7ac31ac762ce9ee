/** Vectors, speech and transcripts in a real OpenClaw, in front of the real Portkey gateway: node --test e2e/media.test.mjs [needs dist/] */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OpenClaw, startPortkey } from './host.mjs';
import { PNG, startUpstream } from './upstream.mjs';

const KEY = 'pk-e2e-media-secret';

/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {Awaited<ReturnType<typeof startPortkey>>} */ let portkey;
/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let between;
/** @type {OpenClaw} */ let claw;

before(async () => {
  [upstream, portkey] = await Promise.all([startUpstream(), startPortkey()]);
  claw = new OpenClaw();
  await claw.install();
  const config = claw.config;
  config.models = { mode: 'merge', providers: { portkey: { baseUrl: portkey.url, api: 'openai-completions', models: [] } } };
  config.plugins.entries.portkey.config = { provider: 'openai', customHost: `${upstream.url}/v1` };
  config.agents = { defaults: { model: { primary: 'portkey/@openai/gpt-echo' }, workspace: join(claw.home, 'work') } };
  config.memory = { search: { provider: 'portkey', model: 'text-embedding-3-small' } };
  claw.config = config;
});

after(async () => {
  await claw?.close();
  portkey?.close();
  upstream?.close();
  between?.close();
});

/** Fails where the key of Portkey went on to the provider. @param {any[]} seen */
function assertKeyless(seen) {
  assert.ok(seen.length);
  for (const { headers } of seen) assert.ok(!JSON.stringify(headers).includes(KEY), JSON.stringify(headers));
}

const env = { PORTKEY_API_KEY: KEY, OPENAI_API_KEY: 'sk-of-the-provider' };

test('OpenClaw sees what the plugin provides', async () => {
  const { json } = await claw.ok(['plugins', 'inspect', 'portkey', '--runtime', '--json']);
  const text = JSON.stringify(json);
  for (const kind of ['embeddingProviderIds', 'speechProviderIds', 'mediaUnderstandingProviderIds']) assert.match(text, new RegExp(`"${kind}":\\["portkey"\\]`));
  assert.doesNotMatch(text, /"level":"(error|warn)"/);
});

test('infer embedding create', async () => {
  const { result, seen } = await upstream.watching(() => claw.ok(['infer', 'embedding', 'create', '--provider', 'portkey', '--model', 'portkey/text-embedding-3-small', '--text', 'ships in the harbour', '--text', 'a cake', '--json'], env));
  const vectors = result.json.outputs.map((/** @type {any} */ output) => output.embedding ?? output.vector);
  assert.deepEqual(vectors.map((/** @type {number[]} */ vector) => vector.length), [64, 64]);
  assert.ok(Math.abs(Math.hypot(...vectors[0]) - 1) < 1e-3);
  assert.deepEqual(seen.map(({ path, body }) => [path, body.model, [body.input].flat().length]), [['/v1/embeddings', 'text-embedding-3-small', 2]]);
  assertKeyless(seen);
});

test('memory search over a small folder', async () => {
  const folder = join(claw.home, 'work', 'memory');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'harbour.md'), '# Harbour\n\nThe ferry leaves the harbour every morning with forty sailors.\n');
  writeFileSync(join(folder, 'kitchen.md'), '# Kitchen\n\nGrandmother bakes cherry cake with butter and almonds.\n');
  const { seen } = await upstream.watching(() => claw.ok(['memory', 'index', '--force'], env));
  assert.ok(seen.some(({ path }) => path === '/v1/embeddings'));
  assertKeyless(seen);
  const { result } = await upstream.watching(() => claw.ok(['memory', 'search', 'sailors ferry harbour', '--json'], env));
  const found = result.json.results ?? result.json;
  assert.match(JSON.stringify(found[0]), /harbour\.md/);
});

test('infer tts convert, and infer audio transcribe of what came', async () => {
  const file = join(claw.home, 'hello.mp3');
  const spoken = await upstream.watching(() => claw.ok(['infer', 'tts', 'convert', '--provider', 'portkey', '--text', 'Hello from the harbour.', '--output', file, '--json'], env));
  assert.equal(readFileSync(file).subarray(0, 3).toString(), 'ID3');
  assert.deepEqual(spoken.seen.map(({ path, body }) => [path, body.model, body.voice, body.response_format]), [['/v1/audio/speech', 'gpt-4o-mini-tts', 'alloy', 'mp3']]);
  assertKeyless(spoken.seen);

  const transcribe = () => upstream.watching(() => claw.ok(['infer', 'audio', 'transcribe', '--file', file, '--model', 'portkey/whisper-1', '--json'], env));
  /** @param {any} seen */
  const modelIn = ([{ body }]) => /name="model"\r\n\r\n(.*)\r\n/.exec(body)?.[1];
  const { result, seen } = await transcribe();
  assert.match(JSON.stringify(result.json), /Hello from the harbour\./);
  assert.deepEqual(seen.map(({ path }) => path), ['/v1/audio/transcriptions']);
  assertKeyless(seen);
  // OpenClaw takes a provider from --model, and the model from the configuration, else the provider's own
  assert.equal(modelIn(seen), 'gpt-4o-mini-transcribe');
  const config = claw.config;
  config.tools = { ...config.tools, media: { models: [{ provider: 'portkey', model: '@openai/whisper-1', capabilities: ['audio'] }] } };
  claw.config = config;
  const chosen = await upstream.watching(() => claw.ok(['infer', 'audio', 'transcribe', '--file', file, '--json'], env));
  assert.equal(modelIn(chosen.seen), 'whisper-1');
});

test('infer image describe', async () => {
  const file = join(claw.home, 'a.png');
  writeFileSync(file, PNG);
  const { result, seen } = await upstream.watching(() => claw.ok(['infer', 'image', 'describe', '--file', file, '--model', 'portkey/@openai/gpt-5-mini', '--json'], env));
  assert.match(JSON.stringify(result.json), /pong/);
  assert.match(JSON.stringify(seen[0].body), /image_url/);
  assertKeyless(seen);
});

test('what cannot be is told, and the key goes to the gateway in its own header alone', async () => {
  const wrong = await claw.run(['infer', 'embedding', 'create', '--provider', 'portkey', '--model', 'portkey/gpt-echo', '--text', 'a', '--json'], env);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stdout + wrong.stderr, /not allowed to generate embeddings/);
  assert.ok(!(wrong.stdout + wrong.stderr).includes(KEY));

  // In the place of the gateway, to see what OpenClaw sends it.
  between = await startUpstream();
  const config = claw.config;
  config.models.providers.portkey.baseUrl = `${between.url}/v1`;
  claw.config = config;
  await claw.ok(['infer', 'embedding', 'create', '--provider', 'portkey', '--model', 'portkey/text-embedding-3-small', '--text', 'a', '--json'], env);
  await claw.ok(['infer', 'tts', 'convert', '--provider', 'portkey', '--text', 'a', '--output', join(claw.home, 'a.mp3'), '--json'], env);
  await claw.ok(['infer', 'audio', 'transcribe', '--file', join(claw.home, 'a.mp3'), '--json'], env);
  const seen = between.seen.filter(({ path }) => !path.includes('/models'));
  assert.deepEqual(seen.map(({ path }) => path), ['/v1/embeddings', '/v1/audio/speech', '/v1/audio/transcriptions']);
  for (const { headers } of seen) {
    assert.equal(headers['x-portkey-api-key'], KEY);
    assert.equal(headers.authorization, undefined);
  }
});
