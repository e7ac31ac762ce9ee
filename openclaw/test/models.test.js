/** The models that OpenClaw is told of, and what is known of each. A server stands in for the gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeModel, isCacheTtlEligible, normalizeResolvedModel, resolveDynamicModel, resolveThinkingProfile, runCatalog } from '../src/models.js';
import { buildReplayPolicy } from '../src/replay.js';
import { gateway, origin } from './gateway.mjs';

const context = (extra = {}) => ({ config: { models: { providers: { portkey: { baseUrl: `${origin}/v1` } } } }, resolveProviderApiKey: () => ({ apiKey: 'PORTKEY_API_KEY', discoveryApiKey: 'K' }), ...extra });
const warnings = /** @type {string[]} */ ([]);
const logger = { warn: (/** @type {string} */ message) => { warnings.push(message); } };

test('the catalog is what GET /models gives', async () => {
  gateway.answer = (_, res) => { res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ id: '@openai/gpt' }, { id: '@anthropic/claude-sonnet-4-5' }] })); };
  gateway.seen = [];
  const { provider: found, outcomes } = await runCatalog(context(), logger);
  assert.deepEqual(found.models.map((/** @type {any} */ m) => m.id), ['@openai/gpt', '@anthropic/claude-sonnet-4-5']);
  assert.deepEqual([found.apiKey, found.baseUrl, found.models[1].name], ['PORTKEY_API_KEY', `${origin}/v1`, 'Claude Sonnet 4.5']);
  assert.equal(outcomes[0].status, 'ready');
  assert.equal(gateway.seen[0].headers['x-portkey-api-key'], 'K');
});

test('none without a key, or when another provider is asked for', async () => {
  assert.equal(await runCatalog(context({ resolveProviderApiKey: () => ({}) }), logger), null);
  assert.equal(await runCatalog(context({ providerIds: ['openai'] }), logger), null);
});

test('a refused key is said so', async () => {
  gateway.answer = (_, res) => { res.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'failure', message: 'Invalid API Key' })); };
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

// As OpenClaw finds it: the first entry that lists the model counts, ids are trimmed, and rows of one id are joined.
test('is called at its own base URL, whichever row says it', () => {
  const own = 'http://o/v1';
  const row = { id: 'm', baseUrl: own };
  /** @type {[models: any, entries: any, expected: string][]} */
  const cases = [
    [[{ id: ' m ', baseUrl: own }], {}, own],
    [[{ id: 'm' }, row], {}, own],
    [[row, { id: 'm', baseUrl: 'http://x/v1' }], {}, own],
    [[{ id: 'Portkey/m', baseUrl: own }], {}, own],
    [[{ id: 'portkey/m', baseUrl: own }, { id: 'm' }], {}, 'http://h/v1'],
    [[{ id: 'm', baseUrl: ' ' }], {}, 'http://h/v1'],
    [[null, 'm', { id: 3 }, {}, row], {}, own],
    [[], { Portkey: { models: [row] } }, own],
    [undefined, { ' PORTKEY ': { models: [row] } }, own],
    [[], { Portkey: { baseUrl: `${own}/`, models: [{ id: 'm' }] } }, own],
    [[], { Portkey: { models: [{ id: 'm' }] } }, 'http://h/v1'],
    [[{ id: 'm' }], { Portkey: { models: [row] } }, 'http://h/v1'],
    [[], { Portkey: { baseUrl: own, models: [{ id: 'n', baseUrl: own }] } }, 'http://h/v1'],
  ];
  for (const [models, entries, expected] of cases) {
    const read = { models: { providers: { ...entries, portkey: { baseUrl: 'http://h/v1', models } } } };
    const model = { id: 'm', name: 'n', api: 'anthropic-messages', baseUrl: 'http://stripped' };
    assert.equal(normalizeResolvedModel({ config: read, model }, () => read).baseUrl, expected, JSON.stringify(read));
  }
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
