/** What the plugin registers, against the manifest that OpenClaw reads first. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { classifyFailoverReason, toError } from '../src/errors.js';
import { pseudoModel, transport } from '../src/host.js';

const json = (/** @type {string} */ path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const manifest = json('../../openclaw.plugin.json');
const pkg = json('../package.json');

/** OpenClaw `require()`s the entry, which fails where anything that it imports awaits at the top level. */
const entry = createRequire(import.meta.url)('../src/index.js').default;

function register() {
  /** @type {any} */ const registered = {};
  entry.register({
    logger: console, runtime: {},
    registerProvider: (/** @type {any} */ provider) => { registered.provider = provider; },
    registerImageGenerationProvider: (/** @type {any} */ provider) => { registered.images = provider; },
    registerEmbeddingProvider: (/** @type {any} */ provider) => { registered.embeddings = provider; },
    registerSpeechProvider: (/** @type {any} */ provider) => { registered.speech = provider; },
    registerMediaUnderstandingProvider: (/** @type {any} */ provider) => { registered.media = provider; },
    registerModelCatalogProvider: (/** @type {any} */ provider) => { registered.catalog = provider; },
  });
  return registered;
}

test('registration is at once, and what the manifest says', async () => {
  const { provider, images, embeddings, speech, media, catalog } = register();
  const [choice] = manifest.providerAuthChoices;
  const [method] = provider.auth;
  assert.deepEqual([entry.id, provider.id, images.id], [manifest.id, manifest.providers[0], manifest.contracts.imageGenerationProviders[0]]);
  const { embeddingProviders, speechProviders, mediaUnderstandingProviders } = manifest.contracts;
  assert.deepEqual([[embeddings.id], [speech.id], [media.id]], [embeddingProviders, speechProviders, mediaUnderstandingProviders]);
  const { capabilities, defaultModels } = media;
  assert.deepEqual(manifest.mediaUnderstandingProviderMetadata, { [media.id]: { capabilities, defaultModels } });
  assert.deepEqual(provider.envVars, manifest.setup.providers[0].envVars);
  assert.deepEqual([method.options.flagName, method.options.optionKey, method.options.methodId, method.options.label, method.options.hint],
    [choice.cliFlag, choice.optionKey, choice.method, choice.choiceLabel, choice.choiceHint]);
  const { choiceId, groupId, groupLabel, groupHint, onboardingScopes } = choice;
  assert.deepEqual(method.options.wizard, { choiceId, groupId, groupLabel, groupHint, onboardingScopes, choiceLabel: choice.choiceLabel, methodId: choice.method });
  assert.equal(choice.cliOption, `${choice.cliFlag} <key>`);
  assert.match(provider.buildMissingAuthMessage(), /^Portkey API key missing/);
  assert.equal(provider.supportsSystemPromptCacheBoundary, true);
  assert.deepEqual(await catalog.staticCatalog(), [
    { kind: 'text', provider: 'portkey', model: '@anthropic/claude-sonnet-4-5', label: 'Claude Sonnet 4.5', source: 'static' }]);
});

test('the versions of package, manifest and OpenClaw agree', () => {
  assert.equal(pkg.version, manifest.version);
  const { compat, build, install } = pkg.openclaw;
  assert.deepEqual([compat.pluginApi, install.minHostVersion, pkg.peerDependencies.openclaw], [`>=${build.openclawVersion}`, `>=${build.openclawVersion}`, `>=${build.openclawVersion}`]);
  assert.equal(json('../e2e/package.json').dependencies.openclaw, build.openclawVersion);
});

test('onboarding takes the base URL and the model of the command line', async () => {
  const [method] = register().provider.auth;
  const context = { config: {}, opts: { customBaseUrl: ' http://h/v1/ ', customModelId: ' portkey/@openai/gpt' } };
  const { configPatch } = await method.run(context);
  for (const config of [await method.runNonInteractive(context), configPatch]) {
    assert.equal(config.models.providers.portkey.baseUrl, 'http://h/v1');
    assert.deepEqual(config.models.providers.portkey.models.map((/** @type {any} */ model) => model.id), ['@openai/gpt'], 'and no other beside it');
    assert.equal(config.agents.defaults.model.primary, 'portkey/@openai/gpt');
  }
  const { configPatch: hosted } = await method.run({ config: {} });
  assert.equal(hosted.models.providers.portkey.baseUrl, 'https://api.portkey.ai/v1');
});

test('onboarding says what is doubtful in what it was given', async () => {
  const [method] = register().provider.auth;
  /** @type {string[]} */ const said = [];
  const tell = (/** @type {string} */ text) => { said.push(text); };
  const context = { config: {}, opts: { customBaseUrl: 'http://127.0.0.1:8787' }, runtime: { error: tell }, prompter: { note: tell } };
  await method.runNonInteractive(context);
  await method.run(context);
  assert.equal(said.length, 2);
  for (const text of said) assert.match(text, /^models\.providers\.portkey\.baseUrl: The base URL usually ends in \/v1/);
  said.length = 0;
  await method.runNonInteractive({ ...context, opts: { customBaseUrl: 'http://127.0.0.1:8787/v1' } });
  assert.deepEqual(said, []);
  await assert.rejects(method.runNonInteractive({ ...context, opts: { customBaseUrl: '127.0.0.1:8787/v1' } }), /base URL/);
});

test('an OpenClaw whose private entries lack something is told of, and asked again', async () => {
  await assert.rejects(transport(async () => { throw new Error('Cannot find module'); }), /does not fit this version of OpenClaw/);
  const whole = { ...await import('openclaw/plugin-sdk/provider-transport-runtime'), ...await import('openclaw/plugin-sdk/provider-stream-shared') };
  for (const name of ['buildGuardedModelFetch', 'buildOpenAICompletionsParams', 'notifyProviderHttpResponse', 'parseTerminalToolCallArguments', 'notifyLlmRequestActivity']) {
    await assert.rejects(transport(async () => ({ ...whole, [name]: undefined })), /does not fit this version of OpenClaw/, name);
  }
  assert.ok(await transport());
});

test('OpenClaw\'s request settings go along with calls that are not chats', () => {
  const request = { headers: { a: '1' }, auth: { mode: 'header', headerName: 'X-Auth', value: 'v', prefix: 'p ' }, proxy: { mode: 'env-proxy' } };
  const model = pseudoModel({ headers: { b: '2' }, request }, 'http://h/v1');
  assert.deepEqual(model.headers, { a: '1', b: '2', 'X-Auth': 'p v' });
  assert.equal(/** @type {any} */ (model)[Symbol.for('openclaw.modelProviderRequestTransport')], request);
});

test('errors', () => {
  const error = toError({ payload: { kind: 'rate-limited', message: 'Too many', hint: 'Wait', status: 429, traceId: 't', retryAfterMs: 1500n } });
  assert.equal(error.message, '429: Too many. Wait (trace id t); Retry-After: 1.5 seconds');
  assert.equal(toError({ kind: 'transport', message: 'It broke.', hint: 'Try again.' }).message, 'It broke. Try again', 'OpenClaw ends it');
  assert.equal(classifyFailoverReason({ errorType: error.type }), 'rate_limit');
  assert.equal(classifyFailoverReason({ errorType: 'invalid-request' }), undefined);
  const failed = (/** @type {string} */ errorMessage) => classifyFailoverReason({ errorType: 'overloaded', errorMessage });
  assert.deepEqual([failed('529: Overloaded'), failed('500: The server had an error')], ['overloaded', 'server_error']);
  assert.equal(classifyFailoverReason({ errorType: 'unauthorized', status: 401 }), undefined, 'OpenClaw reads more in it');
  assert.equal(classifyFailoverReason({ errorType: 'unauthorized' }), 'auth');
  assert.equal(toError(new TypeError('x')).message, 'x');
});

test('what one model is refused for is short enough for OpenClaw to show, with the hint and the trace id', () => {
  const hint = 'Check the key.';
  const { message } = toError({ kind: 'unauthorized', origin: 'upstream', message: `Wrong key: ${'😀'.repeat(200)}`, hint, status: 401, traceId: 't' });
  assert.match(message, /^Wrong key: .*… Check the key \(or see its plan and subscription\) \(trace id t\)$/);
  assert.ok(message.length <= 300 && message.isWellFormed(), message);
  const whole = toError({ kind: 'quota-exceeded', origin: 'gateway', message: 'x'.repeat(400), hint, status: 412 });
  assert.ok(whole.message.length > 400, 'of a key it is told whole');
});

test('a failure of one model is none of the key, in the words of its error and in those of OpenClaw', () => {
  for (const [error, type] of /** @type {[any, string][]} */ ([
    [{ kind: 'unauthorized', origin: 'upstream', status: 401 }, 'model-refused'],
    [{ kind: 'quota-exceeded', origin: 'upstream', status: 429 }, 'model-refused'],
    [{ kind: 'quota-exceeded', origin: 'gateway', status: 412, hint: 'The budget of this provider is used up' }, 'model-refused'],
    [{ kind: 'forbidden', origin: 'gateway', status: 403, hint: "Allow this model for the provider in Portkey's Model Catalog, or choose another." }, 'model-refused'],
    [{ kind: 'unauthorized', origin: 'gateway', status: 401 }, 'unauthorized'],
    [{ kind: 'quota-exceeded', origin: 'gateway', status: 412 }, 'quota-exceeded'],
    [{ kind: 'rate-limited', origin: 'upstream', status: 429 }, 'rate-limited'],
  ])) {
    const { type: is, message, code, status } = toError({ message: 'No', requestSent: true, ...error });
    const ofModel = is === 'model-refused';
    assert.equal(is, type);
    // a status in the words, or a code, would be the key's for OpenClaw
    assert.deepEqual([/^4\d\d: /.test(message), code === undefined], [!ofModel, ofModel], message);
    if (ofModel) assert.equal(classifyFailoverReason({ errorType: is, errorMessage: message, status }), 'rate_limit');
    // OpenClaw 2026.9.6: RATE_LIMIT_SPECIFIC_HINT_RE, without which it shows its own words, and LONG_WINDOW_RATE_LIMIT_RE, without which it waits
    if (ofModel) for (const words of [/\bplan\b|\bquota\b/, /\bsubscription\b|\bout of budget\b/]) assert.match(message, words);
  }
});
