/** Calls of the component other than chat, with the configuration, key and transport that OpenClaw has for the provider. */
import { descriptor } from '../component/descriptor.js';
import { use } from './component.js';
import { connect, providerConfig } from './config.js';
import { toError } from './errors.js';
import { pseudoModel, transport } from './host.js';

/** @typedef {import('../component/provider.js').Root} Provider */
/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Connection} Connection */

/**
 * @typedef {object} ModelAuth OpenClaw's `api.runtime.modelAuth`
 * @property {(request: object) => Promise<{ apiKey?: string }>} resolveApiKeyForProvider
 * @property {(request: object) => boolean} isProviderApiKeyConfigured
 */

/**
 * @typedef {object} Asked on whose behalf is called
 * @property {any} cfg OpenClaw's configuration
 * @property {string} [agentDir]
 * @property {any} [authStore]
 * @property {string} [profile] of the keys
 * @property {string} [preferredProfile]
 */

/**
 * @typedef {object} Instead what a feature of OpenClaw has in the place of the provider's own
 * @property {string} [baseUrl]
 * @property {unknown} [apiKey]
 * @property {Record<string, string>} [headers]
 */

/** A model's id as the component takes it: OpenClaw may write the provider's before it. @param {string | undefined} model */
export const ownId = (model) => (model?.startsWith(`${descriptor.id}/`) ? model.slice(descriptor.id.length + 1) : model) || undefined;

/** @param {ModelAuth} auth @param {Asked} asked @returns {Promise<string | undefined>} none: the component says what is missing */
const findKey = (auth, { cfg, agentDir, authStore, profile, preferredProfile }) => auth.resolveApiKeyForProvider({
  provider: descriptor.id, cfg, agentDir, store: authStore, ...(profile && { profileId: profile }), ...(preferredProfile && { preferredProfile }),
}).then(({ apiKey }) => apiKey, () => undefined);

/**
 * @template T
 * @param {ModelAuth} auth
 * @param {Asked} asked
 * @param {AbortSignal} signal
 * @param {(provider: Provider, connection: Connection) => Promise<T> | T} make
 * @param {Instead} [instead]
 * @returns {Promise<T>}
 */
export async function call(auth, asked, signal, make, instead = {}) {
  try {
    const { buildGuardedModelFetch } = await transport();
    const settings = providerConfig(asked.cfg);
    const model = pseudoModel(settings, instead.baseUrl ?? settings.baseUrl ?? descriptor.defaultBaseUrl);
    const apiKey = typeof instead.apiKey === 'string' && instead.apiKey ? instead.apiKey : await findKey(auth, asked);
    const headers = { ...model.headers, ...instead.headers };
    const { connection, ...egress } = connect({ config: asked.cfg, apiKey, headers, baseUrl: instead.baseUrl });
    const fetch = buildGuardedModelFetch(model, undefined, { sanitizeSse: false });
    return await use({ ...egress, signal, fetch }, (provider) => make(provider, connection));
  } catch (thrown) {
    throw toError(thrown);
  }
}
