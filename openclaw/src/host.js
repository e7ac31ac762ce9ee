/**
 * What the adapter needs from OpenClaw beyond its public SDK: the fetch of OpenClaw's own model providers, with the
 * user's private-network, proxy, TLS and timeout settings and pooled connections, the builder that writes their requests, the
 * reader of a tool call's arguments, and the way to say that a call goes on.
 * No public entry offers them, so they are imported when first needed. If they are missing, an error says so.
 */

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Context} Context */
/** @typedef {import('./openclaw.js').StreamOptions} StreamOptions */

/**
 * @typedef {object} Transport
 * @property {(model: Model, timeoutMs?: number, options?: { sanitizeSse?: boolean }) => (url: URL, init: RequestInit) => Promise<Response>} buildGuardedModelFetch
 * @property {(model: Model, context: Context, options: StreamOptions) => Record<string, any>} buildOpenAICompletionsParams
 * @property {(of: { options: StreamOptions, response: Response, model: Model, signal: AbortSignal }) => Promise<void>} notifyProviderHttpResponse
 * calls `onResponse`, and tells OpenClaw's diagnostics that the call was accepted
 * @property {(json: string, complaint: string, options: { repairStringLiterals: true }) => Record<string, any>} parseTerminalToolCallArguments
 * keeps the digits of large numbers, and marks its error so that OpenClaw asks the model again
 * @property {(signal: AbortSignal | undefined) => void} notifyLlmRequestActivity
 * tells OpenClaw that a call goes on: it gives one up from which nothing comes for some time, and much of what a model sends while
 * it thinks makes no event
 */

/** Where OpenClaw keeps `models.providers.<id>.request` on a model. */
const REQUEST = Symbol.for('openclaw.modelProviderRequestTransport');

/**
 * Where OpenClaw's guarded fetch looks up who may still send, before each request: before each hop of a redirect as well. It
 * takes no option that would keep it from following redirects, same-origin ones with the key.
 */
const AUTHORITY = Symbol.for('openclaw.guardedFetchRequestAuthority');

/** What to tell a user whose OpenClaw has another transport. @param {unknown} cause */
const misfit = (cause) => new Error('The Portkey plugin does not fit this version of OpenClaw: '
  + 'openclaw/plugin-sdk is missing what it needs. Update the plugin, or use OpenClaw 2026.9.6.', { cause });

/** A redirect of an API call: a wasi:http error. */
class Redirected extends Error {
  code = 'ERR_REDIRECT'; // so that OpenClaw takes it for no connection that broke
  tag = 'internal-error';
  val = 'the server answered with a redirect, which is not followed: set the base URL to where it leads';
  constructor() { super('a redirect is not followed'); }
}

/**
 * The same fetch, which sends one request and no second one.
 * @param {ReturnType<Transport['buildGuardedModelFetch']>} guarded
 * @returns {ReturnType<Transport['buildGuardedModelFetch']>}
 */
const withoutRedirects = (guarded) => async (url, init) => {
  const authority = /** @type {any} */ (globalThis)[AUTHORITY];
  if (typeof authority?.run !== 'function') throw misfit('it asks nobody before it sends');
  const inherited = authority.getStore();
  let sent = 0;
  const ask = () => {
    inherited?.();
    if (sent) throw new Redirected();
    sent = 1;
  };
  const response = await authority.run(ask, () => guarded(url, init));
  if (!sent) {
    response.body?.cancel().catch(() => {});
    throw misfit('it did not ask before it sent');
  }
  return response;
};

const NEEDED = [
  'buildGuardedModelFetch', 'buildOpenAICompletionsParams', 'notifyProviderHttpResponse', 'parseTerminalToolCallArguments', 'notifyLlmRequestActivity',
];

const entries = async () => ({
  ...await import('openclaw/plugin-sdk/provider-transport-runtime'),
  ...await import('openclaw/plugin-sdk/provider-stream-shared'),
});

/** @type {Promise<Transport> | undefined} */
let loading;

/**
 * @param {() => Promise<any>} [load] for tests
 * @returns {Promise<Transport>}
 */
export function transport(load = entries) {
  return (loading ??= load().then((entry) => {
    const { buildGuardedModelFetch } = entry;
    if (NEEDED.some((name) => typeof entry[name] !== 'function')) throw new Error('its exports have changed');
    return { ...entry, buildGuardedModelFetch: (/** @type {any[]} */ ...args) => withoutRedirects(buildGuardedModelFetch(...args)) };
  }).catch((cause) => {
    loading = undefined;
    throw misfit(cause);
  }));
}

/**
 * The whole body, or nothing where it is larger than that.
 * @param {Response} response
 * @param {number} most in bytes
 * @param {{ left: number }} [room] in bytes, of all bodies that are read at the same time
 */
export async function bodyUpTo({ body }, most, room = { left: Infinity }) {
  const chunks = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    room.left -= chunk.length;
    if (size > most || room.left < 0) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Most bytes of an answer to what anybody may ask. */
const MAX_ANONYMOUS = 256 * 1024;

/**
 * OpenClaw's fetch for what needs no key. The one for models would send headers of its own, and log each answer that is no success.
 * @param {string} baseUrl the user trusts its origin, wherever it is
 * @returns {(url: URL, init: RequestInit) => Promise<Response>}
 */
export const anonymousFetch = (baseUrl) => async (url, init) => {
  const { fetchWithSsrFGuard, ssrfPolicyFromHttpBaseUrlAllowedOrigin } = await import('openclaw/plugin-sdk/ssrf-runtime');
  const policy = ssrfPolicyFromHttpBaseUrlAllowedOrigin(baseUrl);
  const { signal } = init;
  const { response, release } = await fetchWithSsrFGuard({ url: String(url), init, policy, maxRedirects: 0, mode: 'trusted_env_proxy', ...(signal && { signal }) });
  try {
    const body = await bodyUpTo(response, MAX_ANONYMOUS);
    if (!body) throw new Error('the answer is too large');
    return new Response(body, { status: response.status, headers: response.headers });
  } finally {
    await release();
  }
};

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
