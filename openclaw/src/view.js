/**
 * Which part of OpenClaw's configuration the component sees, and which part of its answer is used. The component merges its own
 * entry into the configuration, so it sees that entry. The adapter keeps everything else, and every secret, and puts it back
 * afterwards. A secret is replaced by a reference of ours, `${SEALED_0}`, which the component keeps as it is. The Rust host has
 * the same view (`host-harness/boundary/src/view.rs`), and both are tested with `tests/fixtures/boundary`.
 */
import { isDeepStrictEqual } from 'node:util';
import { inSmall, isObject, isOwn, mapped, part, putBack } from './excerpt.js';
import { configError } from './origin.js';
import { headerJson, isBareReference, isBroken, isReference, lines, namesASecret, parsed, passwordsIn, secretsIn } from './secrets.js';

/** @typedef {Record<string, any>} Json */

/** How much a component may add to what it was shown, in bytes; and to what was hidden, by naming it more than once. */
const ADDED = 1 << 20;

/** How deep its answer may be nested: as deep as the Rust host reads JSON. */
const DEPTH = 127;

/** Members that mean more than a name to JavaScript that copies objects carelessly. */
const UNSAFE = ['__proto__', 'constructor', 'prototype', '$include']; // the last lays another file there

/** Settings of which the component needs nothing, and any of which may hold a secret. */
const HELD = ['apiKey', 'localService', 'params', 'request'];

/**
 * The document with each place where a secret may be changed: the key, the headers, the settings of the provider, of each of
 * its models and of what agents know of models, and the plugin's options. What is no object where one belongs is one such place.
 * @param {Json} document @param {string} id
 * @param {{ whole: (value: any) => any, header: (value: any, name: string) => any, option: (value: any, name: string) => any
 * }} change
 */
function mapSecrets(document, id, change) {
  const each = (/** @type {any} */ value, /** @type {(value: any, name: string) => any} */ map) => (
    isObject(value) ? mapped(value, map) : change.whole(value));
  const own = (/** @type {any} */ fields, /** @type {(value: any) => any} */ map) => (
    each(fields, (value, name) => (isOwn(name, id) ? map(value) : value)));
  const inside = (/** @type {any} */ fields, /** @type {string} */ step, /** @type {(value: any) => any} */ map) => (
    each(fields, (value, name) => (name === step ? map(value) : value)));
  /** Also what is misspelt so that it names a secret. @type {(value: any, name: string) => any} */
  const held = (value, name) => {
    if (['headers', ...HELD].some((one) => inSmall(one) === inSmall(name)) || namesASecret(name)) return change.whole(value);
    return isObject(value) ? mapped(value, held) : value;
  };
  const model = (/** @type {any} */ value) => each(value, held);
  const entry = (/** @type {any} */ value) => each(value, (inner, name) => {
    if (inSmall(name) === 'headers') return each(inner, change.header);
    if (inSmall(name) === 'models') return Array.isArray(inner) ? inner.map(model) : change.whole(inner);
    return held(inner, name);
  });
  const sections = {
    models: (/** @type {any} */ all) => inside(all, 'providers', (providers) => own(providers, entry)),
    agents: (/** @type {any} */ all) => inside(all, 'defaults', (defaults) => inside(defaults, 'models', (models) => each(models, model))),
    plugins: (/** @type {any} */ all) => inside(all, 'entries', (entries) => (
      own(entries, (plugin) => inside(plugin, 'config', (options) => each(options, change.option))))),
  };
  return Object.entries(sections).reduce((changed, [name, map]) => inside(changed, name, map), document);
}

/** As JSON, the same for the same members in whatever order. @param {any} value */
const inOrder = (value) => JSON.stringify(
  value, (_, inner) => (isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));

/** One spelling of what may be JSON as a text: the component may write it anew. @param {any} value */
const asJson = (value) => inOrder(typeof value === 'string' ? parsed(value) ?? value.trim() : value);

/** Whether all of the text, or anything in the JSON, is or may be a secret. @param {any} value @param {boolean} named @returns {boolean} */
function isSecret(value, named) {
  if (typeof value === 'string') {
    const isNamed = named && value.trim() !== '' && !isBareReference(value);
    return isNamed || passwordsIn(value).length > 0 || isBroken(value) || isSecret(parsed(value), named);
  }
  return Object.entries(value ?? {}).some(([name, inner]) => isSecret(inner, named || namesASecret(name)));
}

/** @param {string} what @returns {Error} */
export const refusal = (what) => configError(`Portkey's component ${what}: nothing was changed`);

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
  /** What is left for hidden values that are put back, in bytes. */ room = 0;

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
    const concealed = json ? JSON.stringify(this.conceal(json, named)) : this.conceal(value, named);
    if (this.count === before) return value;
    // the first sign says to the component what is wrong with it
    const shown = typeof value === 'string' && isBroken(value) ? String.fromCodePoint(value.trim().codePointAt(0) ?? 0) + concealed : concealed;
    this.sealed.set(inOrder(shown), { value, inline: true });
    const text = typeof value === 'string' && !json ? value.trim() : headerJson(JSON.stringify(json ?? value));
    this.fills.set(asJson(shown), text);
    return shown;
  }

  /** @param {string} secret @param {boolean} named whether it is a secret by a name above it */
  placeholder(secret, named) {
    this.secrets.push(...lines(secret), ...secretsIn(secret, named));
    this.count += 1;
    return `${this.mark}${this.count}`;
  }

  /** @param {any} value @param {boolean} named whether it is a secret by a name above it @returns {any} */
  conceal(value, named) {
    if (Array.isArray(value)) return value.map((item) => this.conceal(item, named));
    if (typeof value !== 'string') return mapped(value, (inner, name) => this.conceal(inner, named || namesASecret(name)));
    return isSecret(value, named) ? this.placeholder(value, named) : value;
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

  /**
   * Puts back what was hidden, as long as there is room: an answer of a kilobyte can name a value of a kilobyte a hundred times.
   * @param {any} value @param {boolean} inline @param {boolean} named
   */
  putBack(value, inline, named) {
    // there may be any number, and of these any number are compared with them
    const hidden = this.sealed.get(inOrder(value));
    const found = hidden?.inline === inline ? hidden : undefined;
    if (!found || !(inline || named || typeof found.value !== 'string')) return value;
    this.room -= size(found.value);
    if (this.room < 0) throw refusal(`named hidden values of over ${ADDED} bytes more than there were`);
    return found.value;
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
    this.room = ADDED + [...this.sealed.values()].reduce((sum, { value }) => sum + size(value), 0);
    // only where the next view would seal it again
    document = mapSecrets(document, this.id, {
      whole: (value) => this.putBack(value, false, true),
      header: (value, name) => this.putBack(this.putBack(value, false, this.isSecret(name)), true, false),
      option: (value) => this.putBack(value, true, false),
    });
    // What it wrote elsewhere must not get lost silently.
    if (!isDeepStrictEqual(part(document, this.id), document)) throw refusal('wrote outside its part of the configuration');
    if (JSON.stringify(document).includes(this.mark)) throw refusal('moved a secret to where it does not belong');
    return putBack(config, document, this.id);
  }
}

/** As JSON, in bytes. @param {any} value */
const size = (value) => Buffer.byteLength(JSON.stringify(value));

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
