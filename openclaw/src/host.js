/**
 * What the adapter needs of OpenClaw beyond its public SDK: the fetch that OpenClaw's own model providers use, with the
 * user's private-network, proxy, TLS and timeout settings and pooled connections, and the builder that writes their requests.
 * No public entry offers either, so they are imported when first needed, and their absence is an error that says so.
 */

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Context} Context */
/** @typedef {import('./openclaw.js').StreamOptions} StreamOptions */

/**
 * @typedef {object} Transport
 * @property {(model: Model, timeoutMs?: number, options?: { sanitizeSse?: boolean }) => (url: URL, init: RequestInit) => Promise<Response>} buildGuardedModelFetch
 * @property {(model: Model, context: Context, options: StreamOptions) => Record<string, any>} buildOpenAICompletionsParams
 */

/** Where OpenClaw keeps `models.providers.<id>.request` on a model. */
const REQUEST = Symbol.for('openclaw.modelProviderRequestTransport');

/** @type {Promise<Transport> | undefined} */
let loading;

/**
 * @param {() => Promise<any>} [load] for tests
 * @returns {Promise<Transport>}
 */
export function transport(load = () => import('openclaw/plugin-sdk/provider-transport-runtime')) {
  return (loading ??= load().then((entry) => {
    if (entry.buildGuardedModelFetch && entry.buildOpenAICompletionsParams) return entry;
    throw new Error('its exports have changed');
  }).catch((cause) => {
    loading = undefined;
    throw new Error('The Portkey plugin does not fit this version of OpenClaw: '
      + 'openclaw/plugin-sdk/provider-transport-runtime is missing what it needs. Update the plugin, or use OpenClaw 2026.9.6.', { cause });
  }));
}

/**
 * A model as OpenClaw's transport takes it, for calls that are not chats.
 * @param {Record<string, any>} provider `models.providers.portkey`
 * @param {string} baseUrl
 * @returns {Model}
 */
export function pseudoModel(provider, baseUrl) {
  const { request } = provider;
  const authHeader = request?.auth?.mode === 'authorization-bearer' ? { Authorization: `Bearer ${request.auth.token}` }
    : request?.auth?.mode === 'header' ? { [request.auth.headerName]: `${request.auth.prefix ?? ''}${request.auth.value}` } : {};
  return /** @type {any} */ ({
    id: 'portkey', provider: 'portkey', api: 'openai-completions', baseUrl,
    headers: { ...provider.headers, ...request?.headers, ...authHeader },
    ...(request && { [REQUEST]: request }),
  });
}
