/**
 * wasi:http and wasi:io 0.2 for one component instance, over a `fetch`: just what a client needs.
 *
 * Every import settles: a request ends with its answer, an abort, a limit or the end of the call, and is never left pending.
 * Here is what a request may do and who may be called; the resources are in `wasi-http-types.js` and `wasi-io.js`.
 */
import { LIMITS } from './limits.js';
import { Mask } from './mask.js';
import { causes, failure } from './wasi-error.js';
import {
  Fields, FutureIncomingResponse, FutureTrailers, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions,
} from './wasi-http-types.js';
import { InputStream, IoError, OutputStream, Pollable, poll } from './wasi-io.js';

/**
 * @typedef {object} Egress What one call of the component may do on the network.
 * @property {string} origin The only origin that requests may go to.
 * @property {(url: URL, init: RequestInit) => Promise<Response>} fetch Sends it, by the host's rules.
 * @property {[name: string, value: string][]} attached What the component must not hold: set last, on the host's own copy.
 * @property {string[]} [secrets] What of them is secret: blotted out of answers, should a server send it back, and of errors.
 * @property {Iterable<string>} reserved Headers, in lower case, that the component may not set: the host attaches them.
 * @property {Partial<import('./limits.js').Limits>} [limits] Where they are not the usual ones.
 * @property {{ name: string, shown: string, real: string }[]} [filled] Headers that the component writes with secrets hidden
 * in them.
 * @property {string} [mark] What hides a secret holds this; nothing else does.
 * @property {AbortSignal} [signal] Ends every request of the call.
 * @property {(piece: Uint8Array) => void} [arrived] Is told of each piece of an answer.
 */

const decoder = new TextDecoder();

/** What the host says in the component's place: the mask must see an answer in plain text, and a body's length is known. */
const OVERRULED = new Set(['accept-encoding', 'content-length']);

/** @param {bigint | undefined} ns @param {number} most @returns {number} milliseconds */
const millis = (ns, most) => (ns === undefined ? most : Math.min(Number(ns / 1_000_000n), most));

/**
 * The error for an answer that the mask could not read, or whose head is too large.
 * @param {Response} response
 * @param {import('./limits.js').Limits} limits
 */
function checkHead({ headers, redirected }, limits) {
  if (redirected) throw { tag: 'HTTP-request-denied' };
  let size = 0;
  let count = 0;
  for (const [name, value] of headers) {
    size += name.length + value.length;
    count += 1;
  }
  if (size > limits.headers || count > limits.headerCount) throw { tag: 'HTTP-response-header-section-size', val: undefined };
  for (const [name, plain] of [['content', 'identity'], ['transfer', 'chunked']]) {
    const coding = headers.get(`${name}-encoding`)?.trim();
    if (coding && coding.toLowerCase() !== plain) throw { tag: `HTTP-response-${name}-coding`, val: coding };
  }
}

/**
 * The import object of one instance, and `bind`, which says for each call what it may do: nothing, until then. What is still
 * open when another call is bound, or none, is ended.
 * @param {(bytes: number) => void} [written] is told how much the component writes
 * @returns {{ imports: Record<string, any>, bind: (egress: Egress | undefined) => void, broken: () => string | undefined }}
 * `broken` gives Node's code for the last network failure
 */
export function wasiHttp(written = () => {}) {
  /** @type {Egress | undefined} */ let egress;
  /** @type {import('./limits.js').Limits} */ let limits = LIMITS;
  /** @type {Set<() => void>} */ const open = new Set();
  /** @type {string | undefined} */ let brokenBy;
  const broke = (/** @type {any} */ e) => { brokenBy = causes(e).find(({ code }) => typeof code === 'string')?.code ?? brokenBy; };
  /** How much it may still write into bodies of requests: those that are never sent are kept too. */ let room = LIMITS.body;

  const hasRoom = (/** @type {number} */ bytes) => {
    written(bytes);
    room -= bytes + 256; // a piece without a byte takes room too
    return room >= 0;
  };
  class OwnRequest extends OutgoingRequest { hasRoom = hasRoom; }

  /** @param {OutgoingRequest} request */
  function target(request) {
    const scheme = request.protocol?.tag?.toLowerCase() ?? 'https';
    const text = `${scheme}://${request.host ?? ''}${request.path ?? '/'}`;
    const url = URL.parse(text);
    if (!url) throw { tag: 'HTTP-request-URI-invalid' };
    if (url.origin !== egress?.origin || url.username || url.password) throw { tag: 'HTTP-request-denied' };
    return url;
  }

  /** The header with what is hidden in it. @param {[string, Uint8Array]} header @returns {[string, string]} */
  function fill([name, bytes]) {
    const value = decoder.decode(bytes);
    if (!egress?.mark || !value.includes(egress.mark)) return [name, value];
    const found = egress.filled?.find((filled) => filled.name === name && filled.shown === value);
    if (!found) throw { tag: 'HTTP-request-denied' };
    return [name, found.real];
  }

  /** @param {OutgoingRequest} request @param {RequestOptions} [options] */
  function handle(request, options) {
    if (!egress) throw { tag: 'HTTP-request-denied' };
    const { fetch, attached, secrets = [], reserved, signal, arrived } = egress;
    const url = target(request);
    for (const name of reserved) if (request.fields.has(name)) throw { tag: 'HTTP-request-denied' };
    const given = request.fields.list.filter(([name]) => !OVERRULED.has(name)).map(fill);
    if (open.size >= limits.requests) {
      return new FutureIncomingResponse(Promise.resolve({ tag: 'err', val: { tag: 'connection-limit-reached' } }), () => {});
    }

    const mask = new Mask(secrets);
    const controller = new AbortController();
    const aborted = new Promise((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
    });
    aborted.catch(() => {});
    const onAbort = () => controller.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
    const finished = () => {
      signal?.removeEventListener('abort', onAbort);
      open.delete(abort);
    };
    const abort = () => {
      finished();
      controller.abort();
    };
    open.add(abort);

    const late = setTimeout(() => controller.abort({ tag: 'HTTP-response-timeout' }), millis(options?.firstByte, limits.head));
    const send = async () => {
      const headers = new Headers();
      /** @param {'append' | 'set'} how @param {string} name @param {string} value */
      const put = (how, name, value) => {
        try {
          headers[how](name, value);
        } catch { // its message holds the value, and the host has filled secrets in
          throw { tag: 'internal-error', val: `the header ${name} holds a character that HTTP does not allow` };
        }
      };
      for (const [name, value] of given) put('append', name, value);
      headers.set('accept-encoding', 'identity');
      for (const [name, value] of attached) put('set', name, value);
      const content = await request.content?.complete;
      const body = content?.length ? content : undefined; // fetch allows a GET none, not even an empty one
      const method = request.verb.tag === 'other' ? request.verb.val : request.verb.tag.toUpperCase();
      const response = await fetch(url, { method, headers, body, signal: controller.signal, redirect: 'manual' });
      try {
        checkHead(response, limits);
      } catch (error) {
        response.body?.cancel().catch(() => {});
        throw error;
      }
      const idle = millis(options?.betweenBytes, limits.idle);
      return new IncomingResponse(response, { abort, finished, broke, arrived, mask, idle, limits });
    };
    const answer = Promise.race([send(), aborted]).then(
      (val) => ({ tag: 'ok', val }),
      (e) => {
        finished();
        broke(e);
        return { tag: 'err', val: failure(controller.signal.reason?.tag ? controller.signal.reason : e, mask) };
      },
    ).finally(() => clearTimeout(late));
    return new FutureIncomingResponse(answer, abort);
  }

  return {
    bind(next) {
      for (const abort of open) abort();
      egress = next;
      limits = { ...LIMITS, ...next?.limits };
      room = limits.body;
    },
    broken: () => brokenBy,
    imports: {
      'wasi:io/error': { Error: IoError },
      'wasi:io/poll': { Pollable, poll },
      'wasi:io/streams': { InputStream, OutputStream },
      'wasi:http/types': {
        Fields, FutureIncomingResponse, FutureTrailers, IncomingBody, IncomingResponse, OutgoingBody,
        OutgoingRequest: OwnRequest, RequestOptions,
        /** @param {IoError} error */
        httpErrorCode: (error) => error.code,
      },
      'wasi:http/outgoing-handler': { handle },
    },
  };
}
