/**
 * Masks secrets that a server sends back, before the component sees them: in texts, headers and streamed bodies. A mask is as
 * long as the secret. A secret is found literally and in the encodings that servers use: JSON, URLs, HTML, Base64. The Rust
 * host has the same mask (`host-harness/boundary/src/mask.rs`), and both are tested with `tests/fixtures/boundary`.
 */

/** In bytes. Shorter ones would blot out ordinary text, and no real key is that short. */
const SHORTEST = 6;

/** How often a secret may have been written into JSON that was written into JSON. */
const JSON_LEVELS = 3;

/**
 * @param {string} json
 * @param {RegExp} which characters are written as `\u00e9`
 * @returns {string[]} with those letters in either case
 */
function escaped(json, which) {
  const hex = (/** @type {string} */ c) => c.charCodeAt(0).toString(16).padStart(4, '0');
  return [json.replace(which, (c) => `\\u${hex(c)}`), json.replace(which, (c) => `\\u${hex(c).toUpperCase()}`)];
}

/** What writers of JSON escape beside what must be: Python and PHP; with PHP's or Ruby's options for HTML; Go; Gson; .NET. */
const ESCAPED_IN_JSON = [/[^\0-\x7f]/g, /[^\0-\x7f]|[<>&']/g, /[<>&]/g, /[<>&'=]/g, /[^\0-\x7f]|[<>&'+`]/g];

/** A text as a string of JSON, without the quotes around it. @param {string} text */
const jsonOf = (text) => JSON.stringify(text).slice(1, -1);

/**
 * The same, as writers of JSON with these habits have it, and with `\/`: where that goes with the other habits, too.
 * @param {string} text @param {RegExp[]} habits @param {boolean} withAll @returns {string[]}
 */
function written(text, habits, withAll) {
  const json = jsonOf(text);
  const slashed = (/** @type {string} */ one) => one.replaceAll('/', '\\/');
  // .NET's has no quotes
  const others = habits.flatMap((which) => escaped(which.source.includes('+') ? json.replaceAll('\\"', '\\u0022') : json, which));
  return [json, slashed(json), ...others, ...(withAll ? others.map(slashed) : [])];
}

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** How writers of JSON and of HTML spell it. @param {string} secret @returns {string[]} */
function spellings(secret) {
  // A header may hold it in JSON, and an answer that header in its own: mostly nothing changes but for quotes.
  // Servers such as Node's take the UTF-8 of a header for Latin-1.
  const inJson = new Set([secret, Buffer.from(secret).toString('latin1')]);
  let others = [...inJson].flatMap((text) => written(text, ESCAPED_IN_JSON, true));
  for (let level = 0; level < JSON_LEVELS; level++) {
    for (const one of [...inJson].flatMap((text) => written(text, ESCAPED_IN_JSON.slice(0, 2), false))) inJson.add(one);
  }
  for (let level = 0; level < JSON_LEVELS; level++) {
    for (const one of others) inJson.add(one);
    others = others.map(jsonOf);
  }
  return [...inJson, secret.replace(/[&<>"']/g, (c) => ENTITIES[c])];
}

/** @param {number} letter @returns {number} its value as a digit in hex, or NaN */
const hexValue = (letter) => Number.parseInt(String.fromCharCode(letter), 16);

/**
 * What the escape of a URL stands for that begins there, such as `%2F`: NaN where none does.
 * @param {Buffer} bytes @param {number} at
 */
const escapeAt = (bytes, at) => (bytes[at] === 37 ? hexValue(bytes[at + 1]) * 16 + hexValue(bytes[at + 2]) : Number.NaN);

/**
 * Where the form ends that begins there, any of whose letters may be written as an escape of URLs. An escape is compared by the
 * letter that it stands for, as `spelled` writes it.
 * @param {Buffer} form @param {Buffer} bytes @param {number} start @param {(letter: number) => number} spelled
 * @returns {number | undefined}
 */
function escapedEnd(form, bytes, start, spelled = (letter) => letter) {
  let at = start;
  for (const letter of form) {
    if (spelled(escapeAt(bytes, at)) === letter) at += 3;
    else if (bytes[at] === letter) at += 1;
    else return undefined;
  }
  return at;
}

/** @param {number} letter @returns {number} it, or the small letter of a capital of ASCII */
const small = (letter) => (letter >= 65 && letter <= 90 ? letter + 32 : letter);

/** All the ways in which a server may write `secret`, but for the escapes of URLs. @param {string} secret @returns {string[]} */
function forms(secret) {
  const bytes = Buffer.from(secret);
  if (bytes.length < SHORTEST) return [];
  // of these letters JSON and HTML write all as they are: so mostly little is looked for
  const isPlain = /^[\w.-]*$/.test(secret);
  const spelled = isPlain ? [secret] : spellings(secret);
  // forms in a URL have `+` for a blank
  spelled.push(secret.replaceAll(' ', '+'));
  // Three bytes make four letters, so there are three ways for it to begin, as in `Basic ${user:password}`. Letters that belong
  // to what stands before or behind it too are left out.
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    const shared = text.slice([0, 2, 3][before], (before + bytes.length) % 3 ? -1 : undefined);
    return [shared, shared.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...new Set([...spelled, ...base64])].filter((text) => Buffer.byteLength(text) >= SHORTEST);
}

/** The bytes that fetch sends of a header with letters of Latin-1. @param {string} secret @returns {Buffer<ArrayBuffer>[]} */
const inLatin = (secret) => (
  /^[\0-\xff]*$/.test(secret) && /[\x80-\xff]/.test(secret) && secret.length >= SHORTEST ? [Buffer.from(secret, 'latin1')] : []);

/** @typedef {[start: number, end: number]} Hit */

export class Mask {
  /** @type {Buffer} the end of what came, as it came: a secret may go on in the next piece */ held = Buffer.alloc(0);
  /** How many bytes at its start belong to a secret that is whole already. */ masked = 0;

  /** @param {Iterable<string>} secrets */
  constructor(secrets) {
    const all = [...secrets];
    this.secrets = [...new Set(all.flatMap(forms))].map((form) => Buffer.from(form)).concat(all.flatMap(inLatin));
    /** @type {Map<number, Buffer[]>} */ this.byFirst = Map.groupBy(this.secrets, ([first]) => first);
    // each letter may be written as `%XX`
    this.longest = 3 * Math.max(0, ...this.secrets.map(({ length }) => length));
    /** Whether none goes on over the end of a line. */
    this.inLines = !this.secrets.some((secret) => secret.includes(10) || secret.includes(13));
  }

  /** Where secrets are: one may overlap another, or itself. @param {Buffer} bytes @returns {Hit[]} */
  hits(bytes) {
    const found = this.escaped(bytes);
    for (const secret of this.secrets) {
      for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) found.push([at, at + secret.length]);
    }
    return found;
  }

  /**
   * Where secrets are in which letters are written as escapes of URLs. Encoders differ in which, and no two escapes belong together:
   * a secret may begin behind what looks like half of one.
   * @param {Buffer} bytes @returns {Hit[]}
   */
  escaped(bytes) {
    /** @type {Hit[]} */ const found = [];
    let start = 0;
    for (let escape = bytes.indexOf('%'); escape >= 0; escape = bytes.indexOf('%', escape + 1)) {
      if (Number.isNaN(escapeAt(bytes, escape))) continue;
      for (start = Math.max(start, escape + 1 - this.longest); start <= escape; start++) {
        // a `%` may be one, or begin an escape
        for (const first of new Set([bytes[start], escapeAt(bytes, start)])) {
          for (const form of this.byFirst.get(first) ?? []) {
            const end = escapedEnd(form, bytes, start);
            if (end) found.push([start, end]);
          }
        }
      }
    }
    return found;
  }

  /** @param {Uint8Array} piece @returns {Uint8Array} what of the body is safe to pass on */
  push(piece) {
    if (!this.secrets.length) return piece;
    const came = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const bytes = this.held.length ? Buffer.concat([this.held, came]) : came;
    return this.pass(bytes, bytes.length - this.openEnd(bytes));
  }

  /** @returns {Uint8Array} what was held back, at the end of the body */
  finish() { return this.pass(this.held, this.held.length); }

  /**
   * The first `length` bytes, masked. What begins in them and goes on in the rest is remembered; what begins in the rest is
   * found again.
   * @param {Buffer} bytes @param {number} length
   */
  pass(bytes, length) {
    const hits = this.hits(bytes).filter(([start]) => start < length);
    if (this.masked) hits.push([0, this.masked]);
    this.held = Buffer.from(bytes.subarray(length));
    this.masked = hits.reduce((most, [, end]) => Math.max(most, end - length), 0);
    if (!hits.length) return bytes.subarray(0, length);
    const passed = Buffer.from(bytes.subarray(0, length));
    for (const [start, end] of hits) passed.fill('*', start, Math.min(end, length));
    return passed;
  }

  /**
   * How many bytes at the end are held back, since a secret may go on in the next piece: as many as the longest has, and nothing of
   * a line that is over, so that events come at once. What they are does not count: else a component could have a server repeat
   * its guesses, and see by the pieces that come which of them a secret begins with.
   * @param {Buffer} bytes
   */
  openEnd(bytes) {
    const line = this.inLines ? Math.max(bytes.lastIndexOf(10), bytes.lastIndexOf(13)) + 1 : 0;
    return Math.min(bytes.length - line, this.longest - 1);
  }

  /** @param {string} text */
  text(text) {
    const bytes = Buffer.from(text);
    const hits = this.hits(bytes);
    for (const [start, end] of hits) bytes.fill('*', start, end);
    return hits.length ? bytes.toString() : text;
  }

  /** Whether a header's name holds a secret: it is in lower case by now, and cannot hold a mask. @param {string} name */
  isIn(name) {
    // letters of ASCII alone: others may stand there as escapes
    const bytes = Buffer.from(Buffer.from(name).map(small));
    return this.secrets.some((secret) => {
      // most names are shorter than any secret
      if (bytes.length < secret.length) return false;
      const lower = Buffer.from(secret.map(small));
      return bytes.includes(lower) || (name.includes('%') && bytes.some((_, at) => escapedEnd(lower, bytes, at, small)));
    });
  }
}
