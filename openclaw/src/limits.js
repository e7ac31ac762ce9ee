/**
 * @typedef {'head' | 'idle' | 'call' | 'requests' | 'body' | 'headers' | 'headerCount' | 'resources' | 'handed'} Limit
 * @typedef {{ [name in Limit]: number }} Limits
 */

/**
 * How much one call of the component may use, as the Rust host's `Limits`. Memory is not here: the component's own file says
 * how much it may have at most. Nor is time that it computes: nothing can end that on OpenClaw's own thread.
 * @type {Readonly<Limits>}
 */
export const LIMITS = Object.freeze({
  /** From a request to the head of its answer, in ms: image models take minutes. */
  head: 600_000,
  /** Between two pieces of an answer, in ms. */
  idle: 300_000,
  /** A whole call or stream, in ms. */
  call: 3_600_000,
  /** Requests open at once. */
  requests: 8,
  /** The bodies of all requests that a call writes, and the body of an answer, in bytes. */
  body: 256 * 2 ** 20,
  /** The headers of a request, and of an answer, in bytes: names and values. */
  headers: 64 * 2 ** 10,
  /** The same, by number. */
  headerCount: 100,
  /** Handles of each kind that the component keeps: headers, requests, bodies, what it waits for. */
  resources: 1000,
  /** What it hands over in one answer, in bytes: of lists that are many times the same memory, its own memory is no limit. */
  handed: 512 * 2 ** 20,
});
