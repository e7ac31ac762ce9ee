/**
 * Which part of OpenClaw's configuration the component sees, and which part of its answer is used. The component merges its own
 * entry into the configuration, so it sees that entry. The adapter keeps everything else, and every secret, and puts it back
 * afterwards. A secret is replaced by a reference of ours, `${SEALED_0}`, which the component keeps as it is. The Rust host has
 * the same view (`host-harness/boundary/src/view.rs`), and both are tested with `tests/fixtures/boundary`.
 */
import { isDeepStrictEqual } from 'node:util';
import { configError, samePlace } from './origin.js';
import {
  allReferences, headerJson, isBareReference, isObjectReference, isReference, linesIn, namesASecret, parsed,
  references, secretsIn,
} from './secrets.js';

/** @typedef {Record<string, any>} Json */

/** How much a component may add to what it was shown, in bytes. */
const ADDED = 1 << 20;

/** How deep its answer may be nested: as deep as the Rust host reads JSON. */
const DEPTH = 127;

/** Members that mean more than a name to JavaScript that copies objects carelessly. */
const UNSAFE = ['__proto__', 'constructor', 'prototype', '$include']; // the last lays another file there

/** What a component may read and write; `*` is its own id, in any case. */
const SHARED = [
  ['models', 'mode'], ['models', 'providers', '*'], ['agents', 'defaults', 'model'], ['agents', 'defaults', 'models'],
  ['plugins', 'entries', '*', 'config'],
];

/** @param {any} value @returns {value is Json} */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** In ASCII alone: the Kelvin sign is no k. @param {string} name @param {string} id */
const isOwn = (name, id) => name.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase()) === id;

/** @param {any} fields @param {string} step @param {string} id */
const matching = (fields, step, id) => Object.keys(fields).filter((name) => (step === '*' ? isOwn(name, id) : name === step));

/**
 * `to` with the values at `path` of `from`. What is no object on the way is taken as it is: the component can say what is
 * wrong.
 * @param {any} from
 * @param {any} to
 * @param {string[]} path
 * @param {string} id
 * @returns {any}
 */
function copy(from, to, [step, ...rest], id) {
  if (step === undefined || !isObject(from)) return from;
  const into = new Map(Object.entries(isObject(to) ? to : {}));
  for (const name of matching(from, step, id)) {
    if (from[name] !== undefined) into.set(name, copy(from[name], into.has(name) ? into.get(name) : {}, rest, id));
  }
  return Object.fromEntries(into);
}

/**
 * `to` where the values at `path` are those of `from`: changed, added and removed ones. `null` on the way is as good as nothing,
 * where there is something to add.
 * @param {any} to
 * @param {any} from
 * @param {string[]} path
 * @param {string} id
 * @returns {any}
 */
function replace(to, from, [step, ...rest], id) {
  if (step === undefined) return from;
  const source = isObject(from) ? from : {};
  const names = new Set(matching(source, step, id));
  const base = to === null && names.size ? {} : to;
  if (!isObject(base)) return base;
  const gone = rest.length ? [] : matching(base, step, id).filter((name) => !names.has(name));
  const into = new Map(Object.entries(base));
  for (const name of gone) into.delete(name);
  for (const name of names) into.set(name, replace(into.get(name) === undefined ? {} : into.get(name), source[name], rest, id));
  return Object.fromEntries(into);
}

/**
 * The part of `config` that the component of provider `id` may see, secrets and all.
 * @param {any} config
 * @param {string} id
 * @returns {Json}
 */
const part = (config, id) => SHARED.reduce((out, path) => copy(config, out, path, id), /** @type {any} */ ({}));

/** @param {any} config @param {string[]} path @returns {any} */
const at = (config, path) => path.reduce(
  (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), config);

/** The members of `fields` that are called `id`, in whatever case. @param {any} fields @param {string} id @returns {[name: string, value: any][]} */
const own = (fields, id) => Object.entries(isObject(fields) ? fields : {}).filter(([name]) => isOwn(name, id));

/**
 * The entries of the provider `id`, in whatever case their names are written: the one that is written as `id` first, since it
 * wins.
 * @param {any} config @param {string} id @returns {[name: string, entry: any][]}
 */
export function entries(config, id) {
  return own(at(config, ['models', 'providers']), id).sort(([a], [b]) => Number(b === id) - Number(a === id));
}

/**
 * @param {any} fields
 * @param {(value: any, name: string) => any} change
 * @returns {any} the object with each value changed; what is none as it is
 */
const mapped = (fields, change) => (
  isObject(fields) ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value, name)])) : fields);

/** Settings of which the component needs nothing, and any of which may hold a secret. */
const HELD = ['apiKey', 'localService', 'params', 'request'];

/**
 * The document with each place where a secret may be changed: the key, the headers, the settings of the provider, of each of
 * its models and of what agents know of models, and the plugin's options.
 * @param {Json} document @param {string} id
 * @param {{ whole: (value: any) => any, header: (value: any, name: string) => any, option: (value: any, name: string) => any
 * }} change
 */
function mapSecrets(document, id, change) {
  const model = (/** @type {any} */ value) => (
    mapped(value, (inner, name) => (name === 'headers' || HELD.includes(name) ? change.whole(inner) : inner)));
  const entry = (/** @type {any} */ value) => mapped(value, (inner, name) => {
    if (HELD.includes(name)) return change.whole(inner);
    if (name === 'headers') return mapped(inner, change.header);
    return name === 'models' && Array.isArray(inner) ? inner.map(model) : inner;
  });
  const mapOwn = (/** @type {any} */ fields, /** @type {(value: any) => any} */ map) => (
    mapped(fields, (value, name) => (isOwn(name, id) ? map(value) : value)));
  const inside = (/** @type {any} */ fields, /** @type {string} */ step, /** @type {(value: any) => any} */ map) => (
    mapped(fields, (value, name) => (name === step ? map(value) : value)));
  const ofProvider = inside(document, 'models', (all) => inside(all, 'providers', (providers) => mapOwn(providers, entry)));
  const sealed = inside(ofProvider, 'agents', (agents) => (
    inside(agents, 'defaults', (defaults) => inside(defaults, 'models', (models) => mapped(models, model)))));
  return inside(sealed, 'plugins', (plugins) => inside(plugins, 'entries', (all) => (
    mapOwn(all, (plugin) => inside(plugin, 'config', (options) => mapped(options, change.option))))));
}

/** Whether the text is meant as JSON, and is none. @param {string} text */
const isBroken = (text) => /^\s*['[{]/.test(text) && !parsed(text);

/** As JSON, the same for the same members in whatever order. @param {any} value */
const inOrder = (value) => JSON.stringify(
  value, (_, inner) => (isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));

/** One spelling of what may be JSON as a text: the component may write it anew. @param {any} value */
const asJson = (value) => inOrder(typeof value === 'string' ? parsed(value) ?? value.trim() : value);

/** The password in a URL. @param {string} text */
const passwordIn = (text) => (text.includes('://') ? URL.parse(text.trim())?.password : undefined);

/** @param {string} what @returns {Error} */
const refusal = (what) => configError(`Portkey's component ${what}: nothing was changed`);

/** Most entries for one provider, or one plugin: each is a spelling of its name. */
const SPELLINGS = 16;

/** What every placeholder begins with: `SEALED_`, or `SEALED7_` where the user's own text holds that. @param {string} text */
function markFor(text) {
  if (!text.includes('SEALED_')) return 'SEALED_';
  const taken = new Set(Array.from(text.matchAll(/SEALED(\d+)_/g), ([, number]) => Number(number)));
  let free = 0;
  while (taken.has(free)) free += 1;
  return `SEALED${free}_`;
}

export class View {
  /** What was hidden, by what is shown instead; `inline` where only a part of it is. @type {Map<string, { value: any, inline: boolean }>} */
  sealed = new Map();
  /** What is sent of headers with something hidden in them, by what the component sees. @type {Map<string, string>} */
  fills = new Map();
  /** What of them is masked in answers. @type {string[]} */ secrets = [];

  /**
   * What the component of provider `id` sees of `config`.
   * @param {any} config @param {string} id
   * @param {(header: string) => boolean} [isSecret] whether a header of this name is one that it must not read
   */
  constructor(config, id, isSecret = namesASecret) {
    const document = JSON.parse(JSON.stringify(part(config, id)));
    const text = JSON.stringify(document);
    this.id = id;
    this.isSecret = isSecret;
    this.mark = markFor(text);
    this.count = 0;
    this.document = mapSecrets(document, id, {
      whole: (value) => this.whole(value),
      header: (value, name) => this.header(value, isSecret(name)),
      option: (value, name) => this.option(value, namesASecret(name)),
    });
  }

  /** @param {any} value @param {boolean} named */
  option(value, named) {
    const isLeft = typeof value === 'string' && isReference(value) && isBroken(value);
    return isLeft ? this.whole(value, true) : this.inline(value, named);
  }

  /**
   * Hides all of a secret behind a reference of ours, which the component keeps and sends nowhere.
   * @param {any} value @param {boolean} [inline] whether it may be put back wherever it would be hidden again
   */
  whole(value, inline = false) {
    const isHidden = typeof value === 'string' ? value.trim() && !isBareReference(value) : value && typeof value === 'object';
    if (!isHidden) return value;
    const shown = `\${${this.mark}${this.sealed.size}}`;
    // trimmed here, as the component would: it cannot trim what it does not see
    this.sealed.set(inOrder(shown), { value: typeof value === 'string' ? value.trim() : value, inline });
    return shown;
  }

  /** @param {any} value @param {boolean} named */
  header(value, named) {
    if (named || (value && typeof value === 'object')) return this.whole(value);
    if (typeof value !== 'string') return value;
    if (!isReference(value) || parsed(value)) return this.inline(value, false);
    // what stands around the reference may be a secret too
    return isBroken(value) ? this.whole(value, true) : value;
  }

  /**
   * Hides what of it is a secret, so that the component can use the rest: routes, retries, guardrails.
   * @param {any} value
   * @param {boolean} named
   */
  inline(value, named) {
    const before = this.count;
    const json = typeof value === 'string' ? parsed(value) : undefined;
    let shown = json ? JSON.stringify(this.conceal(json, named)) : this.conceal(value, named);
    // the first sign says to the component what is wrong with it
    if (this.count === before && !json && typeof value === 'string' && isBroken(value)) {
      shown = value.trim()[0] + this.placeholder(value);
    }
    if (this.count === before) return value;
    this.sealed.set(inOrder(shown), { value, inline: true });
    const text = typeof value === 'string' && !json ? value.trim() : headerJson(JSON.stringify(json ?? value));
    this.fills.set(asJson(shown), text);
    return shown;
  }

  /** @param {string} secret */
  placeholder(secret) {
    this.secrets.push(...[passwordIn(secret) ?? ''].filter(Boolean), ...linesIn(secret, 0, true), ...secretsIn(secret));
    this.count += 1;
    return `${this.mark}${this.count}`;
  }

  /** @param {any} value @param {boolean} named whether it is a secret by a name above it @returns {any} */
  conceal(value, named) {
    if (Array.isArray(value)) return value.map((item) => this.conceal(item, named));
    if (typeof value !== 'string') return mapped(value, (inner, name) => this.conceal(inner, named || namesASecret(name)));
    const holdsSecret = () => linesIn(parsed(value), Infinity, named).length > 0;
    const isSecret = (named && value.trim() && !isBareReference(value)) || passwordIn(value) || holdsSecret();
    return isSecret ? this.placeholder(value) : value;
  }

  /** As the component takes it. */
  json() { return JSON.stringify(this.document); }

  /**
   * What is sent in the place of `text`, a header's value that the component made of what it saw.
   * @param {string} text @returns {string | undefined} none where nothing is hidden in it
   */
  fill(text) {
    if (!text.includes(this.mark)) return undefined;
    const found = this.fills.get(asJson(text));
    if (found === undefined) throw refusal('made of a secret something that it is not');
    return found;
  }

  /** Puts back what was hidden. @param {any} value @param {boolean} inline @param {boolean} named */
  putBack(value, inline, named) {
    // there may be any number, and of these any number are compared with them
    const hidden = this.sealed.get(inOrder(value));
    const found = hidden?.inline === inline ? hidden : undefined;
    return found && (inline || named || typeof found.value !== 'string') ? found.value : value;
  }

  /**
   * `config` with what the component made of its part.
   * @param {any} config @param {string} answer @returns {any}
   */
  mergeBack(config, answer) {
    const most = Buffer.byteLength(this.json()) + ADDED;
    if (Buffer.byteLength(answer) > most) throw refusal(`wrote over ${ADDED} bytes more than there were`);
    /** @type {any} */ let document;
    try {
      document = JSON.parse(answer);
    } catch {
      throw refusal('wrote what is not JSON');
    }
    if (!isObject(document)) throw refusal('wrote a configuration that is no object');
    const shown = new Set(names(this.document));
    for (const name of names(document)) {
      if (UNSAFE.includes(name) && !shown.has(name)) throw refusal(`wrote the member \`${name}\``);
    }
    // only where the next view would seal it again
    document = mapSecrets(document, this.id, {
      whole: (value) => this.putBack(value, false, true),
      header: (value, name) => this.putBack(this.putBack(value, false, this.isSecret(name)), true, false),
      option: (value) => this.putBack(value, true, false),
    });
    // What it wrote elsewhere must not get lost silently.
    if (!isDeepStrictEqual(part(document, this.id), document)) throw refusal('wrote outside its part of the configuration');
    if (JSON.stringify(document).includes(this.mark)) throw refusal('moved a secret to where it does not belong');
    return SHARED.reduce((merged, path) => replace(merged, document, path, this.id), config);
  }

  /**
   * Throws where the configuration that the component wrote would send the key, or another secret, elsewhere than the user
   * wants.
   * @param {any} config @param {any} merged
   * @param {{ defaultBaseUrl: string, credentials: readonly { envVars: readonly string[] }[] }} descriptor
   * @param {{ baseUrl?: string, apiKeyReference?: string }} choices
   */
  check(config, merged, descriptor, choices) {
    const { id } = this;
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

    const lists = [config, merged].map((all) => entries(all, id).map(([, entry]) => (isObject(entry) ? entry : {})));
    const [[first], [left]] = lists;
    if (first && !left) throw chosen('no entry of its own');
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
    const change = changeOf(models, now);
    if (change) throw chosen(change);
    const [had, has] = [config, merged].map((all) => at(all, ['agents', 'defaults']));
    if (!isOwnModel(had?.model, has?.model, id)) throw chosen('the default model');
    if (!areOwnModels(had?.models, has?.models, merged, id)) throw chosen('another model of the agents');
    const requests = lists[0].length ? lists[0].map((entry) => entry.request) : [undefined];
    if (!lists[1].every((entry) => requests.some((before) => same(before, entry.request)))) throw chosen('`request`');
    const options = (/** @type {any} */ all) => (
      own(at(all, ['plugins', 'entries']), id).map(([, entry]) => at(entry, ['config']) ?? {}));
    const usual = [...options(config), {}];
    const holds = (/** @type {any} */ all) => isObject(all) && Object.keys(all).length > 0;
    if (options(config).some(holds) && !options(merged).some(holds)) throw chosen('an option');
    if (!options(merged).every((now) => usual.some((before) => same(before, now)))) throw chosen('an option');

    const given = (/** @type {any} */ url) => (!isFilled(url) ? '' : typeof url === 'string' ? url.trim() : JSON.stringify(url));
    const choice = given(choices.baseUrl);
    // of several entries the first is called
    const wanted = [choice || given(first?.baseUrl) || descriptor.defaultBaseUrl];
    const isWanted = (/** @type {string} */ url, /** @type {string[]} */ all) => all.some((one) => samePlace(one, url));
    const urls = lists[1].map((entry) => given(entry.baseUrl) || descriptor.defaultBaseUrl);
    const ofOthers = [...wanted, ...lists[0].map((entry) => given(entry.baseUrl)).filter(Boolean)];
    if (!urls.every((url, at) => isWanted(url, at ? ofOthers : wanted))) throw chosen('another `baseUrl`');
  }
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
const WRITTEN = ['api', 'baseUrl', 'models', 'name', 'request'];
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
  const [headers, left] = [before, after].map((entries) => asOne(entries.map((entry) => at(entry, ['headers']))));
  const gone = [...headers].find(([name, value]) => !same(value, left.get(name)));
  return gone && `an entry without the header \`${gone[0]}\`, or with another`;
}

/** Whether it says anything. @param {any} value */
const isFilled = (value) => (typeof value === 'string' ? value.trim() !== '' : value !== null && value !== undefined);

/** What of a model is the user's alone: all but what describes it. @param {any} model @returns {Json} */
const usersOwn = (model) => Object.fromEntries(Object.entries(isObject(model) ? model : {})
  .filter(([name, value]) => isFilled(value) && !WRITTEN_OF_MODELS.includes(name)).map(([name, value]) => [name, plain(value)]));

/**
 * What the component changed of models that is not its own to write: a model that is gone, or what is the user's alone of one.
 * Of several with the same id the first counts, and the others may go.
 * @param {any[]} before @param {any[]} after @returns {string | undefined}
 */
function changeOf(before, after) {
  const idOf = (/** @type {any} */ model) => {
    const id = at(model, ['id']) ?? model;
    return typeof id === 'string' ? id.trim() : '';
  };
  const left = Map.groupBy(before, idOf);
  const first = new Map([...left].map(([id]) => [id, 0]));
  for (const model of after) {
    const id = idOf(model);
    const at = first.get(id) ?? 0;
    first.set(id, at + 1);
    const [had, has] = [left.get(id)?.[at], model].map(usersOwn);
    const other = Object.keys({ ...had, ...has }).find((name) => !isDeepStrictEqual(had[name], has[name]));
    if (other) return `\`models.${other}\``;
  }
  const gone = [...first].find(([id, count]) => id && !count);
  return gone && `an entry without the model \`${gone[0]}\``;
}

/** Whether a model's name, `provider/model`, begins with this provider. @param {unknown} name @param {string} id */
const isOfProvider = (name, id) => typeof name === 'string' && name.includes('/') && isOwn(name.split('/')[0], id);

/** Whether the agents' default model is the user's, or one of this provider. @param {any} had @param {any} has @param {string} id */
function isOwnModel(had, has, id) {
  if (has === undefined || isDeepStrictEqual(had, has)) return true;
  const { primary: before, ...rest } = isObject(had) ? had : { primary: had };
  const { primary: now, ...others } = isObject(has) ? has : { primary: has };
  return (now === undefined || now === before || isOfProvider(now, id))
    && Object.entries(others).every(([name, value]) => isDeepStrictEqual(at(rest, [name]), value));
}

/** @param {unknown} value @returns {any[]} */
const listOf = (value) => (Array.isArray(value) ? value : []);

/** @param {unknown} value @returns {[string, any][]} */
const membersOf = (value) => (isObject(value) ? Object.entries(value) : []);

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
function freeIn(config, id) {
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
      || (isOfProvider(name, id) && isItsOwn && isDeepStrictEqual(settings(before), settings(now)));
  });
}

/** As they would be written, but for white space around them. @param {any} one @param {any} other */
const same = (one, other) => isDeepStrictEqual(plain(one), plain(other));

/** @param {any} value */
const plain = (value) => (
  typeof value === 'string' ? value.trim() : value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** The names of all members. @param {any} value @param {number} [depth] @returns {Generator<string>} */
function* names(value, depth = 0) {
  if (value === null || typeof value !== 'object') return;
  if (depth >= DEPTH) throw refusal(`wrote what is not JSON: it is nested over ${DEPTH} levels deep`);
  for (const [name, inner] of Object.entries(value)) {
    if (inner === Infinity || inner === -Infinity) throw refusal('wrote a number that is none');
    if (!Array.isArray(value)) yield name;
    yield* names(inner, depth + 1);
  }
}
