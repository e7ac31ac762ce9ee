/**
 * What models cost, by the price list that the gateway's own origin may serve. It is asked without a key, and an answer is kept
 * for a day. A price that does not come is none: nothing waits for it long, and nothing fails for it.
 */
import { createHash } from 'node:crypto';
import { within } from './call.js';
import { use } from './component.js';
import { baseUrlOf, connect, pluginOptions, providerConfig } from './config.js';
import { anonymousFetch } from './host.js';

/** @typedef {{ input: number, output: number, cacheRead: number, cacheWrite: number }} Cost US dollars for a million tokens */
/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Usage} Usage */

const DAY = 24 * 60 * 60 * 1000;
/** How long nobody is asked after a failure, in ms. */
const PAUSE = 5 * 60 * 1000;
/** How long all questions of one catalog or reply together may take, in ms. */
const PATIENCE = 5000;
/** How long a reply that is there waits for its price, in ms. */
export const REPLY_PATIENCE = 1000;
const AT_ONCE = 8;
/** Of how many models of a catalog the price is asked: each is a request. */
const MOST = 50;
const MOST_KEPT = 4096;
/** Longest name of a model or a provider that is kept: a gateway calls them as it likes. */
const MAX_NAME = 256;
/** No model costs more for a million tokens: with such a price there is no sum of what a call cost. */
const MOST_DOLLARS = 1e9;

/** @type {Map<string, { cost: Cost | undefined, until: number }>} */
const kept = new Map();
/** @type {Map<string, number>} origins that failed, and until when they are left alone */
const failed = new Map();

/** Of a call that the gateway answered from its own cache. */
const NOTHING = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Whether somebody set these: zeros are what is written where no price is known. @param {Partial<Cost> | undefined} cost */
export const isSet = (cost) => Object.values(cost ?? {}).some((rate) => typeof rate === 'number' && rate > 0);

/** The cost of these tokens. @param {Omit<Usage, 'cost'>} tokens @param {Partial<Cost>} [rates] @returns {Usage['cost']} */
export function costOf({ input, output, cacheRead, cacheWrite }, rates = {}) {
  const price = (/** @type {number} */ tokens, /** @type {number | undefined} */ rate) => (tokens * (rate ?? 0)) / 1e6;
  const cost = { input: price(input, rates.input), output: price(output, rates.output), cacheRead: price(cacheRead, rates.cacheRead), cacheWrite: price(cacheWrite, rates.cacheWrite) };
  return { ...cost, total: cost.input + cost.output + cost.cacheRead + cost.cacheWrite };
}

/** Names of headers and options that only logs read, and that may be others for each call. As in the Rust host. */
const LOGGED = /trace|span|metadata/i;

/**
 * What the price of a model is kept under. With what decides who answers to its name, by the digest, since a secret may be among
 * it: other headers than Portkey's own do not.
 * @param {any} config OpenClaw's
 * @param {Record<string, string>} [headers]
 * @returns {(id: string, provider?: string) => string}
 */
function keys(config, headers = providerConfig(config).headers, baseUrl = baseUrlOf(config)) {
  const deciding = (/** @type {object} */ of) => Object.entries(of).filter(([name]) => !LOGGED.test(name));
  const own = deciding(headers ?? {}).filter(([name]) => /^x-portkey-/i.test(name));
  const route = createHash('sha256').update(JSON.stringify([own, deciding(pluginOptions(config))])).digest('base64');
  const origin = URL.parse(baseUrl)?.origin;
  return (id, provider = '') => JSON.stringify([origin, route, provider, id]);
}

/** What is kept, if anything. @param {string} key */
function find(key) {
  const found = kept.get(key);
  return found && found.until > Date.now() ? found : undefined;
}

/** The prices of models, where they were asked before. @param {any} config OpenClaw's @returns {(id: string) => Cost | undefined} */
export function knownCosts(config) {
  const keyOf = keys(config);
  return (id) => find(keyOf(id))?.cost;
}

/**
 * OpenClaw wants all four. What no price is told for is paid as other input is.
 * @param {import('../component/interfaces/openclaw-provider-prices.js').Price | undefined} price
 * @returns {Cost | undefined}
 */
export function toCost(price) {
  if (!price) return undefined;
  const { input, output, cacheRead = input, cacheWrite = input } = price;
  const cost = { input, output, cacheRead, cacheWrite };
  return Object.values(cost).every((rate) => rate >= 0 && rate <= MOST_DOLLARS) ? cost : undefined;
}

/**
 * Asks for prices at one place, with nothing of the user's but the base URL's origin. One that is reached by a proxy or with
 * certificates of the user's own is not asked: the way there may be nobody else's business.
 * @param {any} config OpenClaw's
 * @param {{ headers?: Record<string, string>, baseUrl?: string }} [model] where it has its own
 * @param {AbortSignal} [signal] when the answer is not needed any more
 * @returns {(id: string, provider?: string) => Promise<Cost | undefined>}
 */
function asking(config, { headers, baseUrl = baseUrlOf(config) } = {}, signal) {
  const { request, headers: configured = {} } = providerConfig(config);
  if (request?.proxy || request?.tls) return async () => undefined;
  const open = () => {
    const { connection, ...bounds } = connect({ config, apiKey: undefined, headers: headers ?? configured, baseUrl, isKeyless: true });
    return { connection: { ...connection, credentials: [] }, egress: { ...bounds, attached: [], filled: [], fetch: anonymousFetch(baseUrl) } };
  };
  /** @type {ReturnType<typeof open> | undefined} */ let opened;
  /** @type {AbortSignal | undefined} from the first question on */ let patience;
  const keyOf = keys(config, headers, baseUrl);
  return async (id, provider) => {
    const key = keyOf(id, provider);
    const found = find(key);
    if (found) return found.cost;
    const { origin } = URL.parse(baseUrl) ?? {};
    if (!origin || (failed.get(origin) ?? 0) > Date.now()) return undefined;
    try {
      const { connection, egress } = (opened ??= open());
      const cost = toCost(await use({ ...egress, signal: patience ??= within(PATIENCE, signal) }, async ({ prices }) => prices.priceOf(connection, id, provider)));
      if (id.length > MAX_NAME || (provider?.length ?? 0) > MAX_NAME) return cost;
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.set(key, { cost, until: Date.now() + DAY });
      return cost;
    } catch {
      if (!signal?.aborted) failed.set(origin, Date.now() + PAUSE);
      return undefined;
    }
  };
}

/** The models that agents may use by the configuration. @param {any} config @returns {string[]} ids */
function ofAgents(config) {
  const defaults = config?.agents?.defaults ?? {};
  const references = [defaults.model?.primary ?? defaults.model, ...(defaults.model?.fallbacks ?? []), ...Object.keys(defaults.models ?? {})];
  return references.filter((name) => typeof name === 'string' && name.startsWith('portkey/')).map((name) => name.slice('portkey/'.length));
}

/**
 * Asks for the prices of some of these models, those that the configuration names first; `knownCosts` has them then. One that
 * the user priced is not asked for.
 * @param {any} config OpenClaw's @param {string[]} ids @param {AbortSignal} [signal]
 */
export async function askCosts(config, ids, signal) {
  const { models } = providerConfig(config);
  /** @type {Map<string, any>} */
  const rows = new Map(Array.isArray(models) ? models.toReversed().map((row) => [row?.id, row]) : []); // of several of one id the first counts
  const own = new Set([...rows.keys(), ...ofAgents(config)]);
  const wanted = ids.filter((id) => !isSet(rows.get(id)?.cost)).sort((one, other) => Number(own.has(other)) - Number(own.has(one))).slice(0, MOST);
  const ask = asking(config, {}, signal);
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let id = wanted.shift(); id !== undefined && !signal?.aborted; id = wanted.shift()) await ask(id);
  }));
}

/**
 * The price that a reply is paid at. It is asked for while the reply is being written.
 * @param {any} config OpenClaw's
 * @param {Model} model
 */
export function priceOfReply(config, model) {
  const unneeded = new AbortController();
  const askFor = asking(config, model, unneeded.signal);
  let isNeeded = false;
  /** @type {Promise<Cost | undefined> | undefined} */ let asked;
  return {
    /**
     * Of the model that answers, which may be another than was asked.
     * @param {string} answered its name, by the reply
     * @param {import('../component/interfaces/openclaw-provider-types.js').GatewayReport} report
     */
    ask(answered, { provider, cacheStatus }) {
      if (cacheStatus?.toUpperCase().endsWith('HIT')) asked ??= Promise.resolve(NOTHING);
      else asked ??= provider ? askFor(answered, provider) : askFor(model.id);
    },
    /** The price, if it comes in time. One that comes later is kept for the next reply. @returns {Promise<Cost | undefined>} */
    async inTime() {
      isNeeded = true;
      const { promise: late, resolve } = Promise.withResolvers();
      const timer = setTimeout(resolve, REPLY_PATIENCE);
      return /** @type {any} */ (Promise.race([asked, late]).finally(() => clearTimeout(timer)));
    },
    /** After the reply: a price that it did not need is not waited for. */
    end() { if (asked && !isNeeded) unneeded.abort('the reply is over'); },
  };
}
