/**
 * wasi:http and wasi:io 0.2 for one component instance, over a `fetch`: just what a client needs.
 *
 * Every import settles: a request ends with its answer, an abort, a limit or the end of the call, and is never left pending.
 * Only `Pollable.block` and `InputStream.blockingRead` wait, so only those two suspend the component (JSPI).
 */
import { LIMITS } from './limits.js';
import { Mask } from './mask.js';

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

const READ_AHEAD = 65536;
/** How much of a body the component may write at once, in bytes: an agent's turn is larger than what is read ahead. */
const WRITE_AT_ONCE = 1 << 18;
const DISPOSE = /** @type {typeof Symbol.dispose} */ (Symbol.dispose ?? Symbol.for('dispose'));
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const CLOSED = { tag: 'closed' };

/** Headers that ask for a part of an answer: half a secret here and the other half there is none that the mask would find. */
export const PARTS = ['if-range', 'range'];

/** Those, and headers of the connection, which are the host's. As in the Rust host. */
const FORBIDDEN = new Set([
  'connection', 'host', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te',
  'transfer-encoding', 'upgrade', ...PARTS,
]);

/** What the host says in the component's place: the mask must see an answer in plain text, and a body's length is known. */
const OVERRULED = new Set(['accept-encoding', 'content-length']);

/** What HTTP calls a token: a method, or the name of a header. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A host and perhaps a port, in any spelling of theirs. */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\0-\x20\x7f"#%/:<>?@[\\\]^`{|}]+)(:\d+)?$/;

/** @param {bigint | undefined} ns @param {number} most @returns {number} milliseconds */
const millis = (ns, most) => (ns === undefined ? most : Math.min(Number(ns / 1_000_000n), most));

/** @param {Uint8Array[]} chunks @returns {Uint8Array<ArrayBuffer>} */
function concat(chunks) {
  if (chunks.length === 1) return /** @type {Uint8Array<ArrayBuffer>} */ (chunks[0]);
  const all = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const c of chunks) {
    all.set(c, at);
    at += c.length;
  }
  return all;
}

/** An error and what caused it. @param {any} e @returns {any[]} */
function causes(e) {
  const all = [];
  for (let cause = e; cause && all.length < 8; cause = cause.cause) all.push(cause);
  return all;
}

/** The wasi:http error code for what `fetch` threw. @param {any} e @param {Mask} mask */
function failure(e, mask) {
  if (e?.tag) return typeof e.val === 'string' ? { ...e, val: mask.text(e.val).slice(0, 200) } : e;
  for (const cause of causes(e)) {
    switch (cause.code) {
      case 'ECONNREFUSED': return { tag: 'connection-refused' };
      case 'ENOTFOUND': case 'EAI_AGAIN': return { tag: 'DNS-error', val: { rcode: cause.code, infoCode: undefined } };
      case 'ECONNRESET': case 'EPIPE': case 'UND_ERR_SOCKET': return { tag: 'connection-terminated' };
      case 'ETIMEDOUT': case 'UND_ERR_CONNECT_TIMEOUT': return { tag: 'connection-timeout' };
      case 'UND_ERR_HEADERS_TIMEOUT': return { tag: 'HTTP-response-timeout' };
      case 'UND_ERR_BODY_TIMEOUT': return { tag: 'connection-read-timeout' };
      case 'CERT_HAS_EXPIRED': case 'DEPTH_ZERO_SELF_SIGNED_CERT': case 'SELF_SIGNED_CERT_IN_CHAIN':
      case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': case 'ERR_TLS_CERT_ALTNAME_INVALID': return { tag: 'TLS-certificate-error' };
    }
    // TLS where the other side speaks none, or another version.
    if (String(cause.code).startsWith('ERR_SSL_')) return { tag: 'TLS-protocol-error' };
    if (cause.name === 'SsrFBlockedError') return { tag: 'destination-IP-prohibited' };
    if (cause.name === 'TimeoutError') return { tag: 'HTTP-response-timeout' };
  }
  // fetch itself says no more than `fetch failed`
  const said = causes(e).flatMap(({ message }) => message || []).join(': ') || String(e);
  return { tag: 'internal-error', val: e?.name === 'AbortError' ? 'aborted' : mask.text(said) };
}

class IoError {
  /** @param {any} code a wasi:http error code */
  constructor(code) { this.code = code; }
  toDebugString() { return this.code.val ? `${this.code.tag}: ${this.code.val}` : this.code.tag; }
}

/**
 * What is waited for, once, by any number of pollables. Who waits stands here for as long as it does, and no longer: what hangs on a
 * promise stays until the promise is settled.
 */
class Arrival {
  here = false;
  /** @type {Set<() => void>} */ waiting = new Set();

  end() {
    this.here = true;
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** @param {Arrival[]} arrivals @returns {Promise<void>} which is resolved with the first of them */
  static async first(arrivals) {
    if (arrivals.some(({ here }) => here)) return;
    const { promise, resolve } = Promise.withResolvers();
    const wake = () => resolve(undefined);
    for (const { waiting } of arrivals) waiting.add(wake);
    await promise;
    for (const { waiting } of arrivals) waiting.delete(wake);
  }
}

class Pollable {
  /** @param {Arrival | null} [arrival] null or absent: ready */
  constructor(arrival) { this.arrival = arrival; }
  ready() { return this.arrival?.here ?? true; }
  async block() { if (this.arrival) await Arrival.first([this.arrival]); }
}

/** @param {Pollable[]} list @returns {Promise<Uint32Array>} indexes of the ready ones */
async function poll(list) {
  if (!list.length) throw new Error('the component waits for nothing');
  const arrivals = list.flatMap(({ arrival }) => arrival ?? []);
  if (arrivals.length === list.length) await Arrival.first(arrivals);
  return Uint32Array.from(list.flatMap((pollable, at) => (pollable.ready() ? [at] : [])));
}

/** The body of an answer. Reads ahead, so that one call of the component takes all that has arrived. */
class InputStream {
  /** @type {Uint8Array[]} */ queue = [];
  size = 0;
  /** @type {any} set once nothing more will come */ end = null;
  /** @type {Arrival | null} until something comes */ waiting = null;
  /** @type {NodeJS.Timeout | undefined} */ timer;
  pumping = false;
  /** How many bytes came in all. */ taken = 0;

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array> | undefined} reader
   * @param {Exchange} request
   */
  constructor(reader, request) {
    this.reader = reader;
    this.request = request;
    if (!reader) this.end = CLOSED;
  }

  /** @param {any} end */
  finish(end) {
    if (this.end) return;
    this.end = end;
    this.request.finished();
  }

  async pump() {
    if (this.pumping || !this.reader) return;
    this.pumping = true;
    try {
      while (!this.end && this.size < READ_AHEAD) {
        const { done, value } = await this.reader.read();
        if (value) this.request.arrived?.(value);
        this.taken += value?.length ?? 0;
        if (this.taken > this.request.limits.body) {
          this.request.abort();
          throw { tag: 'HTTP-response-body-size', val: undefined };
        }
        const safe = done ? this.request.mask.finish() : this.request.mask.push(value);
        if (safe.length) {
          this.queue.push(safe);
          this.size += safe.length;
          this.wake();
        }
        if (done) this.finish(CLOSED);
      }
    } catch (e) {
      this.request.broke(e);
      this.finish({ tag: 'last-operation-failed', val: new IoError(failure(e, this.request.mask)) });
    }
    this.pumping = false;
    this.wake();
  }

  wake() {
    clearTimeout(this.timer);
    this.waiting?.end();
    this.waiting = null;
  }

  /** Ends when there are bytes or the end; null when there already are. */
  more() {
    if (this.end) return null;
    if (this.size < READ_AHEAD) this.pump();
    if (this.size) return null;
    if (this.waiting) return this.waiting;
    this.timer = setTimeout(() => {
      this.finish({ tag: 'last-operation-failed', val: new IoError({ tag: 'connection-read-timeout' }) });
      this.request.abort();
      this.wake();
    }, this.request.idle);
    return (this.waiting = new Arrival());
  }

  /** @param {bigint} len */
  read(len) {
    if (!this.size) {
      if (this.end) throw this.end;
      this.more();
      return new Uint8Array(0);
    }
    const all = concat(this.queue);
    const head = all.length > len ? all.subarray(0, Number(len)) : all;
    this.queue = all.length > len ? [all.subarray(head.length)] : [];
    this.size = all.length - head.length;
    this.more();
    return head;
  }

  /** @param {bigint} len */
  async blockingRead(len) {
    for (let arrival = this.more(); arrival; arrival = this.more()) await Arrival.first([arrival]);
    return this.read(len);
  }

  subscribe() { return new Pollable(this.more()); }

  [DISPOSE]() {
    if (this.end) return;
    this.finish(CLOSED);
    this.request.abort();
    this.wake();
  }
}

/**
 * @typedef {object} Exchange One request and its answer, as its parts see it.
 * @property {() => void} abort
 * @property {() => void} finished
 * @property {(e: any) => void} broke
 * @property {Egress['arrived']} arrived
 * @property {Mask} mask
 * @property {number} idle
 * @property {import('./limits.js').Limits} limits
 */

/** The body of a request: kept until it is complete. What the glue hands over is a copy of the component's memory already. */
class OutputStream {
  /** @param {(bytes: Uint8Array) => void} [sink] */
  constructor(sink = () => {}) { this.sink = sink; }
  checkWrite() { return BigInt(WRITE_AT_ONCE); }
  /** @param {Uint8Array} bytes */
  write(bytes) { this.sink(bytes); }
  /** @param {Uint8Array} bytes */
  blockingWriteAndFlush(bytes) { this.sink(bytes); }
  flush() {}
  blockingFlush() {}
  subscribe() { return new Pollable(); }
}

/** What headers take, in bytes. @param {[string, Uint8Array][]} list */
const sizeOf = (list) => list.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

class Fields {
  /** @param {[string, Uint8Array][]} [list] @param {boolean} [frozen] */
  constructor(list = [], frozen = false) { this.list = list; this.frozen = frozen; this.size = sizeOf(list); }
  /** @param {[string, Uint8Array][]} list */
  static fromList(list) {
    const fields = new Fields();
    for (const [name, value] of list) fields.append(name, value);
    return fields;
  }
  thaw() { if (this.frozen) throw { tag: 'immutable' }; }
  /** @param {string} name */
  get(name) { return this.list.filter(([k]) => k === name.toLowerCase()).map(([, v]) => v); }
  /** @param {string} name */
  has(name) { return this.list.some(([k]) => k === name.toLowerCase()); }
  /** @param {string} name @param {Uint8Array[]} values */
  set(name, values) {
    this.delete(name);
    for (const value of values) this.append(name, value);
  }
  /** @param {string} name */
  delete(name) {
    this.thaw();
    this.list = this.list.filter(([k]) => k !== name.toLowerCase());
    this.size = sizeOf(this.list);
  }
  /** @param {string} name @param {Uint8Array} value */
  append(name, value) {
    this.thaw();
    if (!TOKEN.test(name) || value.some((byte) => byte === 0 || byte === 10 || byte === 13)) throw { tag: 'invalid-syntax' };
    this.size += name.length + value.length;
    const isTooMuch = this.size > LIMITS.headers || this.list.length >= LIMITS.headerCount;
    if (FORBIDDEN.has(name.toLowerCase()) || isTooMuch) throw { tag: 'forbidden' };
    this.list.push([name.toLowerCase(), value.slice()]);
  }
  entries() { return this.list; }
  clone() { return new Fields([...this.list]); }
}

class RequestOptions {
  /** @type {bigint | undefined} */ firstByte;
  /** @type {bigint | undefined} */ betweenBytes;
  connectTimeout() { return undefined; }
  firstByteTimeout() { return this.firstByte; }
  betweenBytesTimeout() { return this.betweenBytes; }
  /** Not supported: connections are the host's fetch's to make. @param {bigint | undefined} ns */
  setConnectTimeout(ns) { if (ns !== undefined) throw undefined; }
  /** @param {bigint | undefined} ns */
  setFirstByteTimeout(ns) { this.firstByte = ns; }
  /** @param {bigint | undefined} ns */
  setBetweenBytesTimeout(ns) { this.betweenBytes = ns; }
}

class OutgoingBody {
  /** @type {Uint8Array[]} */ chunks = [];
  taken = false;
  /** @type {Promise<Uint8Array<ArrayBuffer>>} */ complete;
  /** @param {(bytes: number) => boolean} hasRoom counts what is written, and says whether it is within the limit */
  constructor(hasRoom) {
    this.hasRoom = hasRoom;
    const { promise, resolve, reject } = Promise.withResolvers();
    this.complete = promise;
    this.complete.catch(() => {});
    this.resolve = resolve;
    this.reject = reject;
  }
  write() {
    if (this.taken) throw undefined;
    this.taken = true;
    return new OutputStream((bytes) => {
      if (!this.hasRoom(bytes.length)) {
        this.chunks = [];
        this.reject({ tag: 'HTTP-request-body-size', val: undefined });
        throw CLOSED;
      }
      this.chunks.push(bytes);
    });
  }
  /** @param {OutgoingBody} body */
  static finish(body) { body.resolve(concat(body.chunks)); }
  [DISPOSE]() { this.reject({ tag: 'HTTP-request-body-size', val: undefined }); }
}

class OutgoingRequest {
  /** @type {any} */ verb = { tag: 'get' };
  /** @type {any} */ protocol;
  /** @type {string | undefined} */ host;
  /** @type {string | undefined} */ path;
  /** @type {OutgoingBody | undefined} */ content;
  /** @type {(bytes: number) => boolean} there is none but for the host's own kind of request */ hasRoom = () => false;
  /** @param {Fields} fields */
  constructor(fields) { this.fields = fields; }
  method() { return this.verb; }
  scheme() { return this.protocol; }
  authority() { return this.host; }
  pathWithQuery() { return this.path; }
  headers() { return new Fields(this.fields.list, true); }
  body() {
    if (this.content) throw undefined;
    return (this.content = new OutgoingBody(this.hasRoom));
  }
  /** @param {any} method */
  setMethod(method) {
    if (method.tag === 'other' && !TOKEN.test(method.val)) throw undefined;
    this.verb = method;
  }
  /** @param {any} scheme */
  setScheme(scheme) { this.protocol = scheme; }
  /** @param {string | undefined} authority */
  setAuthority(authority) {
    if (authority !== undefined && !AUTHORITY.test(authority)) throw undefined;
    this.host = authority;
  }
  /** @param {string | undefined} path */
  setPathWithQuery(path) {
    if (path !== undefined && !/^[/?][^\0-\x20\x7f]*$|^$/.test(path)) throw undefined;
    this.path = path;
  }
}

class FutureTrailers {
  subscribe() { return new Pollable(); }
  get() { return { tag: 'ok', val: { tag: 'ok', val: undefined } }; }
}

class IncomingBody {
  /** @param {InputStream | null} input */
  constructor(input) { this.input = input; }
  stream() {
    if (!this.input) throw undefined;
    const { input } = this;
    this.input = null;
    return input;
  }
  static finish() { return new FutureTrailers(); }
  [DISPOSE]() { this.input?.[DISPOSE](); }
}

class IncomingResponse {
  /** @type {IncomingBody | null} */ content;
  /** @param {Response} response @param {Exchange} request */
  constructor(response, request) {
    this.response = response;
    this.request = request;
    if (!response.body) request.finished();
    this.content = new IncomingBody(new InputStream(response.body?.getReader(), request));
  }
  status() { return this.response.status; }
  headers() {
    const { mask } = this.request;
    // a copy of them may be sent
    return new Fields([...this.response.headers].filter(([name]) => !mask.isIn(name) && !FORBIDDEN.has(name))
      .map(([name, value]) => [name, encoder.encode(mask.text(value))]), true);
  }
  consume() {
    if (!this.content) throw undefined;
    const { content } = this;
    this.content = null;
    return content;
  }
  [DISPOSE]() { this.content?.[DISPOSE](); }
}

class FutureIncomingResponse {
  /** @type {any} */ value;
  answered = new Arrival();
  taken = false;
  /** @param {Promise<any>} promise @param {() => void} abort */
  constructor(promise, abort) {
    this.abort = abort;
    promise.then((value) => {
      this.value = value;
      this.answered.end();
    });
  }
  subscribe() { return new Pollable(this.answered); }
  get() {
    if (!this.value) return undefined;
    if (this.taken) return { tag: 'err', val: undefined };
    this.taken = true;
    return { tag: 'ok', val: this.value };
  }
  [DISPOSE]() { if (!this.taken) this.abort(); }
}

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
