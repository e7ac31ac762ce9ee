/** Which models there are. */
import { descriptor } from '../component/descriptor.js';
import { use } from './component.js';
import { connect, providerConfig } from './config.js';
import { toError } from './errors.js';
import { pseudoModel, transport } from './host.js';

const { defaultModel } = descriptor;
const api = /** @type {'openai-completions'} */ (descriptor.api);

/** @param {string} id @returns {any} A model as OpenClaw describes it. Of a model that only the gateway knows, it assumes little. */
export function describeModel(id) {
  const known = id === defaultModel.id ? defaultModel : { name: id, reasoning: false, imageInput: true, contextTokens: undefined, maxOutputTokens: undefined };
  return {
    id,
    name: known.name,
    reasoning: known.reasoning,
    input: known.imageInput ? ['text', 'image'] : ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: known.contextTokens ?? 128_000,
    maxTokens: known.maxOutputTokens ?? 8192,
  };
}

/** @param {any} config @returns {string} */
const baseUrl = (config) => providerConfig(config).baseUrl?.trim().replace(/\/$/, '') || descriptor.defaultBaseUrl;

/** OpenClaw's hook for an id that no catalog holds: the gateway decides. @param {{ modelId: string, config?: any }} context */
export const resolveDynamicModel = ({ modelId, config }) => ({ ...describeModel(modelId), provider: descriptor.id, api, baseUrl: baseUrl(config) });

/** @param {any} config @param {string} apiKey @param {AbortSignal} [signal] */
async function listModels(config, apiKey, signal) {
  const { buildGuardedModelFetch } = await transport();
  const model = pseudoModel(providerConfig(config), baseUrl(config));
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
    return {
      provider: { baseUrl: baseUrl(context.config), api, apiKey, models: entries.map(({ id }) => describeModel(id)) },
      outcomes: [{ ...outcome, status: 'ready' }],
    };
  } catch (thrown) {
    const error = toError(thrown);
    logger.warn(`Portkey: the model list is not available. ${error.message}`);
    const rejected = error.type === 'unauthorized' || error.type === 'forbidden';
    return { providers: {}, outcomes: [{ ...outcome, ...(rejected ? { status: 'auth-rejected', rejectionScope: 'catalog' } : { status: 'unavailable' }) }] };
  }
}

/** The default model alone: shown before there is a key. */
export const runStaticCatalog = async () => ({ provider: { baseUrl: descriptor.defaultBaseUrl, api, models: [describeModel(defaultModel.id)] } });
