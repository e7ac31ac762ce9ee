/**
 * What is secret: a value, by its name; of a value, the parts to look for in answers; and the `${NAME}` references that stand for one.
 * The Rust host has the same rules (`secret_names`, `secret_json` and `references` in `host-harness/boundary/src`), and both are
 * tested with `tests/fixtures/boundary`.
 */

/** Words that say so alone. Digits at the end of a word do not count. */
const WORDS = new Set([
  'auth', 'authn', 'authz', 'bearer', 'cred', 'creds', 'jwt', 'key', 'keys', 'oauth', 'pem', 'pwd', 'session', 'sessions',
  'serviceaccount',
]);
const STARTS = ['authentic', 'authoriz', 'cookie', 'credential', 'passphrase', 'passw', 'secret'];
const ENDS = [
  'secret', 'secrets', 'password', 'passwords', 'passwd', 'passphrase', 'cookie', 'cookies', 'credential', 'credentials',
];

/** What makes a `key` a secret where the two are written as one word: there are monkeys as well. */
const KEYS = new RegExp('^(access|account|admin|api|app|auth|client|encryption|function|master|private|secret|service|shared|signing'
  + '|ssh|storage|subscription|virtual)keys?$');

/** `max_tokens` is a number of tokens. */
const COUNTS = new Set([
  'budget', 'cached', 'completion', 'context', 'count', 'input', 'limit', 'max', 'maximum', 'min', 'output', 'per', 'prompt',
  'ratelimit', 'reasoning', 'remaining', 'thinking', 'total', 'usage', 'used',
]);

/** The words of `clientSecret`, `client_secret`, `X-Client-Secret` and `CLIENTSecret`, in lower case: of ASCII alone. @param {string} name */
const wordsOf = (name) => name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
  .split(/[^A-Za-z0-9]+/).map((word) => word.toLowerCase()).map((word) => word.replace(/(?<![0-9])[0-9]+$/, '')).filter(Boolean);

/**
 * Whether a header, an option or a member of JSON of this name holds a secret, by the words of the name.
 * @param {string} name
 */
export function namesASecret(name) {
  const words = wordsOf(name);
  const isCount = words.some((word) => COUNTS.has(word));
  return words.some((word, at) => (/tokens?$/.test(word) ? !isCount : WORDS.has(word) || KEYS.test(word)
    || STARTS.some((start) => word.startsWith(start)) || ENDS.some((end) => word.endsWith(end))
    || (word === 'service' && words[at + 1] === 'account')));
}

/** Names are OpenClaw's: capitals, digits and `_`, no digit first. */
const REFERENCE = /\$\{([A-Z_][A-Z0-9_]*)\}/g;

/** The names of all `${NAME}` references in the text. @param {string} text */
export const references = (text) => Array.from(text.matchAll(REFERENCE), ([, name]) => name);

const SOURCES = ['env', 'file', 'exec', 'store'];

/** Whether it is a reference as an object: `{"source": "env", "provider": "default", "id": "NAME"}`. @param {any} value */
const isObjectReference = (value) => SOURCES.includes(value?.source) && typeof value.id === 'string';

/**
 * The names of all references in `value`, those in JSON that stands as text and those that are objects included.
 * @param {any} value @returns {string[]}
 */
export function allReferences(value) {
  if (typeof value === 'string') return [...references(value), ...allReferences(parsed(value))];
  if (value === null || typeof value !== 'object') return [];
  const inner = Object.values(value).flatMap((member) => allReferences(member));
  return isObjectReference(value) ? [value.id, ...inner] : inner;
}

/** @param {string} text */
export const isReference = (text) => references(text).length > 0;

/** Whether the text is one reference and nothing else: a user wrote no secret there. @param {string} text */
export const isBareReference = (text) => /^\s*\$\{[A-Z_][A-Z0-9_]*\}\s*$/.test(text);

/** A shorter text, such as `service_account`, is a secret only by its name: it stands in ordinary answers. */
const SHORTEST_UNNAMED = 16;

/** JSON as a header holds it: in ASCII and on one line. The gateway reads raw UTF-8 as Latin-1. @param {string} json */
export const headerJson = (json) => json.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const SCHEME = /^(basic|bearer|digest|negotiate|token)$/i;
const WITH_SCHEME = /^(basic|bearer|digest|negotiate|token)[ \t]+(?=[^ \t])/i;

const isLong = (/** @type {string} */ text) => Buffer.byteLength(text) >= SHORTEST_UNNAMED;

/** The lines of a text, of `Bearer sk-1` what follows the scheme. @param {string} text */
export const lines = (text) => text.split(/\r?\n/).map((line) => line.replace(WITH_SCHEME, ''));

/**
 * The lines of the texts in JSON: a private key has many. Short ones only by their name, or one above it.
 * @param {unknown} json @param {boolean} [named] @returns {string[]}
 */
export function linesIn(json, named = false) {
  if (typeof json === 'string') {
    const inner = parsed(json);
    const within = inner ? linesIn(inner, named) : isBroken(json) ? piecesOfBroken(json) : [];
    return lines(json).filter((line) => line && (named || isLong(line))).concat(within, hiddenIn(json));
  }
  if (Array.isArray(json)) return json.flatMap((item) => linesIn(item, named));
  return Object.entries(json ?? {}).flatMap(([name, value]) => linesIn(value, named || namesASecret(name)));
}

/** @param {any} json @returns {number} */
const membersIn = (json) => (json && typeof json === 'object'
  ? Object.values(json).reduce((sum, value) => sum + (Array.isArray(json) ? 0 : 1) + membersIn(value), 0) : 0);

/** A text in JSON. */
const TEXTS = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * What the text is as JSON, where that is an object or a list, in which no name stands twice: of two only the last would be looked at.
 * @param {string} text @returns {unknown}
 */
export function parsed(text) {
  // an error for each of any number of texts would cost many times what looking at them does
  if (!/^[ \t\r\n]*[[{]/.test(text)) return undefined;
  try {
    const json = JSON.parse(text);
    const colons = text.replace(TEXTS, '').split(':').length - 1;
    return json && typeof json === 'object' && membersIn(json) === colons ? json : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether the text looks like JSON, and is none: a bracket comes before all letters and digits, whatever else does, such as a quote of
 * any kind or a byte order mark. A `$` begins a reference.
 * @param {string} text
 */
export const isBroken = (text) => /^[^\p{Alphabetic}\p{N}$'[{]*['[{]/u.test(text) && !parsed(text);

/** @type {Record<string, string>} */
const SIGNS = { n: '\n', r: '\r', t: '\t' };

/** The text with what is escaped as within a text of JSON, wherever that stands. @param {string} text */
const unescaped = (text) => text.replace(/\\(?:u([0-9a-f]{4})|([^]))/gi, (_, code, sign) => (
  code ? String.fromCharCode(Number.parseInt(code, 16)) : SIGNS[sign] ?? sign));

/**
 * The texts between double quotes, as JSON writes them, as far as they may be secrets: also those that hold other quotes, and each of
 * those below one name.
 * @param {string} json @returns {string[]}
 */
function textsOfBroken(json) {
  const found = [];
  let isNamed = false;
  for (let start = json.indexOf('"'); start >= 0;) {
    let end = start + 1;
    while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1;
    if (end >= json.length) break;
    const [written, next] = [json.slice(start, end + 1), json.indexOf('"', end + 1)];
    const isName = /^\s*:/.test(json.slice(end + 1, next < 0 ? undefined : next));
    start = next;
    let text;
    try { text = JSON.parse(written); } catch { continue; }
    if (isName) isNamed = namesASecret(text);
    else found.push(...hiddenIn(text), ...lines(text).filter((line) => line && (isNamed || isLong(line))));
  }
  return found;
}

/**
 * What may be a secret in a text that is broken: what stands between quotes, or between any signs of JSON, at each level of texts
 * within texts. A short one only as the value of a name that names a secret.
 * @param {string} text @returns {string[]}
 */
function piecesOfBroken(text) {
  const found = [];
  for (let [level, inner] = [0, text]; level < 4; level++) {
    found.push(...textsOfBroken(inner));
    for (const runs of [/[^"'`]+/g, /[^"'`{}[\]:, \t]+/g]) {
      const pieces = [...inner.matchAll(runs)].filter(([piece]) => /[\p{Alphabetic}\p{N}]/u.test(piece));
      for (const [at, { 0: piece, index }] of pieces.entries()) {
        const before = pieces[at - 1];
        const isNamed = before && /[:=]/.test(inner.slice(before.index, index)) && namesASecret(before[0]);
        found.push(...lines(piece).filter((line) => isLong(line) || isNamed));
      }
    }
    if (!inner.includes('\\')) break;
    inner = unescaped(inner);
  }
  return found;
}

/** The password in a URL: as a URL has it, as it is written, and what it means. @param {string} text @returns {string[]} */
export function passwordsIn(text) {
  const password = text.includes('://') ? URL.parse(text.trim())?.password : undefined;
  if (!password) return [];
  const [place] = text.slice(text.indexOf('://') + 3).split(/[/?#]/);
  const user = place.slice(0, place.lastIndexOf('@'));
  const bytes = Buffer.from(password).toString('latin1').replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
  return [password, Buffer.from(bytes, 'latin1').toString(), user.slice(user.indexOf(':') + 1)];
}

/** What a text holds that is a secret by its form: the password of a URL, and what `Basic` hides. @param {string} text @returns {string[]} */
function hiddenIn(text) {
  const basic = /^basic[ \t]+([A-Za-z0-9+/]+)=*[ \t]*$/i.exec(text.trim())?.[1];
  // `echo` adds a line end, which is none of theirs: for a secret with one, each line of a stream would be held back.
  const decoded = basic && Buffer.from(basic, 'base64').toString().replace(/(?<![\r\n])[\r\n]+$/, '');
  const isPlain = decoded && !decoded.includes('\ufffd');
  return [...passwordsIn(text), ...(isPlain ? [decoded, decoded.slice(decoded.indexOf(':') + 1)] : [])];
}

/**
 * What to look for in answers where a secret value was sent: of `Bearer sk-1` what follows the scheme, of `Basic` the password
 * too, of cookies each value, of JSON its texts, of what only looks like JSON what its texts may be, of a URL its password.
 * @param {unknown} value @param {boolean} [named] whether short words are secrets, too @returns {string[]}
 */
export function secretsIn(value, named = true) {
  if (typeof value !== 'string') return [];
  const json = parsed(value);
  if (json) return linesIn(json);
  const words = value.split(/[ \t\n\f\r]+/).filter((word) => word && !SCHEME.test(word));
  const found = new Set();
  for (const word of words) {
    found.add(word.replace(/(?<![;,])[;,]+$/, ''));
    for (const part of word.split(/[;,]/)) {
      found.add(part);
      found.add(/^[^=]*=(.*)$/.exec(part)?.[1].replace(/^"|"$/g, ''));
    }
  }
  const secret = [...found].filter((text) => text && !/^=*$/.test(text) && (named || isLong(text)));
  return [...secret, ...hiddenIn(value), ...(isBroken(value) ? piecesOfBroken(value) : [])];
}
