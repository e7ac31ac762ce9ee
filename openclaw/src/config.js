/**
 * What of OpenClaw's configuration the component sees: the parts that it reads and writes, and no secret in them.
 * OpenClaw hands plugins its configuration with secrets filled in, so each is put back behind a reference, `${NAME}`.
 */
import { descriptor } from '../component/descriptor.js';
import { onboarding } from './component.js';

/** @typedef {Record<string, any>} Json */
/** @typedef {import('../component/interfaces/openclaw-provider-onboarding.js').Choices} Choices */
/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Connection} Connection */

const KEY = descriptor.credentials[0];

/** @param {string} id */
const isOurs = (id) => id.trim().toLowerCase() === descriptor.id;

/** @param {Json | undefined} providers */
const ours = (providers) => Object.entries(providers ?? {}).filter(([id]) => isOurs(id));

/** @param {Json | undefined} config @returns {Json} `models.providers.portkey`: of several in different case, the one that is written so */
export function providerConfig(config) {
  const entries = ours(config?.models?.providers);
  return (entries.find(([id]) => id === descriptor.id) ?? entries[0])?.[1] ?? {};
}

/**
 * Whether the component may read a header's value. It reads Portkey's own; a model provider's and any that may hold a
 * secret are attached by the adapter.
 * @param {string} name
 */
function isReadable(name) {
  const own = /^x-portkey-(.*)$/.exec(name.toLowerCase())?.[1];
  return own === 'virtual-key' || (own !== undefined && !/key|secret|token|passphrase|credential|service-account/.test(own));
}

const SECRET_WORDS = /(^|[-_])((key|apikey|session)($|[-_])|auth|cookie|cred|passp|passw|secret|token)|service-account/i;

/** Whether a header of this name carries a secret, by the words of the name. @param {string} name */
const namesASecret = (name) => SECRET_WORDS.test(name);

/** Of a secret that is JSON: shorter texts, such as `service_account`, are secrets only by their name: they stand in ordinary answers. */
const SHORTEST_IN_JSON = 16;

/** @param {unknown} json @param {string} [name] @returns {string[]} the lines of all its texts: a private key has many */
function lines(json, name = '') {
  if (Array.isArray(json)) return json.flatMap((item) => lines(item, name));
  if (typeof json !== 'string') return Object.entries(json ?? {}).flatMap(([name, value]) => lines(value, name));
  return json.split('\n').filter((line) => line.length >= SHORTEST_IN_JSON || (line && namesASecret(name)));
}

/** What to look for in answers: of `Bearer sk-1` what follows the scheme. @param {unknown} value @returns {string[]} */
function secretsIn(value) {
  if (typeof value !== 'string') return [];
  try {
    const json = JSON.parse(value);
    if (typeof json === 'object') return lines(json);
  } catch { /* most are no JSON */ }
  return value.split(/\s+/).filter((word) => !/^(basic|bearer|token)$/i.test(word));
}

/** Replaces secrets by references, and puts them back. */
class Concealment {
  /** @type {Map<string, unknown>} */ hidden = new Map();

  /** @param {unknown} value */
  hide(value) {
    const held = typeof value === 'string' ? value.trim() : value;
    const isSecret = typeof held === 'string' ? held && !/^\$\{[^}]*\}$/.test(held) : held && typeof held === 'object';
    if (!isSecret) return value;
    const reference = `\${OPENCLAW_HELD_${this.hidden.size + 1}}`;
    this.hidden.set(reference, held);
    return reference;
  }

  /** @param {Json} provider @returns {Json} */
  conceal(provider) {
    const headers = provider.headers && Object.fromEntries(Object.entries(provider.headers)
      .map(([name, value]) => [name, isReadable(name) && typeof value === 'string' ? value : this.hide(value)]));
    const models = Array.isArray(provider.models) ? provider.models.map((model) => this.concealModel(model)) : provider.models;
    return { ...provider, headers, models, apiKey: this.hide(provider.apiKey), request: this.hide(provider.request) };
  }

  /** @param {unknown} model of which the component reads the id alone */
  concealModel(model) {
    if (!model || typeof model !== 'object') return model;
    const { headers, params, request } = /** @type {Json} */ (model);
    return { ...model, headers: this.hide(headers), params: this.hide(params), request: this.hide(request) };
  }

  /** @param {string} json @returns {Json} */
  reveal(json) {
    return JSON.parse(json, (_, value) => (this.hidden.has(value) ? this.hidden.get(value) : value));
  }
}

/** The parts of the configuration that the component reads and writes. @param {Json} config @param {[string, Json][]} providers */
const excerpt = (config, providers) => ({
  models: { mode: config.models?.mode, providers: Object.fromEntries(providers) },
  agents: { defaults: { model: config.agents?.defaults?.model, models: config.agents?.defaults?.models } },
  plugins: { entries: { [descriptor.id]: { config: config.plugins?.entries?.[descriptor.id]?.config } } },
});

/**
 * The configuration with Portkey merged in by the component.
 * @param {'applyConfig' | 'applyProviderConfig'} apply
 * @param {Json} config
 * @param {Choices} [choices]
 * @returns {any}
 */
export function merge(apply, config, choices = {}) {
  const secrets = new Concealment();
  const seen = excerpt(config, ours(config.models?.providers).map(([id, provider]) => [id, secrets.conceal(provider)]));
  const merged = secrets.reveal(onboarding()[apply](JSON.stringify(seen), choices));
  const others = Object.entries(config.models?.providers ?? {}).filter(([id]) => !isOurs(id));
  return {
    ...config,
    models: { ...config.models, ...merged.models, providers: { ...Object.fromEntries(others), ...merged.models?.providers } },
    agents: { ...config.agents, defaults: { ...config.agents?.defaults, ...merged.agents?.defaults } },
  };
}

/** @type {{ json: string, connection: Connection } | undefined} the one resolved last: it is asked for before every call */
let resolved;

/** @param {string} json @param {boolean} isHeld whether there is a key @returns {Connection} */
function resolveConnection(json, isHeld) {
  if (!isHeld) return onboarding().resolveConnection(json, []);
  if (resolved?.json !== json) resolved = { json, connection: onboarding().resolveConnection(json, [KEY.id]) };
  return resolved.connection;
}

/**
 * How to reach Portkey: what the component may know, and what the adapter attaches at the boundary.
 * @param {object} from
 * @param {Json | undefined} from.config OpenClaw's
 * @param {string | undefined} from.apiKey
 * @param {Record<string, string>} from.headers of the provider and the model
 * @param {Record<string, string>} [from.extra] headers for this call, which the component need not see
 * @param {string} [from.baseUrl] where the model has one of its own
 * @param {Json[]} [from.models] what the user wrote of the model that is called
 */
export function connect({ config, apiKey, headers, extra = {}, baseUrl, models }) {
  const { models: _, ...rest } = providerConfig(config);
  const provider = new Concealment().conceal({ ...rest, ...(baseUrl && { baseUrl }), ...(models && { models }), headers });
  const held = Object.entries(headers).filter(([name]) => !isReadable(name));
  const configured = held.find(([name]) => name.toLowerCase() === KEY.header)?.[1];
  const key = apiKey ? KEY.prefix + apiKey : configured;
  const attached = [...held, ...Object.entries(extra)];
  if (key) attached.push([KEY.header, key]);
  const auth = rest.request?.auth; // which may name any header
  const connection = resolveConnection(JSON.stringify(excerpt(config ?? {}, [[descriptor.id, provider]])), Boolean(key));
  return {
    connection,
    origin: new URL(connection.baseUrl).origin,
    secrets: [...attached.filter(([name]) => namesASecret(name)).map(([, value]) => value), auth?.token, auth?.value]
      .flatMap(secretsIn),
    reserved: [KEY.header, ...held.map(([name]) => name.toLowerCase())],
    attached,
  };
}

