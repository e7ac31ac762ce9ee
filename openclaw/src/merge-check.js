/**
 * Whether what the component made of the configuration still sends the key, and no other secret, only to where the user wants it.
 * The same as `host-harness/boundary/src/merge_check.rs`.
 */
import { isDeepStrictEqual } from 'node:util';
import { canonical, freeIn, isOfProvider } from './aliases.js';
import { at, entries, inSmall, isFilled, isObject, membersOf, modelId, own, part } from './excerpt.js';
import { splitProfile } from './model-name.js';
import { configError, samePlace } from './origin.js';
import { allReferences, isObjectReference, isReference, references } from './secrets.js';
import { refusal } from './view.js';

/** @typedef {Record<string, any>} Json */

/** Most entries for one provider, or one plugin: each is a spelling of its name. */
const SPELLINGS = 16;

/**
 * Throws where the configuration that the component wrote would send the key, or another secret, elsewhere than the user
 * wants.
 * @param {any} config @param {any} merged
 * @param {{ id: string, defaultBaseUrl: string, credentials: readonly { envVars: readonly string[] }[] }} descriptor
 * @param {{ baseUrl?: string, apiKeyReference?: string }} choices
 */
export function checkMerge(config, merged, descriptor, choices) {
  const { id } = descriptor;
  const chosen = (/** @type {string} */ what) => refusal(`wrote ${what}, which is the user's choice`);
  // All spellings are read as one entry: what is kept for one server would go to another.
  const written = (/** @type {any} */ entry) => (typeof entry?.baseUrl === 'string' ? entry.baseUrl.trim() : '');
  const all = entries(config, id);
  const plugins = [config, merged].map((each) => own(at(each, ['plugins', 'entries']), id));
  if (Math.max(...[all, entries(merged, id), ...plugins].map(({ length }) => length)) > SPELLINGS) {
    throw configError(`more than ${SPELLINGS} entries are spellings of \`${id}\`: leave one of them`);
  }
  const [called, ...others] = all;
  const refuseAnother = (/** @type {[string, any] | undefined} */ entry, /** @type {string} */ member) => {
    if (entry) throw configError(`\`models.providers.${entry[0].trim()}\` is another spelling of the same provider, with another \`${member}\`: leave one of them`);
  };
  refuseAnother(others.find(([, entry]) => written(entry) && !samePlace(written(entry), written(called[1]) || descriptor.defaultBaseUrl)), 'baseUrl');
  const [settled, ...otherwise] = all.filter(([, entry]) => (entry?.request ?? null) !== null);
  refuseAnother(otherwise.find(([, entry]) => !same(entry.request, settled[1].request)), 'request');
  const [was, is] = [config, merged].map((all) => part(all, id));
  const envVars = descriptor.credentials.flatMap((credential) => credential.envVars);
  const known = new Set([...allReferences(was), ...references(choices.apiKeyReference ?? ''), ...envVars]);
  const unknown = allReferences(is).find((name) => !known.has(name));
  if (unknown) throw chosen(`the reference \${${unknown}}`);

  // A reference is shown, or sent, where it stands: it stays in its place.
  const places = new Places();
  const [stood, stands] = [was, is].map((part) => places.referring(part));
  const keys = [choices.apiKeyReference?.trim(), ...envVars.map((name) => `\${${name}}`)];
  const [apiKey, baseUrl] = ['apiKey', 'baseUrl'].map((name) => places.of('models', 'providers', '*', name));
  for (const [place, texts] of stands) {
    const isUsers = (/** @type {string} */ text) => (
      (place === apiKey && keys.includes(text)) || (place === baseUrl && text === choices.baseUrl?.trim()));
    const isMoved = [...texts].some((text) => !stood.get(place)?.has(text) && !isUsers(text));
    if (isMoved) throw chosen(`a reference at \`${places.path(place)}\``);
  }

  const [hadMode, mode] = [config, merged].map((all) => at(all, ['models', 'mode']));
  if (!same(hadMode, mode) && (isFilled(hadMode) || mode !== 'merge')) throw chosen('`models.mode`');

  // OpenClaw reads no other spelling beside the exact one
  const left = entries(merged, id);
  if (!isDeepStrictEqual(all, left) && left.some(([name]) => name !== id)) throw chosen('an entry under another name than its own');
  const lists = [config, merged].map((all) => entries(all, id).map(([, entry]) => (isObject(entry) ? entry : {})));
  const [[first]] = lists;
  if (first && !left.length) throw chosen('no entry of its own');
  const missing = lost(lists[0], lists[1]);
  if (missing) throw chosen(missing);
  const isUsers = (/** @type {[string, any]} */ [name, value]) => WRITTEN.includes(name)
    || lists[0].some((entry) => Object.hasOwn(entry, name) && same(entry[name], value))
    || (name === 'apiKey' && isReference(String(value)))
    || (name === 'headers' && isObject(value) && Object.entries(value)
      .every(([header, text]) => lists[0].some((entry) => same(at(entry, ['headers', header]), text))));
  const other = lists[1].flatMap((entry) => Object.entries(entry)).find((member) => !isUsers(member));
  if (other) throw chosen(`\`${other[0]}\``);
  const [models, now] = lists.map((all) => all.flatMap(({ models: list }) => (Array.isArray(list) ? list : [])));
  const change = changeOf(models, now, id);
  if (change) throw chosen(change);
  const [had, has] = [config, merged].map((all) => at(all, ['agents', 'defaults']));
  if (!isOwnModel(had?.model, has?.model, id)) throw chosen('the default model');
  if (!areOwnModels(had?.models, has?.models, merged, id)) throw chosen('another model of the agents');
  // each under its own spelling: OpenClaw reads one alone
  const options = (/** @type {any} */ all) => Object.fromEntries(own(at(all, ['plugins', 'entries']), id)
    .map(([name, entry]) => [name, at(entry, ['config'])])
    .filter(([, config]) => isFilled(config) && (!isObject(config) || Object.keys(config).length > 0)));
  if (!same(options(config), options(merged))) throw chosen('an option');

  const given = (/** @type {any} */ url) => (!isFilled(url) ? '' : typeof url === 'string' ? url.trim() : JSON.stringify(url));
  const choice = given(choices.baseUrl);
  // of several entries the first is called
  const wanted = [choice || given(first?.baseUrl) || descriptor.defaultBaseUrl];
  const isWanted = (/** @type {string} */ url, /** @type {string[]} */ all) => all.some((one) => samePlace(one, url));
  const urls = lists[1].map((entry) => given(entry.baseUrl) || descriptor.defaultBaseUrl);
  const ofOthers = [...wanted, ...lists[0].map((entry) => given(entry.baseUrl)).filter(Boolean)];
  if (!urls.every((url, at) => isWanted(url, at ? ofOthers : wanted))) throw chosen('another `baseUrl`');
}

/**
 * The places in a configuration, each by a number: written out, a long name would be there once more for all below it. Places in
 * lists and the id's own spelling do not count.
 */
class Places {
  /** What each is below, and its name; the first is the top. @type {[above: number, name: string][]} */
  steps = [[-1, '']];
  /** By name, what is below each. @type {Map<string, number>[]} */ inner = [new Map()];
  /** Where each entry may be under the id in any spelling. */ owns = [this.of('models', 'providers'), this.of('plugins', 'entries')];

  /** @param {number} place @param {string} name @returns {number} */
  below(place, name) {
    const known = this.inner[place].get(name);
    if (known !== undefined) return known;
    this.inner[place].set(name, this.steps.length);
    this.inner.push(new Map());
    return this.steps.push([place, name]) - 1;
  }

  /** @param {string[]} names */
  of(...names) { return names.reduce((/** @type {number} */ place, name) => this.below(place, name), 0); }

  /** @param {number} place @returns {string} */
  path(place) {
    const [above, name] = this.steps[place];
    return above < 0 ? '' : `${this.path(above)}/${name}`;
  }

  /**
   * The texts that refer to something, by their places.
   * @param {any} value @param {number} [place] @param {Map<number, Set<string>>} [all]
   */
  referring(value, place = 0, all = new Map()) {
    if (typeof value === 'string' ? allReferences(value).length : isObjectReference(value)) {
      const text = typeof value === 'string' ? value.trim() : JSON.stringify(value);
      all.set(place, (all.get(place) ?? new Set()).add(text));
    } else if (Array.isArray(value)) for (const item of value) this.referring(item, this.below(place, '[]'), all);
    else if (isObject(value)) {
      const isOwnPlace = this.owns.includes(place);
      for (const [name, item] of Object.entries(value)) this.referring(item, this.below(place, isOwnPlace ? '*' : name), all);
    }
    return all;
  }
}

/**
 * What a component may write of its entry, and of a model there. Among the rest are programs that OpenClaw starts
 * (`localService`) and what it runs agents with (`agentRuntime`).
 */
const WRITTEN = ['api', 'baseUrl', 'models', 'name'];
const WRITTEN_OF_MODELS = [
  'api', 'compat', 'contextTokens', 'contextWindow', 'cost', 'id', 'input', 'maxTokens', 'mediaInput', 'name',
  'reasoning', 'thinkingLevelMap',
];

/** Their members as those of one: of several with a name the first counts that says anything. @param {any[]} objects @returns {Map<string, any>} */
const asOne = (objects) => new Map(objects.flatMap(membersOf).filter(([, value]) => isFilled(value)).toReversed());

/**
 * What the user has and the component left out or replaced: a member of the entry that it may not write, or a header. All
 * spellings are read as one entry.
 * @param {Json[]} before @param {Json[]} after @returns {string | undefined}
 */
function lost(before, after) {
  // a key that is a number is none
  const isKey = (/** @type {any} */ value) => typeof value === 'string' || typeof value === 'object';
  const [had, has] = [before, after].map((entries) => asOne(entries.map(({ apiKey, ...entry }) => (isKey(apiKey) ? { ...entry, apiKey } : entry))));
  for (const [name, value] of had) {
    if (WRITTEN.includes(name)) continue;
    const now = has.get(name);
    if (now === undefined) return `an entry without \`${name}\``;
    const isAnotherKey = name === 'apiKey' && typeof now === 'string' && isReference(now);
    if (name !== 'headers' && !isAnotherKey && !same(value, now)) return `another \`${name}\``;
  }
  const [headers, left] = [before, after].map(headersOf);
  const other = [...headers.keys(), ...left.keys()].find((name) => !same(headers.get(name), left.get(name)));
  return other === undefined ? undefined : `other \`headers\`, by \`${other}\``;
}

/**
 * Their headers as they are read, by names in small letters: of several the last counts, and the first entry's go over those of the
 * others. One without a value is none.
 * @param {Json[]} entries @returns {Map<string, any>}
 */
const headersOf = (entries) => new Map([...new Map(entries.toReversed().flatMap((entry) => membersOf(entry.headers))
  .map(([name, value]) => [inSmall(name.trim()), value]))].filter(([, value]) => isFilled(value)));

/** The id of a model as it is written, and what of the row is the user's alone: all but what describes it. @param {any} model @returns {Json} */
const usersOwn = (model) => ({
  ...Object.fromEntries(membersOf(model).filter(([name, value]) => value !== null && !WRITTEN_OF_MODELS.includes(name))),
  id: at(model, ['id']) ?? model,
});

/** Of each id its rows. @param {any[]} models @param {string} provider */
const rowsOf = (models, provider) => Map.groupBy(models.map(usersOwn), ({ id }) => (typeof id === 'string' ? modelId(id, provider) : ''));

/**
 * What the component changed of models that is not its own to write: a model that is gone, or what is the user's alone of one.
 * Its rows stay, or become one that says what they say together: what the first does not say the others do. Of a model that is new
 * there is one, without such members.
 * @param {any[]} before @param {any[]} after @param {string} provider @returns {string | undefined}
 */
function changeOf(before, after, provider) {
  const [had, has] = [rowsOf(before, provider), rowsOf(after, provider)];
  for (const [id, rows] of has) {
    const were = had.get(id) ?? [{ id: rows[0].id }];
    const one = Object.assign({}, ...were.toReversed());
    if (![were, [one]].some((usual) => isDeepStrictEqual(rows, usual))) return `other settings of the model \`${id}\``;
  }
  const gone = [...had.keys()].find((id) => id && !has.has(id));
  return gone && `an entry without the model \`${gone}\``;
}

/**
 * Whether the agents' default model is the user's, or one of this provider with the same key: a profile behind the name says which,
 * and another model needs none.
 * @param {any} had @param {any} has @param {string} id
 */
function isOwnModel(had, has, id) {
  if (has === undefined || isDeepStrictEqual(had, has)) return true;
  const { primary: before, ...rest } = isObject(had) ? had : { primary: had };
  const { primary: now, ...others } = isObject(has) ? has : { primary: has };
  const hasSameKey = () => {
    const [model, key] = splitProfile(now);
    const [hadModel, hadKey] = splitProfile(isOfProvider(before, id) ? before : '');
    return key === hadKey || (key === undefined && canonical(model) !== canonical(hadModel));
  };
  return (now === undefined || now === before || (isOfProvider(now, id) && hasSameKey()))
    && Object.entries(others).every(([name, value]) => isDeepStrictEqual(at(rest, [name]), value));
}

/**
 * Whether the agents' models are the user's, but for aliases of this provider's, which are no name that another model goes by.
 * @param {any} had @param {any} has @param {any} merged @param {string} id
 */
function areOwnModels(had = {}, has = {}, merged, id) {
  if (isDeepStrictEqual(had, has)) return true;
  if (!isObject(had) || !isObject(has)) return false;
  const settings = (/** @type {any} */ model) => ({ ...(isObject(model) ? model : {}), alias: undefined });
  const isFree = freeIn(merged, id);
  return Object.keys({ ...had, ...has }).every((name) => {
    const [before, now] = [at(had, [name]), at(has, [name])];
    const alias = at(now, ['alias']);
    const isItsOwn = !isFilled(alias) || same(at(before, ['alias']), alias) || isFree(alias, name);
    return isDeepStrictEqual(before, now)
      || (isOfProvider(name, id) && (before !== undefined || splitProfile(name).length === 1) && isItsOwn && isDeepStrictEqual(settings(before), settings(now)));
  });
}

/** As they would be written, but for white space around them. @param {any} one @param {any} other */
const same = (one, other) => isDeepStrictEqual(plain(one), plain(other));

/** @param {any} value */
const plain = (value) => (
  typeof value === 'string' ? value.trim() : value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
