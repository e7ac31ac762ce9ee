/** Origins: where the key may go. The configuration decides this; the component cannot. */

/** An error whose message is safe to show. @param {string} message @param {string} [hint] */
export const configError = (message, hint) => (
  Object.assign(new Error(hint ? `${message}. ${hint}` : message), { type: 'invalid-config' }));

/**
 * The origin of a base URL, as `http://127.0.0.1:8787`, without a default port.
 * @param {unknown} text @returns {string}
 */
export function originOf(text) {
  // What is before an `@`, or behind a `?`, may be a secret, and is not repeated.
  const what = typeof text === 'string' && !/[@?#]/.test(text) ? `\`${text.slice(0, 200)}\`` : 'the text';
  const wrong = (/** @type {string} */ why) => configError(`${what} is not a usable base URL: ${why}`,
    'Give an absolute URL such as https://gateway.example/v1 or http://127.0.0.1:8787/v1');
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (!url) throw wrong('it cannot be read as one');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('the scheme must be http or https');
  if (url.username || url.password) {
    const hint = 'Put credentials into headers: they are attached by the host';
    throw configError('a base URL must not hold a user name or a password', hint);
  }
  return url.origin;
}

/**
 * Whether both name the same origin, or are the same text: a base URL may be a reference.
 * @param {string} one
 * @param {string} other
 */
export function samePlace(one, other) {
  if (one === other) return true;
  try {
    return originOf(one) === originOf(other);
  } catch {
    return false;
  }
}
