/** The package in a real OpenClaw, in front of the real Portkey gateway: node --test e2e/portkey.test.mjs [needs dist/] */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OpenClaw, packageFile, startPortkey, through } from './host.mjs';
import { PNG, startUpstream } from './upstream.mjs';

const sha256 = (/** @type {string} */ file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const KEY = 'pk-e2e-secret';
const DEFAULT = 'portkey/@anthropic/claude-sonnet-4-5';

/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {Awaited<ReturnType<typeof startPortkey>>} */ let portkey;
/** @type {OpenClaw} */ let claw;
/** @type {ReturnType<typeof through>} */ let route;

/** @param {string} model @param {Record<string, string>} [env] */
const infer = (model, env) => claw.run(['infer', 'model', 'run', '--local', '--model', `portkey/@openai/${model}`, '--prompt', 'ping', '--json'], env);

before(async () => {
  [upstream, portkey] = await Promise.all([startUpstream(), startPortkey()]);
  route = through(portkey, upstream);
  claw = new OpenClaw();
  await claw.install();
});

after(async () => {
  await claw?.close();
  portkey?.close();
  upstream?.close();
});

describe('installed', () => {
  test('OpenClaw sees the provider and the image generation provider', async () => {
    const { json } = await claw.ok(['plugins', 'inspect', 'portkey', '--runtime', '--json']);
    const text = JSON.stringify(json);
    assert.match(text, /"providerIds":\["portkey"\]/);
    assert.match(text, /"imageGenerationProviderIds":\["portkey"\]/);
    assert.doesNotMatch(text, /"level":"(error|warn)"/);
  });

  test('doctor is clean, three times running', async () => {
    for (let i = 0; i < 3; i++) {
      const { stdout, stderr } = await claw.ok(['plugins', 'doctor']);
      assert.match(stdout + stderr, /checks passed/);
    }
  });

  test('the component is the one in dist', () => {
    const find = (/** @type {string} */ folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('portkey-provider.wasm')).map((name) => join(folder, name));
    const installed = find(join(claw.home, 'state'));
    assert.ok(installed.length >= 1);
    for (const file of installed) assert.equal(sha256(file), sha256(join(dirname(packageFile()), 'portkey-provider.wasm')));
  });
});

const ONBOARD = ['onboard', '--non-interactive', '--accept-risk', '--mode', 'local', '--auth-choice', 'portkey-api-key',
  '--skip-health', '--skip-channels', '--skip-skills', '--skip-search', '--skip-hooks', '--skip-ui', '--skip-daemon', '--json'];

describe('onboarding', () => {
  test('with the flag and a base URL', async () => {
    await claw.ok([...ONBOARD, '--portkey-api-key', KEY, '--custom-base-url', `${portkey.url}/`]);
    const { models, agents } = claw.config;
    assert.equal(models.providers.portkey.baseUrl, portkey.url);
    assert.equal(models.providers.portkey.api, 'openai-completions');
    assert.deepEqual(models.providers.portkey.models.map((/** @type {any} */ m) => m.id), ['@anthropic/claude-sonnet-4-5']);
    assert.equal(models.mode, 'merge');
    assert.equal(agents.defaults.model.primary ?? agents.defaults.model, DEFAULT);
    assert.equal(agents.defaults.models[DEFAULT].alias, 'Portkey');
    assert.ok(!JSON.stringify(claw.config).includes(KEY), 'the key is not in the configuration');
  });

  test('with the environment; what there is stays', async (t) => {
    const host = new OpenClaw();
    t.after(() => host.close());
    await host.install();
    const before = host.config;
    before.models = { mode: 'replace', providers: { portkey: { baseUrl: ` ${portkey.url} `, api: 'anthropic-messages', headers: { 'x-portkey-config': 'pc-1', Authorization: 'Bearer sk' }, models: [{ id: 'custom-model', name: 'Mine' }] }, other: { baseUrl: 'http://127.0.0.1:1/v1', api: 'openai-completions', models: [] } } };
    before.agents = { defaults: { model: { primary: 'other/x', fallbacks: ['other/y'] }, models: { [DEFAULT]: { alias: 'Work' } } } };
    host.config = before;
    await host.ok(ONBOARD, { PORTKEY_API_KEY: KEY });
    const { models, agents } = host.config;
    assert.deepEqual(models.providers.other, before.models.providers.other);
    assert.equal(models.mode, 'replace');
    assert.equal(models.providers.portkey.baseUrl, portkey.url);
    assert.equal(models.providers.portkey.api, 'openai-completions');
    assert.deepEqual(models.providers.portkey.headers, before.models.providers.portkey.headers);
    assert.deepEqual(models.providers.portkey.models.map((/** @type {any} */ m) => m.id), ['custom-model', '@anthropic/claude-sonnet-4-5']);
    assert.deepEqual(agents.defaults.model, { primary: 'other/x', fallbacks: ['other/y'] });
    assert.equal(agents.defaults.models[DEFAULT].alias, 'Work');
    assert.deepEqual(host.config.plugins.entries.portkey, before.plugins.entries.portkey);

    // OpenClaw does not put a new key in the place of one that is in use: it keeps it aside, and says how to change over
    before.models.providers.portkey.apiKey = '  old-key  ';
    host.config = before;
    const { code, stdout } = await host.run(ONBOARD, { PORTKEY_API_KEY: KEY });
    assert.equal(code, 1);
    assert.match(stdout, /Your connection is unchanged/);
    const kept = host.config.models.providers.portkey;
    assert.deepEqual([kept.apiKey.trim(), kept.baseUrl.trim(), kept.models[0].id], ['old-key', portkey.url, 'custom-model']);
  });
});

describe('chat', () => {
  before(() => claw.configure(route()));

  test('infer model run', async () => {
    const { result, seen } = await upstream.watching(() => infer('gpt-echo'));
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.json.outputs[0].text, 'pong');
    assert.equal(seen.length, 1);
    assert.equal(seen[0].body.model, '@openai/gpt-echo');
  });

  test('agent, with a tool call and its result', async () => {
    const { result, seen } = await upstream.watching(() => claw.ok(['agent', '--local', '--agent', 'main', '--session-id', 'tools', '--model', 'portkey/@openai/gpt-tools', '--message', 'ping', '--json']));
    assert.match(JSON.stringify(result.json), /The tool said/);
    assert.equal(seen.length, 2);
    const [call, result_] = seen[1].body.messages.filter((/** @type {any} */ m) => m.tool_calls || m.role === 'tool');
    assert.equal(call.tool_calls[0].function.name, 'ls');
    assert.equal(result_.tool_call_id, call.tool_calls[0].id);
    const { input, output, cacheRead } = result.json.meta.agentMeta.lastCallUsage ?? result.json.meta.agentMeta.usage;
    assert.deepEqual({ input, output, cacheRead }, { input: 8, output: 3, cacheRead: 7 });
  });

  test('of a model that the configuration only names, the component knows the rest', async (t) => {
    const id = '@anthropic/claude-opus-4-6';
    claw.configure(route({ models: [{ id, name: 'Opus' }] }));
    t.after(() => claw.configure(route()));
    const run = () => claw.ok(['infer', 'model', 'run', '--local', '--model', `portkey/${id}`, '--prompt', 'ping', '--json']);
    const { seen } = await upstream.watching(run);
    assert.equal(seen[0].body.max_tokens, 128_000); // OpenClaw's default is 8192
  });

  test('the headers on the wire', async (t) => {
    // straight to the upstream: the gateway keeps x-portkey-* to itself
    claw.configure(route({ baseUrl: `${upstream.url}/v1` }, { config: 'pc-e2e' }));
    t.after(() => claw.configure(route()));
    const { result, seen } = await upstream.watching(() => infer('gpt-echo'));
    assert.equal(result.code, 0, result.stderr);
    const [{ headers }] = seen;
    assert.equal(headers['x-portkey-api-key'], KEY);
    assert.equal(headers.authorization, undefined);
    assert.equal(headers['x-portkey-trace-id'], 'trace-e2e');
    assert.equal(headers['x-portkey-metadata'], '{"_user":"e2e"}');
    assert.equal(headers['x-portkey-config'], 'pc-e2e');
  });

  test('a configured Authorization goes through, to the model provider', async (t) => {
    claw.configure(route({ headers: { Authorization: 'Bearer ${E2E_UPSTREAM_KEY}' } }));
    t.after(() => claw.configure(route()));
    const { seen } = await upstream.watching(() => infer('gpt-echo', { E2E_UPSTREAM_KEY: 'sk-upstream' }));
    assert.equal(seen[0].headers.authorization, 'Bearer sk-upstream');
    assert.equal(seen[0].headers['x-portkey-api-key'], undefined);
  });
});

/** The installed package, with the real OpenClaw's fetch, in this process: what no command of OpenClaw's shows. */
describe('streams', () => {
  /** @type {(id: string, signal?: AbortSignal, baseUrl?: string) => any} */ let ask;
  before(async () => {
    const [chat] = readdirSync(claw.home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('extensions/portkey/src/chat.js'));
    const { streamFn } = await import(join(claw.home, chat));
    const { provider, plugin } = route();
    const run = streamFn({ models: { providers: { portkey: provider } }, plugins: { entries: { portkey: { config: plugin } } } });
    ask = (id, signal, baseUrl = portkey.url) => run({ id, name: id, provider: 'portkey', api: 'openai-completions', baseUrl, input: ['text'], maxTokens: 100, cost: {}, headers: provider.headers },
      { messages: [{ role: 'user', content: 'ping', timestamp: 0 }] }, { apiKey: KEY, signal });
    await ask('gpt-echo').result();
  });

  // One by one they come in the unit tests, where the next is sent once the one before was read: here the gateway may hold two up.
  test('tokens come as they are written, the event loop turns, and two streams do not wait for each other', async () => {
    /** @type {string[]} */ const order = [];
    const timer = setInterval(() => order.push('tick'), 5);
    const read = async (/** @type {string} */ name) => {
      for await (const event of ask('slow')) if (event.type === 'text_delta') order.push(name);
    };
    await Promise.all([read('one'), read('two')]);
    clearInterval(timer);
    for (const [name, other] of [['one', 'two'], ['two', 'one']]) {
      const at = order.flatMap((entry, i) => (entry === name ? [i] : []));
      assert.equal(at.length, 20);
      assert.ok(order.slice(at[0], at[19]).includes('tick'), `the tokens of ${name} came at once`);
      assert.ok(order.indexOf(other) < at[19], `${other} waited for ${name}`);
    }
  });

  test('the key does not follow a redirect to another origin', async () => {
    const { result, seen } = await upstream.watching(() => ask('gpt-echo', undefined, `${upstream.url}/redirect/v1`).result());
    assert.equal(result.stopReason, 'error');
    assert.equal(seen[0].headers['x-portkey-api-key'], KEY);
    for (const { headers } of seen.slice(1)) assert.equal(headers['x-portkey-api-key'], undefined);
  });

  test('aborting one ends its request alone', async () => {
    const from = upstream.seen.length;
    const controller = new AbortController();
    // straight to the upstream, which then sees what is closed
    const [one, two] = [ask('slow', controller.signal, `${upstream.url}/v1`), ask('slow', undefined, `${upstream.url}/v1`)];
    for await (const event of one) if (event.type === 'text_delta') controller.abort();
    assert.equal((await one.result()).stopReason, 'aborted');
    assert.equal((await two.result()).stopReason, 'stop');
    const closed = await Promise.all(upstream.seen.slice(from).map((request) => request.closed));
    assert.deepEqual(closed.map((early) => early !== 0).sort(), [false, true], 'the upstream loses one of the two');
  });
});

describe('images', () => {
  before(() => claw.configure(route()));

  test('generate', async () => {
    const out = join(claw.home, 'out.png');
    const { result, seen } = await upstream.watching(() => claw.ok(['infer', 'image', 'generate', '--model', 'portkey/gpt-image-2', '--prompt', 'a lobster', '--count', '2', '--size', '1536x1024', '--output', out, '--json']));
    assert.equal(result.json.outputs.length, 2);
    for (const { path, revisedPrompt } of result.json.outputs) {
      assert.deepEqual(readFileSync(path), PNG);
      assert.match(revisedPrompt, /^revised \d$/);
    }
    const { n, size, model, prompt } = seen[0].body;
    assert.deepEqual({ n, size, model, prompt }, { n: 2, size: '1536x1024', model: 'gpt-image-2', prompt: 'a lobster' });
  });

  test('edit, as multipart', async () => {
    const input = join(claw.home, 'in.png');
    writeFileSync(input, PNG);
    const { result, seen } = await upstream.watching(() => claw.ok(['infer', 'image', 'edit', '--model', 'portkey/gpt-image-2', '--file', input, '--prompt', 'blue', '--output', join(claw.home, 'edited.png'), '--json']));
    assert.deepEqual(readFileSync(result.json.outputs[0].path), PNG);
    assert.match(seen[0].path, /images\/edits$/);
    assert.match(String(seen[0].headers['content-type']), /^multipart\/form-data/);
    assert.ok(seen[0].body.includes(PNG.toString('latin1')));
  });
});

describe('through a running gateway', () => {
  before(async () => {
    claw.configure(route());
    await claw.startGateway();
  });

  test('chat', async () => {
    const { json } = await claw.ok(['agent', '--agent', 'main', '--session-id', 'gateway-echo', '--model', 'portkey/@openai/gpt-echo', '--message', 'ping', '--json']);
    assert.match(JSON.stringify(json), /pong/);
  });

  test('a tool call and its result', async () => {
    const { json } = await claw.ok(['agent', '--agent', 'main', '--session-id', 'gateway-tools', '--model', 'portkey/@openai/gpt-tools', '--message', 'ping', '--json']);
    assert.match(JSON.stringify(json), /The tool said/);
  });

  // OpenClaw's Gateway asks only plugins that it loads at its start for the levels of a model that no catalog holds.
  test('/think has the levels of a model that nobody lists', async () => {
    const patch = (/** @type {object} */ to) => claw.run(['gateway', 'call', 'sessions.patch', '--json', '--params', JSON.stringify({ key: 'agent:main:think', ...to })]);
    for (const [model, thinkingLevel, isKnown] of /** @type {[string, string, boolean][]} */ ([['@openai/gpt-5.2', 'xhigh', true], ['@anthropic/claude-opus-4-6', 'max', true], ['@openai/gpt-4o', 'low', false]])) {
      assert.equal((await patch({ model: `portkey/${model}` })).code, 0);
      const { code, stdout, stderr } = await patch({ thinkingLevel });
      assert.equal(code === 0, isKnown, `${model}: ${stdout}${stderr}`);
    }
  });

  test('models list shows the catalog', async () => {
    const { stdout } = await claw.ok(['models', 'list', '--provider', 'portkey', '--refresh']);
    assert.match(stdout, /portkey\/@openai\/gpt-echo/);
    assert.match(stdout, /portkey\/@anthropic\/claude-sonnet-4-5/);
  });
});

test('removed, it leaves nothing behind but what is the user\'s', async () => {
  await claw.stopGateway();
  await claw.ok(['plugins', 'uninstall', 'portkey', '--force']);
  const { stdout } = await claw.ok(['plugins', 'list', '--json']);
  assert.doesNotMatch(stdout, /"id": "portkey"/);
  assert.deepEqual(claw.config.plugins.entries.portkey, { enabled: false }); // OpenClaw's mark of a removal
  assert.equal(claw.config.models.providers.portkey.baseUrl, portkey.url);
});
