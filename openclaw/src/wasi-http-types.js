/** The types of wasi:http 0.2: headers, requests, answers, and their bodies. */
import { LIMITS } from './limits.js';
import { Arrival, CLOSED, DISPOSE, InputStream, OutputStream, Pollable, concat } from './wasi-io.js';

/** @typedef {import('./wasi-io.js').Exchange} Exchange */

const encoder = new TextEncoder();

/** Headers that ask for a part of an answer: half a secret here and the other half there is none that the mask would find. */
export const PARTS = ['if-range', 'range'];

/** Those, and headers of the connection, which are the host's. As in the Rust host. */
const FORBIDDEN = new Set([
  'connection', 'host', 'http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te',
  'transfer-encoding', 'upgrade', ...PARTS,
]);

/** What HTTP calls a token: a method, or the name of a header. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A host and perhaps a port, in any spelling of theirs. */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\0-\x20\x7f"#%/:<>?@[\\\]^`{|}]+)(:\d+)?$/;

/** What headers take, in bytes. @param {[string, Uint8Array][]} list */
const sizeOf = (list) => list.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

export class Fields {
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

export class RequestOptions {
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

export class OutgoingBody {
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

export class OutgoingRequest {
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

export class FutureTrailers {
  subscribe() { return new Pollable(); }
  get() { return { tag: 'ok', val: { tag: 'ok', val: undefined } }; }
}

export class IncomingBody {
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

export class IncomingResponse {
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

export class FutureIncomingResponse {
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
