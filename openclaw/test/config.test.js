/** The configuration: what the component sees of it, merges into it, and makes a connection of. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamFn } from '../src/chat.js';
import { onboarding } from '../src/component.js';
import { connect, merge } from '../src/config.js';
import { DONE, ask, chunk, gateway, model, sse } from './gateway.mjs';

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

// As chat hands it over, OpenClaw has put it among the headers of the model.
test('what request.auth sends is not the component\'s to read, whatever the header\'s name', (t) => {
  const { mock } = t.mock.method(onboarding, 'resolveConnection');
  for (const headerName of ['x-portkey-team', 'X-Portkey-Team', 'x-team']) {
    const portkey = { request: { auth: { mode: 'header', headerName, value: 'auth-secret' } } };
    const { connection, attached, secrets } = connect({
      config: { models: { providers: { portkey } } }, apiKey: 'K', headers: { 'x-portkey-team': 'auth-secret', 'x-team': 'auth-secret', 'x-portkey-metadata': '{"a":"b"}' } });
    const isShown = (/** @type {string} */ name) => connection.headers.some(([header]) => header === name);
    assert.deepEqual([isShown('x-portkey-team'), isShown('x-portkey-metadata')], [headerName === 'x-team', true], headerName);
    assert.equal(/auth-secret/.test(mock.calls.at(-1)?.arguments[0] ?? ''), headerName === 'x-team', headerName);
    assert.ok(attached.some(([name]) => name.toLowerCase() === headerName.toLowerCase()) && secrets.includes('auth-secret'), headerName);
  }
});

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
  gateway.answer = (req, res) => {
    const content = `${req.headers['x-portkey-config']}`;
    sse(chunk({ content }), chunk({}, 'stop'), DONE)(req, res);
  };
  gateway.seen = [];
  const config = { plugins: { entries: { portkey: { config: { config: inline } } } } };
  const { content } = await streamFn(config)(model(), ask('x'), { apiKey: 'pk-secret' }).result();
  assert.deepEqual(JSON.parse(/** @type {string} */ (gateway.seen[0].headers['x-portkey-config'])), inline);
  assert.match(/** @type {any} */ (content[0]).text, /"api_key":"\*{11}".*"virtual_key":"\*{11}"/);
});

test('options under another spelling are neither shown nor sent', (t) => {
  const { mock } = t.mock.method(onboarding, 'resolveConnection');
  const entries = { portkey: { config: { traceId: 't' } }, Portkey: { config: { spanId: 'other', virtualKey: 'vk-other-1' } } };
  const { secrets } = connect({ config: { plugins: { entries } }, apiKey: 'pk-secret', headers: {} });
  assert.doesNotMatch(mock.calls.at(-1)?.arguments[0] ?? '', /other|Portkey/);
  assert.deepEqual(secrets, ['pk-secret']);
});

test('what is hidden in a header of any name is masked', () => {
  const { secrets } = connect({
    config: {}, apiKey: 'pk-secret', headers: { 'x-up': "{'api_key':'sk-1234'}", 'x-to': 'https://user:pa^ss=W@h.example/v1', 'x-title': 'A [title]' } });
  assert.ok(['sk-1234', 'pa^ss=W'].every((secret) => secrets.includes(secret)) && !secrets.includes('[title]'), `${secrets}`);
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
