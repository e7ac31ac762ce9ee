/**
 * Keeps a secret that a server sends back out of the component: each is blotted out, byte for byte, also where it lies across
 * two pieces of a body.
 */

/** Shorter ones would blot out ordinary text, and no real key is that short. */
const SHORTEST = 6;

export class Mask {
  /** @type {Buffer} the end of the last piece, which may be the start of a secret */ held = Buffer.alloc(0);

  /** @param {Iterable<string>} secrets */
  constructor(secrets) {
    this.secrets = [...secrets].filter((secret) => secret.length >= SHORTEST).map((secret) => Buffer.from(secret));
  }

  /** @param {Uint8Array} piece @returns {Uint8Array} what of the body is safe to pass on */
  push(piece) {
    if (!this.secrets.length) return piece;
    const bytes = Buffer.concat([this.held, piece]);
    for (const secret of this.secrets) {
      for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + secret.length)) bytes.fill('*', at, at + secret.length);
    }
    const open = Math.max(...this.secrets.map((secret) => openEnd(bytes, secret)));
    this.held = bytes.subarray(bytes.length - open);
    return bytes.subarray(0, bytes.length - open);
  }

  /** @returns {Uint8Array} what was held back, at the end of the body */
  finish() {
    const { held } = this;
    this.held = Buffer.alloc(0);
    return held;
  }

  /** @param {string} text */
  text(text) {
    return this.secrets.reduce((masked, secret) => masked.replaceAll(secret.toString(), '*'.repeat(secret.length)), text);
  }
}

/** How many bytes at the end of `bytes` may be the start of `secret`. @param {Buffer} bytes @param {Buffer} secret */
function openEnd(bytes, secret) {
  for (let length = Math.min(secret.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(secret.subarray(0, length))) return length;
  }
  return 0;
}
