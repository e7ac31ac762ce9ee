/**
 * The part of OpenClaw's configuration that is this provider's: what the component may read and write, and the entries under any
 * spelling of its name. The same as `host-harness/boundary/src/excerpt.rs`.
 */

/** @typedef {Record<string, any>} Json */

/** What a component may read and write; `*` is its own id, in any case. */
const SHARED = [
  ['models', 'mode'], ['models', 'providers', '*'], ['agents', 'defaults', 'model'], ['agents', 'defaults', 'models'],
  ['plugins', 'entries', '*', 'config'],
];

/** @param {any} value @returns {value is Json} */
export const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** In ASCII alone: the Kelvin sign is no k. @param {string} name */
export const inSmall = (name) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** @param {string} name @param {string} id */
export const isOwn = (name, id) => inSmall(name.trim()) === id;

/** The id in a row of models of the provider: OpenClaw takes `portkey/m` there for the `m` of Portkey. @param {string} model @param {string} id */
export function modelId(model, id) {
  const [provider, ...rest] = model.split('/');
  return (rest.length && isOwn(provider, id) ? rest.join('/') : model).trim();
}

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
export function replace(to, from, [step, ...rest], id) {
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
export const part = (config, id) => SHARED.reduce((out, path) => copy(config, out, path, id), /** @type {any} */ ({}));

/** @param {any} config @param {string[]} path @returns {any} */
export const at = (config, path) => path.reduce(
  (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), config);

/** The members of `fields` that are called `id`, in whatever case. @param {any} fields @param {string} id @returns {[name: string, value: any][]} */
export const own = (fields, id) => Object.entries(isObject(fields) ? fields : {}).filter(([name]) => isOwn(name, id));

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
export const mapped = (fields, change) => (
  isObject(fields) ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value, name)])) : fields);

/** @param {unknown} value @returns {[string, any][]} */
export const membersOf = (value) => (isObject(value) ? Object.entries(value) : []);

/** Whether it says anything. @param {any} value */
export const isFilled = (value) => (typeof value === 'string' ? value.trim() !== '' : value !== null && value !== undefined);

/**
 * `config` with the component's part of `document`.
 * @param {any} config @param {any} document @param {string} id @returns {any}
 */
export const putBack = (config, document, id) => SHARED.reduce((merged, path) => replace(merged, document, path, id), config);
