/** Stands in for a gateway that serves a price list. What one of them told is kept by its origin, so each test has its own. */
import { once } from 'node:events';
import http from 'node:http';
import { REPLY_PATIENCE } from '../src/prices.js';

const LIST = '/model-configs/pricing/';

/** @typedef {(res: http.ServerResponse, model: string) => unknown} Tell what the list answers of a model, as `provider/model` */

/** A part of a price list, in US cents for a token. @param {string} input @param {string} [more] */
export const entry = (input, more = '') => `{"pay_as_you_go":{"request_token":{"price":${input}},"response_token":{"price":0.0001}${more}}}`;

/** Answers so, byte by byte. @param {string} body @param {string} [head] @returns {Tell} */
export const told = (body, head = '200 OK') => ({ socket }) => socket?.end(`HTTP/1.1 ${head}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${body}`);

/** A reply waits for its price for as long as that takes, on a slow machine too. @param {import('node:test').TestContext} test */
export function waitForPrices({ mock }) {
  const { setTimeout } = globalThis;
  mock.method(globalThis, 'setTimeout', (/** @type {() => void} */ callback, /** @type {number} */ ms, /** @type {any[]} */ ...given) => (
    setTimeout(callback, ms === REPLY_PATIENCE ? 60_000 : ms, ...given)));
}

export class PriceGateway {
  /** @type {{ url: string, headers: http.IncomingHttpHeaders }[]} all requests */ seen = [];
  /** @type {Tell} */ tell = told('{"error":"Model not found"}', '404 Not Found');
  /** @type {Record<string, string>} headers of each reply */ report = {};
  /** The model that a reply says it is of. */ named = 'gpt-5';
  /** @type {string | undefined} of each reply, as JSON */ usage = '{"prompt_tokens":1000000,"completion_tokens":100000,"prompt_tokens_details":{"cached_tokens":400000}}';
  /** What a reply waits for before its end. @type {() => unknown} */ end = () => {};
  /** @type {string[]} what GET /models gives */ models = [];
  baseUrl = '';
  server = http.createServer(async (req, res) => {
    const url = String(req.url);
    this.seen.push({ url, headers: req.headers });
    res.on('error', () => {});
    if (url.startsWith(LIST)) return this.tell(res, decodeURIComponent(url.slice(LIST.length)));
    if (url === '/v1/models') {
      const data = this.models.map((id) => ({ id }));
      return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', total: data.length, data }));
    }
    res.writeHead(200, { 'content-type': 'text/event-stream', ...this.report });
    const chunk = (/** @type {object} */ rest) => res.write(`data: ${JSON.stringify({ id: 'c', model: this.named, ...rest })}\n\n`);
    chunk({ choices: [{ index: 0, delta: { content: 'pong' }, finish_reason: 'stop' }] });
    if (this.usage) res.write(`data: {"choices":[],"usage":${this.usage}}\n\n`);
    await this.end();
    return res.end('data: [DONE]\n\n');
  });

  /** @param {{ after: (end: () => void) => void }} test @param {Partial<Pick<PriceGateway, 'tell' | 'report' | 'named' | 'usage' | 'end' | 'models'>>} [set] */
  static async start(test, set) {
    const gateway = Object.assign(new PriceGateway(), set);
    gateway.server.listen(0, '127.0.0.1');
    await once(gateway.server, 'listening');
    gateway.baseUrl = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (gateway.server.address()).port}/v1`;
    test.after(() => gateway.close());
    return gateway;
  }

  /** What was asked of the list since it was asked last, as it was written. */
  asked() {
    return this.seen.splice(0).filter(({ url }) => url.startsWith(LIST)).map(({ url, headers }) => ({ path: url.slice(LIST.length), headers }));
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}
