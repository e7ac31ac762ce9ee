/**
 * Whether what the component made of the configuration only adds its own: where it is called, its key's reference, its models. What
 * the user has stays as it is written, but that spellings of the provider may become one entry, and rows of one id one row. So the key,
 * and every other secret, still go only to where the user wants them. The same as `host-harness/boundary/src/merge_check.rs`.
 */
import { isDeepStrictEqual } from 'node:util';
import { freeIn, isOfProvider, takenIn } from './aliases.js';
import { at, entries, inSmall, isFilled, isObject, membersOf, modelId, own } from './excerpt.js';
import { splitProfile } from './model-name.js';
import { configError, samePlace } from './origin.js';
import { allReferences } from './secrets.js';
import { refusal } from './view.js';

/** @typedef {Record<string, any>} Json */

/** Most entries for one provider: each is a spelling of its name. */
const SPELLINGS = 16;

/** @typedef {{ id: string, defaultBaseUrl: string, credentials: readonly { envVars: readonly string[] }[] }} Descriptor */
/** @typedef {{ baseUrl?: string, apiKeyReference?: string }} Choices */

/**
 * Throws where the configuration that the component wrote is not the user's with what the component may add to it.
 * @param {any} config @param {any} merged @param {Descriptor} descriptor @param {Choices} choices
 */
export function checkMerge(config, merged, descriptor, choices) {
  const { id } = descriptor;
  const [had, has] = [config, merged].map((all) => entries(all, id));
  refuseConflict(had, descriptor.defaultBaseUrl);
  const stays = isAsWritten(had, has);
  const of = (/** @type {string[]} */ ...path) => [config, merged].map((all) => at(all, path) ?? null);
  const [[hadMode, mode], [hadModel, model], [hadModels, models]] = [of('models', 'mode'), of('agents', 'defaults', 'model'), of('agents', 'defaults', 'models')];
  const isTaken = takenIn(config, id);
  const isOtherMode = !same(hadMode, mode) && (isFilled(hadMode) || mode !== 'merge');
  const change = (isOtherMode && '`models.mode`')
    || (!same(options(config, id), options(merged, id)) && 'an option')
    || ((!stays || choices.baseUrl?.trim()) && changeOfEntry(had, has, descriptor, choices, isTaken))
    || changeOfDefault(hadModel, model, id)
    || (!areOwnModels(hadModels, models, merged, id, isTaken) && 'another model of the agents');
  if (change) throw refusal(`wrote ${change}, which is the user's choice`);
}

/**
 * Throws where the spellings of the provider cannot be read as one entry: what is kept for one server would go to another, or by another
 * way than it is meant to.
 * @param {[string, any][]} all @param {string} defaultBaseUrl
 */
function refuseConflict(all, defaultBaseUrl) {
  const refuse = (/** @type {[string, any] | undefined} */ entry, /** @type {string} */ what) => {
    if (entry) throw configError(`\`models.providers.${entry[0].trim()}\` is another spelling of the same provider${what}: leave one of them`);
  };
  const place = (/** @type {any} */ entry) => (typeof entry?.baseUrl === 'string' ? entry.baseUrl.trim() : '');
  refuse(all[SPELLINGS], '');
  refuse(all.find(([, entry]) => place(entry) && !samePlace(place(entry), place(all[0][1]) || defaultBaseUrl)), ', with another `baseUrl`');
  const [settled, ...others] = all.filter(([, entry]) => (entry?.request ?? null) !== null);
  refuse(others.find(([, entry]) => !same(entry.request, settled[1].request)), ', with another `request`');
}

/** The options of the plugin, by the names of their entries, where it has any. @param {any} config @param {string} id */
const options = (config, id) => Object.fromEntries(own(at(config, ['plugins', 'entries']), id)
  .map(([name, entry]) => [name, at(entry, ['config'])])
  .filter(([, config]) => isFilled(config) && (!isObject(config) || Object.keys(config).length > 0)));

/**
 * What the component may not have written in its entry.
 * @param {[string, any][]} had @param {[string, any][]} has @param {Descriptor} descriptor @param {Choices} choices
 * @param {(model: string) => boolean} isTaken @returns {string | undefined}
 */
function changeOfEntry(had, has, descriptor, choices, isTaken) {
  if (!has.length) return had.length ? 'no entry of its own' : undefined;
  if (has.length > 1 || has[0][0] !== descriptor.id) return 'an entry under another name than its own';
  const [spellings, after] = [had.map(([, entry]) => entry), has[0][1]];
  if (![...spellings, after].every(isObject)) return 'another entry';
  const before = asOne(spellings);

  const chosen = choices.baseUrl?.trim();
  const url = (/** @type {Json} */ { baseUrl }) => (
    !isFilled(baseUrl) ? descriptor.defaultBaseUrl : typeof baseUrl === 'string' ? baseUrl.trim() : JSON.stringify(baseUrl));
  const isTheirs = [url(before), chosen].includes(url(after)) || !refers(url(after));
  if (!isTheirs || !samePlace(chosen || url(before), url(after))) return 'another `baseUrl`';
  const keys = [choices.apiKeyReference?.trim(), ...descriptor.credentials.flatMap(({ envVars }) => envVars.map((name) => `\${${name}}`))];
  for (const name of Object.keys({ ...before, ...after }).filter((name) => name !== 'baseUrl')) {
    const [was, is] = [before, after].map((entry) => at(entry, [name])).map((value) => (isFilled(value) ? value : undefined));
    const areTables = name === 'headers' && isObject(was ?? {}) && isObject(is ?? {});
    const isUsers = (/** @type {[string, any]} */ [header, value]) => spellings.some((entry) => same(at(entry, ['headers', header]), value));
    if (areTables ? isDeepStrictEqual(headersOf(spellings), headersOf([after])) && membersOf(is).every(isUsers) : same(was, is)) continue;
    if (['api', 'name'].includes(name) && typeof is === 'string' && !refers(is)) continue;
    // a key that is a number is none
    const isKey = ['string', 'object'].includes(typeof was);
    if (name === 'apiKey' && !isKey && (is === undefined || (typeof is === 'string' && keys.includes(is.trim())))) continue;
    if (name !== 'models' || !Array.isArray(was ?? []) || !Array.isArray(is)) return `${is === undefined ? 'an entry without' : 'another'} \`${name}\``;
    const change = changeOfRows(was ?? [], is, descriptor.id, isTaken);
    if (change && changeOfRows(joined(was ?? []), is, descriptor.id, isTaken)) return change;
  }
  return undefined;
}

/**
 * The spellings of a provider as one entry, as its component may join them: what the first does not say the others do.
 * @param {Json[]} entries @returns {Json}
 */
function asOne(entries) {
  const all = new Map();
  for (const [name, value] of entries.flatMap(membersOf).filter(([, value]) => isFilled(value))) {
    const known = all.get(name);
    if (known === undefined) all.set(name, value);
    else if (name === 'models' && Array.isArray(known) && Array.isArray(value)) all.set(name, [...known, ...value]);
  }
  return Object.fromEntries(all);
}

/**
 * Their headers as they are read, by names in small letters: of several the last counts, and the first entry's go over those of the
 * others. One without a value is none.
 * @param {Json[]} entries @returns {Map<string, any>}
 */
const headersOf = (entries) => new Map([...new Map(entries.toReversed().flatMap((entry) => membersOf(entry.headers))
  .map(([name, value]) => [inSmall(name.trim()), value]))].filter(([, value]) => isFilled(value)));

/**
 * The rows of one id as one, in the place of the first: what it does not say the others do.
 * @param {any[]} rows @returns {any[]}
 */
function joined(rows) {
  const groups = [...Map.groupBy(rows, (row) => idOf(row).trim() || { row }).values()];
  return groups.map((rows) => {
    const objects = rows.filter(isObject).map((row) => Object.entries(row).filter(([, value]) => value !== null));
    return rows.length > 1 && objects.length ? Object.fromEntries(objects.toReversed().flat()) : rows[0];
  });
}

/** The id of a row of models, where it has one. @param {any} row */
const idOf = (row) => [at(row, ['id']) ?? row].find((id) => typeof id === 'string') ?? '';

/** The members of a row of models that describe the model, which a component may write. The others say how it is called. */
const DESCRIBES = [
  'api', 'compat', 'contextTokens', 'contextWindow', 'cost', 'input', 'maxTokens', 'mediaInput', 'name', 'reasoning',
  'thinkingLevelMap',
];

/**
 * What the component may not have written in the list of models. The rows stay in their places, and what is new stands behind them: a
 * model that is in none of them, described and no more.
 * @param {any[]} had @param {any[]} has @param {string} provider @param {(model: string) => boolean} isTaken
 * @returns {string | undefined}
 */
function changeOfRows(had, has, provider, isTaken) {
  const known = new Set();
  for (const [place, is] of has.entries()) {
    const [id, isNew] = [idOf(is), place >= had.length && !known.has(modelId(idOf(is), provider))];
    known.add(modelId(id, provider));
    if (place >= had.length && isTaken(modelId(id, provider))) return `a model \`${id}\`, which names another one`;
    if (isAsWritten(had[place], is)) continue;
    const was = isNew && id.trim() && !refers(is) ? {} : had[place];
    const value = (/** @type {Json} */ row, /** @type {string} */ name) => at(row, [name]) ?? undefined;
    const mayBe = (/** @type {string} */ name) => isAsWritten(value(was, name), value(is, name))
      || ((DESCRIBES.includes(name) || (name === 'id' && isNew)) && !refers(value(is, name)));
    if (!isObject(was) || !isObject(is) || !Object.keys({ ...was, ...is }).every(mayBe)) return `other settings of the model \`${id}\``;
  }
  return had.length > has.length ? `an entry without the model \`${idOf(had[has.length])}\`` : undefined;
}

/**
 * What the component may not have written as the agents' default model: it may be the component's where there was none.
 * @param {any} had @param {any} has @param {string} id @returns {string | undefined}
 */
function changeOfDefault(had, has, id) {
  const [{ primary: was, ...others }, { primary: is, ...now }] = [had, has].map((model) => (isObject(model) ? model : { primary: model }));
  if (isDeepStrictEqual(had, has) || (!isFilled(was) && isOwnModel(is, id) && isDeepStrictEqual(others, now))) return undefined;
  return 'the default model';
}

/**
 * Whether it is a model of this provider, and no more: a profile behind the name is one of the user's keys.
 * @param {any} name @param {string} id
 */
function isOwnModel(name, id) {
  // `provider/*` allows all of its models
  return isOfProvider(name, id) && !name.trim().endsWith('*') && splitProfile(name).length === 1 && !refers(name);
}

/**
 * Whether the agents' models are the user's, but for those of its own that the component added behind them, and for aliases where there
 * was none, by which no other model goes. Of two of one alias, and of two spellings of a model, OpenClaw takes the last.
 * @param {any} had @param {any} has @param {any} merged @param {string} id @param {(model: string) => boolean} isTaken
 */
function areOwnModels(had, has, merged, id, isTaken) {
  if (isAsWritten(had, has)) return true;
  if (!isObject(had ?? {}) || !isObject(has)) return false;
  const names = Object.keys(had ?? {});
  if (!isDeepStrictEqual(names, Object.keys(has).slice(0, names.length))) return false;
  const model = (/** @type {string} */ name) => modelId(name.split('/').slice(1).join('/'), id);
  const known = new Set(names.filter((name) => isOfProvider(name, id)).map(model));
  const isFree = freeIn(merged, id);
  return Object.entries(has).every(([name, is]) => {
    const was = at(had, [name]);
    if (isDeepStrictEqual(was, is)) return true;
    if (!isObject(was ?? {}) || !isObject(is)) return false;
    const [{ alias: before, ...settings }, { alias, ...left }] = [was ?? {}, is];
    const isNew = () => isOwnModel(name, id) && !isTaken(model(name)) && !known.has(model(name));
    return (Object.hasOwn(had ?? {}, name) ? isOfProvider(name, id) : isNew()) && !isFilled(before) && isDeepStrictEqual(settings, left)
      && (!isFilled(alias) || (isFree(alias, name) && !refers(alias)));
  });
}

/** Whether a text in it refers to a secret. @param {any} value */
const refers = (value) => allReferences(value).length > 0;

/** Whether they are equal, apart from white space around a text. @param {any} one @param {any} other */
const same = (one, other) => (typeof one === 'string' && typeof other === 'string' ? one.trim() === other.trim() : isAsWritten(one, other));

/** Whether they are equal, the order of members included: of a header in two letter cases the last is sent. @param {any} one @param {any} other */
const isAsWritten = (one, other) => JSON.stringify(one) === JSON.stringify(other);
