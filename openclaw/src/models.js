/** The model catalog: which models there are, and what OpenClaw is told about each. */
import { getRuntimeConfigSourceSnapshot } from 'openclaw/plugin-sdk/runtime-config-snapshot';
import { descriptor } from '../component/descriptor.js';
import { traitsOf, use } from './component.js';
import { baseUrlOf, connect, pluginOptions, providerConfig, urlIn } from './config.js';
import { toError } from './errors.js';
import { entries, modelId } from './excerpt.js';
import { pseudoModel, transport } from './host.js';
import { askCosts, isSet, knownCosts } from './prices.js';

const { defaultModel } = descriptor;
const api = /** @type {'openai-completions'} */ (descriptor.api);

/** OpenClaw's thinking levels that switch reasoning on. */
const LEVELS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** @param {Record<string, unknown>} fields @returns {Record<string, any>} those that have a value */
const defined = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The model that the user says an id stands for; most ids stand for themselves. @param {string} id @param {any} config @returns {string} */
export function modelBehind(id, config) {
  const { modelFamilies } = pluginOptions(config);
  // A gateway names models as it likes: `constructor` is one of nobody's families.
  const behind = modelFamilies && Object.hasOwn(modelFamilies, id) && modelFamilies[id];
  return typeof behind === 'string' ? behind : id; // the component's `lint` reports any other
}

/** What is known of the model behind an id. @param {string} id @param {any} config */
export const traitsIn = (id, config) => traitsOf(modelBehind(id, config));

/**
 * What the component knows of a model, in the terms of OpenClaw's models: `compat` makes OpenClaw's builder do the right thing.
 * What is not known is absent.
 * @param {string} id
 * @param {any} config
 * @param {ReturnType<typeof knownCosts>} costs
 */
function knownOf(id, config, costs) {
  const traits = traitsIn(id, config);
  const efforts = traits.reasoningEfforts.length ? traits.reasoningEfforts : undefined;
  const hasMarkers = traits.promptCache === 'markers' || undefined;
  const hasKey = traits.promptCache === 'key' || undefined;
  const compat = defined({
    // the builder then keeps the stable part of the system text apart, and OpenClaw hands over `cacheRetention`
    cacheControlFormat: hasMarkers && 'anthropic',
    supportsPromptCacheKey: hasKey,
    supportsLongCacheRetention: hasKey && false, // the component asks for it of the models that have it
    maxTokensField: traits.limitField?.replaceAll('-', '_'),
    supportsReasoningEffort: (traits.reasoning && traits.thinkingFormat !== undefined) || undefined,
    supportedReasoningEfforts: efforts,
    thinkingFormat: traits.thinkingFormat === 'object' ? 'openrouter' : undefined,
  });
  return defined({
    reasoning: traits.reasoning,
    thinkingLevelMap: efforts && Object.fromEntries(LEVELS.map((level) => [level, efforts.includes(level) ? level : null])),
    input: traits.imageInput === undefined ? undefined : traits.imageInput ? ['text', 'image'] : ['text'],
    contextWindow: traits.contextTokens,
    maxTokens: traits.maxOutputTokens,
    cost: costs(id),
    compat: Object.keys(compat).length ? compat : undefined,
  });
}

/**
 * A model as OpenClaw describes it. Of a model that only the gateway knows, it assumes little.
 * @param {string} id @param {any} [config] @returns {any}
 */
export function describeModel(id, config, costs = knownCosts(config)) {
  const { name, reasoning, imageInput, contextTokens, maxOutputTokens } = id === defaultModel.id ? defaultModel
    : { name: id, reasoning: false, imageInput: true, contextTokens: 128_000, maxOutputTokens: 8192 };
  return {
    id,
    name,
    reasoning,
    input: imageInput ? ['text', 'image'] : ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: contextTokens,
    maxTokens: maxOutputTokens,
    ...knownOf(id, config, costs),
  };
}

/**
 * What the user wrote of a model, and the entry that lists it. As OpenClaw finds them: ids are trimmed, the first entry that lists the
 * model counts, and of several rows of one id the first that says a thing.
 * @param {any} config @param {string} id @returns {{ entry: any, row: any }}
 */
function listed(config, id) {
  for (const [, entry] of entries(config, descriptor.id)) {
    const models = Array.isArray(entry?.models) ? entry.models : [];
    const named = (/** @type {(written: string) => string} */ idOf) => models.filter((/** @type {any} */ row) => typeof row?.id === 'string' && idOf(row.id) === id.trim());
    const exact = named((written) => written.trim());
    const rows = exact.length ? exact : named((written) => modelId(written, descriptor.id));
    if (rows.length) return { entry, row: rows.reduceRight((/** @type {any} */ said, /** @type {any} */ row) => ({ ...said, ...row }), {}) };
  }
  return { entry: {}, row: {} };
}

/** What the user wrote of a model. @param {any} config @param {string} id @returns {any} */
export const configuredModel = (config, id) => listed(config, id).row;

/**
 * OpenClaw's hook for a model that it is about to use: what the user wrote wins over what the component knows, which wins over
 * OpenClaw's own defaults. OpenClaw hands over a configuration with its defaults filled in, so what was written is looked up in
 * the one that it read.
 * @param {{ config?: any, model: any }} context
 * @param {() => any} [source] the configuration as it was read
 */
export function normalizeResolvedModel({ config, model }, source = getRuntimeConfigSourceSnapshot) {
  const read = source() ?? config;
  const { entry, row } = listed(read, model.id);
  const written = defined({ maxTokens: providerConfig(read).maxTokens, ...row });
  if (!isSet(written.cost)) delete written.cost; // onboarding writes zeros
  const { compat, ...known } = knownOf(model.id, config, knownCosts(config));
  const hasOwnEfforts = model.compat?.supportedReasoningEfforts ?? model.compat?.reasoningEffortMap;
  if (hasOwnEfforts) delete known.thinkingLevelMap;
  const added = Object.fromEntries(Object.entries(known).filter(([name]) => !(name in written)));
  // There is one API that the gateway is asked in. Where the entry names another, OpenClaw may have changed the base URL for it:
  // for `anthropic-messages` it takes the /v1 off.
  const way = model.api === api ? {} : { api, baseUrl: urlIn(row) ?? urlIn(entry) ?? baseUrlOf(read) };
  const normal = { ...model, ...way, ...added, ...(compat && { compat: { ...compat, ...model.compat } }) };
  return normal.maxTokens > normal.contextWindow ? { ...normal, maxTokens: normal.contextWindow } : normal;
}

/**
 * OpenClaw's hook for the levels that a model may be asked to think at. OpenClaw knows them of a model that a catalog describes. It
 * takes one for a model that does not think whose row in the configuration does not say `reasoning`, and any other for one that
 * thinks as most do.
 * @param {{ modelId: string, reasoning?: boolean, thinkingLevelMap?: object, compat?: any }} context
 * @param {() => any} [source] the configuration as it was read
 * @returns {{ levels: { id: any }[], preserveWhenCatalogReasoningFalse: boolean } | undefined}
 */
export function resolveThinkingProfile({ modelId, reasoning, thinkingLevelMap, compat }, source = getRuntimeConfigSourceSnapshot) {
  const config = source();
  const isDescribed = thinkingLevelMap || compat?.supportedReasoningEfforts;
  const { family, reasoning: reasons, reasoningEfforts, thinkingFormat } = traitsIn(modelId, config);
  if (reasons === undefined || 'reasoning' in configuredModel(config, modelId) || (reasoning && isDescribed)) return undefined;
  // The usual ones each model has: where it has no word for one, the component takes the nearest.
  const levels = !reasons ? ['off'] : [
    'off',
    ...LEVELS.filter((level) => !['xhigh', 'max'].includes(level) || reasoningEfforts.includes(level)),
    ...(family === 'claude' && thinkingFormat === 'effort' ? ['adaptive'] : []),
  ];
  return { levels: levels.map((id) => ({ id })), preserveWhenCatalogReasoningFalse: reasons };
}

/** A model and the key that it is asked with, as onboarding writes the default one: no id, and OpenClaw would list it as another model. */
const isWithProfile = (/** @type {string} */ id) => id.slice(id.lastIndexOf('/') + 1).includes(`@${descriptor.id}:`);

/** OpenClaw's hook for an id that no catalog holds: the gateway decides. @param {{ modelId: string, config?: any }} context */
export const resolveDynamicModel = ({ modelId, config }) => (isWithProfile(modelId) ? undefined : {
  ...describeModel(modelId, config), provider: descriptor.id, api, baseUrl: baseUrlOf(config),
});

/** What names of models that do not chat begin with, or hold: OpenClaw takes what is in this catalog for a chat model. */
const NO_CHAT = /(^|[-_.:])(embed|rerank|moderation|whisper|tts|transcribe|realtime|dall-e|imagen|(chat)?gpt-image|sora|veo|stable-diffusion|flux)/;

/** Whether the model chats, as far as its name tells. @param {string} id */
export const isChat = (id) => !NO_CHAT.test(id.split('/').at(-1)?.toLowerCase() ?? '');

/** Most models of the catalog: some gateways list thousands, and one that means ill millions, each of which takes OpenClaw time. */
const MOST = 10_000;

/** @param {any} config @param {string} apiKey @param {AbortSignal} [signal] */
async function listModels(config, apiKey, signal) {
  const { buildGuardedModelFetch } = await transport();
  const model = pseudoModel(providerConfig(config), baseUrlOf(config));
  const { connection, ...egress } = connect({ config, apiKey, headers: model.headers ?? {} });
  return use({ ...egress, signal, fetch: buildGuardedModelFetch(model, undefined, { sanitizeSse: false }) }, async ({ models }) => models.list(connection));
}

/**
 * OpenClaw's catalog hook: what GET /models gives.
 * @param {any} context
 * @param {{ warn: (message: string) => void }} logger
 * @returns {Promise<any>}
 */
export async function runCatalog(context, logger) {
  if (context.providerIds && !context.providerIds.includes(descriptor.id)) return null;
  const { apiKey, discoveryApiKey, profileId } = context.resolveProviderApiKey(descriptor.id);
  if (!apiKey) return null;
  const outcome = { provider: descriptor.id, ...(profileId && { profileId }) };
  try {
    const entries = await listModels(context.config, discoveryApiKey ?? apiKey, context.signal);
    if (entries.length > MOST) logger.warn(`Portkey: the gateway lists ${entries.length} models, of which OpenClaw is told the first ${MOST}.`);
    const ids = entries.slice(0, MOST).map(({ id }) => id).filter(isChat);
    await askCosts(context.config, ids, context.signal);
    const costs = knownCosts(context.config);
    return {
      provider: { baseUrl: baseUrlOf(context.config), api, apiKey, models: ids.map((id) => describeModel(id, context.config, costs)) },
      outcomes: [{ ...outcome, status: 'ready' }],
    };
  } catch (thrown) {
    const error = toError(thrown);
    logger.warn(`Portkey: the model list is not available. ${error.message}`);
    const rejected = error.type === 'unauthorized' || error.type === 'forbidden';
    return { providers: {}, outcomes: [{ ...outcome, ...(rejected ? { status: 'auth-rejected', rejectionScope: 'catalog' } : { status: 'unavailable' }) }] };
  }
}

/**
 * Whether the model keeps the start of a prompt for a time that OpenClaw can reckon with.
 * @param {{ modelId: string, config?: any }} context
 */
export const isCacheTtlEligible = ({ modelId, config }) => traitsIn(modelId, config).promptCache === 'markers';

/** The default model alone: shown before there is a key. */
export const runStaticCatalog = async () => ({ provider: { baseUrl: descriptor.defaultBaseUrl, api, models: [describeModel(defaultModel.id)] } });

/**
 * What a catalog hook gave, as rows of the catalog that takes the hooks' place.
 * @param {any} result @param {'live' | 'static'} source
 */
export const toRows = (result, source) => (result?.provider?.models ?? [])
  .map((/** @type {any} */ { id, name }) => ({ kind: 'text', provider: descriptor.id, model: id, label: name, source }));
