/**
 * Aliases of models: an alias that the component gives one of its models must not be a name of another. The same as
 * `host-harness/boundary/src/aliases.rs`.
 */
import { at, isFilled, isOwn, mapped, membersOf, modelId, replace } from './excerpt.js';
import { splitProfile } from './model-name.js';

/** Whether a model's name, `provider/model`, begins with this provider. @param {unknown} name @param {string} id */
export const isOfProvider = (name, id) => typeof name === 'string' && name.includes('/') && isOwn(name.split('/')[0], id);

/** @param {unknown} value @returns {any[]} */
const listOf = (value) => (Array.isArray(value) ? value : []);

/** One spelling for the name of a model. @param {string} reference */
function canonical(reference) {
  const [provider, ...model] = reference.split('/');
  return model.length > 0 ? `${provider.trim().toLowerCase()}/${model.join('/').trim()}` : reference.trim();
}

/** All that a model goes by without an alias, in lower case. @param {string} reference */
function namesOf(reference) {
  const steps = reference.split('/');
  return [reference, steps.slice(1).join('/') || reference, steps.at(-1) ?? ''].map((name) => name.toLowerCase());
}

/**
 * The models that a configuration names, and the aliases of those that have one: those of all agents and of each, their default
 * models and fallbacks, and those that the providers list. An agent may have moved an alias among the models of this provider: those
 * of single agents do not count.
 * @param {any} config @param {string} id @returns {Generator<[string, unknown?]>}
 */
function* knownModels(config, id) {
  const agents = at(config, ['agents']);
  const defaults = at(agents, ['defaults']);
  for (const agent of [defaults, ...listOf(at(agents, ['list'])), ...membersOf(at(agents, ['entries'])).map(([, entry]) => entry)]) {
    const counts = (/** @type {string} */ name) => agent === defaults || !isOfProvider(name, id);
    for (const [name, model] of membersOf(at(agent, ['models']))) if (counts(name)) yield [canonical(name), at(model, ['alias'])];
    const model = at(agent, ['model']);
    for (const name of [model, at(model, ['primary']), ...listOf(at(model, ['fallbacks']))]) {
      if (typeof name === 'string' && counts(name)) yield [canonical(name)];
    }
  }
  for (const [spelled, entry] of membersOf(at(config, ['models', 'providers']))) {
    const provider = spelled.trim(); // once: there may be any number of spaces, and of models
    for (const model of listOf(at(entry, ['models']))) {
      const name = at(model, ['id']);
      if (typeof name === 'string') yield [canonical(`${provider}/${name}`)];
    }
  }
}

/**
 * Says whether no other model goes by an alias than `reference`, whose alias it is. What reads as the name of another model is none,
 * wherever that may be named.
 * @param {any} config @param {string} id
 * @returns {(alias: unknown, reference: string) => boolean}
 */
export function freeIn(config, id) {
  const named = (/** @type {string} */ text) => text.trim().toLowerCase();
  /** @type {Map<string, Set<string>>} the models that go by a name */ const byName = new Map();
  for (const [reference, alias] of knownModels(config, id)) {
    for (const name of [...namesOf(reference), ...(typeof alias === 'string' ? [named(alias)] : [])]) {
      byName.set(name, (byName.get(name) ?? new Set()).add(reference));
    }
  }
  return (alias, reference) => typeof alias === 'string' && byName.get(named(alias))?.size === 1
    && (!alias.includes('/') || namesOf(canonical(reference)).includes(named(alias)));
}

/**
 * Says whether a new model of this provider would change what a name that says no provider means: of a model, or an alias of another.
 * @param {any} config @param {string} id @returns {(model: string) => boolean}
 */
export function takenIn(config, id) {
  const named = (/** @type {string} */ text) => text.trim().toLowerCase();
  /** @type {Map<string, string | undefined>} */ const all = new Map();
  for (const [reference, alias] of knownModels(config, id)) {
    if (!reference.includes('/')) all.set(named(splitProfile(reference)[0]), undefined);
    if (typeof alias === 'string' && !alias.includes('/') && !all.has(named(alias))) {
      const own = isOfProvider(reference, id) ? named(modelId(reference.split('/').slice(1).join('/'), id)) : undefined;
      all.set(named(alias), own);
    }
  }
  return (model) => all.has(named(model)) && all.get(named(model)) !== named(model);
}

/**
 * `merged` without each alias that the component gave one of its models, and that another model goes by in what it was not shown:
 * without it, nothing changes for that model.
 * @param {any} config @param {any} merged @param {string} id @returns {any}
 */
export function withoutTakenAliases(config, merged, id) {
  const path = ['agents', 'defaults', 'models'];
  const isFree = freeIn(merged, id);
  const models = mapped(at(merged, path), (model, name) => {
    const alias = at(model, ['alias']);
    const isNew = isOfProvider(name, id) && !isFilled(at(config, [...path, name, 'alias']));
    if (!isNew || typeof alias !== 'string' || isFree(alias, name)) return model;
    const { alias: _, ...rest } = model;
    return rest;
  });
  return models === undefined ? merged : replace(merged, { agents: { defaults: { models } } }, path, id);
}
