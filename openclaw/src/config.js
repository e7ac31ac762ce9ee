/**
 * What the component makes of OpenClaw's configuration: an entry merged into it, findings, and the connection for a call.
 * OpenClaw gives plugins its configuration with secrets filled in, so the component gets a `View` of it.
 */
import { descriptor } from '../component/descriptor.js';
import { withoutTakenAliases } from './aliases.js';
import { onboarding } from './component.js';
import { toError } from './errors.js';
import { at, entries, inSmall } from './excerpt.js';
import { checkMerge } from './merge-check.js';
import { configError, originOf } from './origin.js';
import { namesASecret, parsed, references, secretsIn } from './secrets.js';
import { View } from './view.js';
import { PARTS } from './wasi-http-types.js';

/** @typedef {Record<string, any>} Json */
/** @typedef {import('../component/interfaces/openclaw-provider-onboarding.js').Choices} Choices */
/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Connection} Connection */

const KEY = descriptor.credentials[0];

/**
 * @param {Json | undefined} config
 * @returns {Json} `models.providers.portkey`: of several in different case, the one that is written so
 */
export const providerConfig = (config) => entries(config, descriptor.id)[0]?.[1] ?? {};

/** Where an entry or a model says that it is called: blank is as good as nothing. @param {Json} of @returns {string | undefined} */
export const urlIn = ({ baseUrl }) => baseUrl?.trim().replace(/\/$/, '') || undefined;

/** @param {Json | undefined} config @returns {string} where the provider is called */
export const baseUrlOf = (config) => urlIn(providerConfig(config)) ?? descriptor.defaultBaseUrl;

/** @param {Json | undefined} config @returns {Json} the options of the plugin */
export function pluginOptions(config) {
  const options = config?.plugins?.entries?.[descriptor.id]?.config;
  return options && typeof options === 'object' && !Array.isArray(options) ? options : {};
}

/**
 * Whether the adapter attaches a header of this name, and the component does not read it: all but Portkey's own, since any may
 * hold a secret that OpenClaw has filled in for a reference, and of those the ones that are named so.
 * @param {string} name
 */
const isHeld = (name) => !/^x-portkey-/i.test(name) || namesASecret(name);

/** Whether it is an address on the web and no more, as an `HTTP-Referer` holds: answers may well name it. @param {string} text */
function isPlace(text) {
  const { protocol = '', username, password, search, hash } = URL.parse(text) ?? {};
  return /^https?:$/.test(protocol) && !username && !password && !search && !hash;
}

/** Of a reference that nobody resolved, the component would make nothing at all. @param {Json} options */
function refuseReferences(options) {
  for (const [name, value] of Object.entries(options)) {
    const [unresolved] = references(JSON.stringify(value) ?? '');
    if (unresolved) {
      throw configError(
        `plugins.entries.${descriptor.id}.config.${name} refers to \${${unresolved}}, which nothing has resolved`,
        `Set ${unresolved} in OpenClaw's environment, or write the value itself`);
    }
  }
}

/** What the component answers, or its error in words. @template T @param {() => T} ask @returns {T} */
function said(ask) {
  try {
    return ask();
  } catch (error) {
    throw toError(error);
  }
}

/**
 * The configuration with Portkey merged in by the component.
 * @param {'applyConfig' | 'applyProviderConfig'} apply
 * @param {Json} config
 * @param {Choices} [choices]
 * @returns {any}
 */
export function merge(apply, config, choices = {}) {
  const view = new View(config, descriptor.id, isHeld);
  const answer = view.mergeBack(config, said(() => onboarding[apply](view.json(), choices)));
  const merged = withoutTakenAliases(config, answer, descriptor.id);
  checkMerge(config, merged, descriptor, choices);
  return merged;
}

/** @param {Json} config @returns {string[]} what the component finds wrong or doubtful in it, a line each */
export const doubts = (config) => (
  onboarding.lint(new View(config, descriptor.id, isHeld).json()).map(({ path, message }) => `${path}: ${message}`));

/** @type {{ json: string, connection: Connection } | undefined} the one resolved last: it is asked for before every call */
let resolved;

/** @param {string} json @param {boolean} isKeyHeld @returns {Connection} */
function resolveConnection(json, isKeyHeld) {
  if (!isKeyHeld) return onboarding.resolveConnection(json, []);
  if (resolved?.json !== json) resolved = { json, connection: onboarding.resolveConnection(json, [KEY.id]) };
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
 * @param {boolean} [from.isKeyless] for what anybody may ask: a key is not missed
 */
export function connect({ config, apiKey, headers, extra = {}, baseUrl, models, isKeyless = false }) {
  const { models: _, ...rest } = providerConfig(config);
  const configured = baseUrl ?? rest.baseUrl;
  const origin = originOf((typeof configured === 'string' ? configured.trim() : configured) || descriptor.defaultBaseUrl);
  const options = pluginOptions(config);
  refuseReferences(options);

  const { auth, headers: more } = rest.request ?? {}; // which may name any header
  const isKept = (/** @type {string} */ name) => isHeld(name) || inSmall(name) === inSmall(auth?.headerName?.trim() ?? '');
  const held = Object.entries(headers).filter(([name]) => isKept(name));
  const given = held.find(([name]) => name.toLowerCase() === KEY.header)?.[1];
  const key = apiKey ? KEY.prefix + apiKey : given;
  const attached = [...held, ...Object.entries(extra)];
  if (key) attached.push([KEY.header, key]);
  const written = [...attached, ...Object.entries(more ?? {})];
  const [inParts] = written.find(([name]) => PARTS.includes(name.toLowerCase())) ?? [];
  if (inParts) throw configError(`The header ${inParts} asks for a part of an answer, in which no secret is masked`, 'Remove it from the headers of the provider');

  const provider = { ...rest, ...(baseUrl && { baseUrl }), ...(models && { models }), headers };
  const alone = { ...config?.models, providers: { [descriptor.id]: provider } };
  // OpenClaw reads options under the exact name alone
  const plugins = { entries: { [descriptor.id]: at(config, ['plugins', 'entries', descriptor.id]) } };
  const view = new View({ ...config, models: alone, plugins }, descriptor.id, isKept);
  const connection = resolveConnection(view.json(), isKeyless || Boolean(key));
  if (originOf(connection.baseUrl) !== origin) {
    throw configError(`Portkey's component wants to call another origin than ${origin}, the configured one: nothing was sent`);
  }
  const named = written.filter(([name]) => namesASecret(name));
  const sent = [...named.map(([, value]) => value), auth?.token, auth?.value];
  // OpenClaw fills references in, and does not say where: one may stand in any header that the component does not see
  const unnamed = [...held, ...Object.entries(more ?? {})].filter(([name]) => isKept(name) && !namesASecret(name));
  const perhaps = unnamed.flatMap(([, value]) => {
    const found = secretsIn(value, false);
    return parsed(value) ? found : found.filter((text) => !isPlace(text));
  });
  return {
    connection,
    origin,
    secrets: [...new Set([...sent.flatMap((value) => secretsIn(value)), ...perhaps, ...view.secrets])],
    filled: connection.headers.flatMap(([name, shown]) => {
      const real = view.fill(shown);
      return real === undefined ? [] : [{ name: name.toLowerCase(), shown, real }];
    }),
    mark: view.fills.size ? view.mark : '',
    reserved: [KEY.header, ...held.map(([name]) => name.toLowerCase())],
    attached,
  };
}
