/** Calls of the component other than chat, with the configuration, key and transport that OpenClaw has for the provider. */
import { descriptor } from '../component/descriptor.js';
import { use } from './component.js';
import { baseUrlOf, connect, providerConfig } from './config.js';
import { toError } from './errors.js';
import { pseudoModel, transport } from './host.js';
import { configError } from './origin.js';
import { isReference } from './secrets.js';

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

/** What OpenClaw takes for the same place. @param {unknown} url */
const placeOf = (url) => {
  const { origin, pathname, search } = URL.parse(String(url).trim()) ?? {};
  return `${origin}${pathname?.replace(/\/$/, '')}${search}`;
};

/** Whether that is the provider's own place. @param {any} cfg OpenClaw's configuration @param {string | undefined} baseUrl */
export const isOwnPlace = (cfg, baseUrl) => (
  !baseUrl?.trim() || placeOf(baseUrl) === placeOf(baseUrlOf(cfg)));

/**
 * The configuration for a call to that place. What is the provider's goes to the provider's own base URL alone, as OpenClaw's own
 * features have it: its key, its headers, its client's certificate and the options of the plugin do not go to another place.
 * @param {any} cfg @param {string | undefined} baseUrl
 */
function configFor(cfg, baseUrl) {
  if (isOwnPlace(cfg, baseUrl)) return cfg;
  const { allowPrivateNetwork, proxy, tls } = providerConfig(cfg).request ?? {};
  return { models: { providers: { [descriptor.id]: { request: { allowPrivateNetwork, proxy, ...(tls?.ca && { tls: { ca: tls.ca } }) } } } } };
}

/** A signal that ends a call after so long, or with the caller's. @param {number} ms @param {AbortSignal} [signal] */
export const within = (ms, signal) => (signal ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : AbortSignal.timeout(ms));

/** The key that a feature has of its own. @param {unknown} apiKey @returns {string | undefined} */
function ownKey(apiKey) {
  if (apiKey === undefined || apiKey === null || apiKey === '') return undefined;
  if (typeof apiKey === 'string' && !isReference(apiKey)) return apiKey.trim();
  throw configError('The key for this feature, such as memory.search.remote.apiKey, is a reference that nothing has resolved',
    'Set what it refers to where OpenClaw runs');
}

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
    const baseUrl = instead.baseUrl?.trim() || undefined;
    const config = configFor(asked.cfg, baseUrl);
    const model = pseudoModel(providerConfig(config), baseUrl ?? baseUrlOf(config));
    const apiKey = ownKey(instead.apiKey) ?? (config === asked.cfg ? await findKey(auth, asked) : undefined);
    const headers = { ...model.headers, ...instead.headers };
    const { connection, ...egress } = connect({ config, apiKey, headers, baseUrl });
    const fetch = buildGuardedModelFetch(model, undefined, { sanitizeSse: false });
    return await use({ ...egress, signal, fetch }, (provider) => make(provider, connection));
  } catch (thrown) {
    throw toError(thrown);
  }
}
