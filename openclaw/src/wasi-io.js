/**
 * wasi:io 0.2: errors, what is waited for, and the two streams of a body. Only `Pollable.block` and `InputStream.blockingRead` wait,
 * so only those two suspend the component (JSPI).
 */
import { failure } from './wasi-error.js';

/** @typedef {import('./mask.js').Mask} Mask */

const READ_AHEAD = 65536;
/** How much of a body the component may write at once, in bytes: an agent's turn is larger than what is read ahead. */
const WRITE_AT_ONCE = 1 << 18;
export const DISPOSE = /** @type {typeof Symbol.dispose} */ (Symbol.dispose ?? Symbol.for('dispose'));
export const CLOSED = { tag: 'closed' };

/** @param {Uint8Array[]} chunks @returns {Uint8Array<ArrayBuffer>} */
export function concat(chunks) {
  if (chunks.length === 1) return /** @type {Uint8Array<ArrayBuffer>} */ (chunks[0]);
  const all = new Uint8Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const c of chunks) {
    all.set(c, at);
    at += c.length;
  }
  return all;
}

export class IoError {
  /** @param {any} code a wasi:http error code */
  constructor(code) { this.code = code; }
  toDebugString() { return this.code.val ? `${this.code.tag}: ${this.code.val}` : this.code.tag; }
}

/**
 * What is waited for, once, by any number of pollables. Who waits stands here for as long as it does, and no longer: what hangs on a
 * promise stays until the promise is settled.
 */
export class Arrival {
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

export class Pollable {
  /** @param {Arrival | null} [arrival] null or absent: ready */
  constructor(arrival) { this.arrival = arrival; }
  ready() { return this.arrival?.here ?? true; }
  async block() { if (this.arrival) await Arrival.first([this.arrival]); }
}

/** @param {Pollable[]} list @returns {Promise<Uint32Array>} indexes of the ready ones */
export async function poll(list) {
  if (!list.length) throw new Error('the component waits for nothing');
  const arrivals = list.flatMap(({ arrival }) => arrival ?? []);
  if (arrivals.length === list.length) await Arrival.first(arrivals);
  return Uint32Array.from(list.flatMap((pollable, at) => (pollable.ready() ? [at] : [])));
}

/** The body of an answer. Reads ahead, so that one call of the component takes all that has arrived. */
export class InputStream {
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
 * @property {import('./wasi-http.js').Egress['arrived']} arrived
 * @property {Mask} mask
 * @property {number} idle
 * @property {import('./limits.js').Limits} limits
 */

/** The body of a request: kept until it is complete. What the glue hands over is a copy of the component's memory already. */
export class OutputStream {
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
