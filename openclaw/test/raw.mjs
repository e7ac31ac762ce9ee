/** Stands in for a gateway whose answers are written byte by byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before } from 'node:test';
import { streamFn } from '../src/chat.js';
import { describeModel } from '../src/models.js';

/** @typedef {(head: string, socket: net.Socket) => unknown} Answer what a request gets, by its head */

/** @param {Answer} answer @returns {Promise<{ server: net.Server, origin: string }>} */
export async function rawServer(answer) {
  const server = net.createServer((socket) => {
    let came = '';
    socket.setNoDelay(true).on('error', () => {}).setEncoding('latin1').on('data', (piece) => {
      came += piece;
      for (;;) {
        const end = came.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)/i.exec(came)?.[1] ?? 0);
        if (end < 4 || came.length < end + length) return;
        const head = came.slice(0, end);
        came = came.slice(end + length);
        answer(head, socket);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}` };
}

/** The head of a stream after which the connection ends, and what says that it is a stream. */
export const EVENTS = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n';
export const EVENT_STREAM = 'content-type: text/event-stream';
export const END = 'data: [DONE]\n\n';
export const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
export const GOOD = `${chunk({ content: 'good' })}${chunk({}, 'stop')}${END}`;

/** Each request gets these bytes, and the connection ends. @param {(string | Buffer)[]} pieces @returns {Answer} */
export const raw = (...pieces) => (_, socket) => {
  for (const piece of pieces) socket.write(piece);
  socket.end();
};

/** Each request gets this as JSON, and the connection ends. @param {object} value */
export const json = (value) => raw('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n', JSON.stringify(value));

/** Each request gets this, and the connection goes on. @param {string} body @param {string} [head] @returns {Answer} */
export const whole = (body, head = 'content-type: application/json') => (_, socket) => (
  socket.write(`HTTP/1.1 200 OK\r\n${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));

export const ASK = { messages: [{ role: /** @type {const} */ ('user'), content: 'x', timestamp: 0 }] };

/** Such a gateway for the tests of a file, and chats with it. */
export class RawGateway {
  /** What each request gets. @type {Answer} */ answer = raw(EVENTS, GOOD);
  /** @type {string[]} of the requests, but for those for prices, which may come at any time */ heads = [];
  origin = '';

  /** @param {string} key that the chats have */
  constructor(key) {
    /** @type {net.Server} */ let server;
    before(async () => {
      ({ server, origin: this.origin } = await rawServer((head, socket) => {
        if (!head.startsWith('GET /model-configs/')) this.heads.push(head);
        return this.answer(head, socket);
      }));
    });
    after(() => { server.close(); });
    this.auth = () => ({ resolveApiKeyForProvider: async () => ({ apiKey: key }), isProviderApiKeyConfigured: () => true });
    this.chat = (options = {}, config = {}, extra = {}) => streamFn(config)(this.model(extra), ASK, { apiKey: key, ...options }).result();
  }

  config(more = {}) { return { models: { providers: { portkey: { baseUrl: `${this.origin}/v1`, ...more } } } }; }

  model(extra = {}) { return /** @type {any} */ ({ ...describeModel('@openai/gpt'), provider: 'portkey', api: 'openai-completions', baseUrl: `${this.origin}/v1`, ...extra }); }

  /** The adapter goes on as before. */
  async serves() {
    this.answer = raw(EVENTS, GOOD);
    assert.deepEqual((await this.chat()).content, [{ type: 'text', text: 'good' }]);
  }
}
