/** A server in place of the gateway, for the tests of the component behind the adapter. */
import { once } from 'node:events';
import http from 'node:http';
import { after } from 'node:test';
import { describeModel } from '../src/models.js';

/**
 * What the next requests get, and those that came.
 * @type {{ answer: (req: http.IncomingMessage, res: http.ServerResponse, body: any) => unknown, seen: { url: string | undefined, headers: http.IncomingHttpHeaders, body: any }[] }}
 */
export const gateway = { answer: (_, res) => res.writeHead(500).end(), seen: [] };

const server = http.createServer(async (req, res) => {
  // A price is asked for while a reply is read, so at no fixed place among the requests. There is no list here: see prices.test.js.
  if (req.url?.startsWith('/model-configs/')) return void res.writeHead(404).end();
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = req.headers['content-type']?.includes('json') ? JSON.parse(raw.toString()) : raw.toString('latin1');
  gateway.seen.push({ url: req.url, headers: req.headers, body });
  gateway.answer(req, res, body);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
export const origin = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
after(() => {
  server.closeAllConnections();
  server.close();
});

export const model = (extra = {}) => /** @type {any} */ ({
  ...describeModel('@openai/gpt'), reasoning: true, provider: 'portkey', api: 'openai-completions', baseUrl: `${origin}/v1`, cost: { input: 1, output: 2, cacheRead: 0.5, cacheWrite: 1 }, ...extra,
});
export const ask = (/** @type {string} */ content) => ({ messages: [{ role: /** @type {const} */ ('user'), content, timestamp: 0 }] });
export const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) => `data: ${JSON.stringify({ id: 'c1', model: 'gpt-real', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
export const USAGE = `data: ${JSON.stringify({ id: 'c1', choices: [], usage: { prompt_tokens: 15, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 7 } } })}\n\n`;
export const DONE = 'data: [DONE]\n\n';
export const sse = (/** @type {string[]} */ ...events) => (/** @type {unknown} */ _, /** @type {http.ServerResponse} */ res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'x-portkey-trace-id': 'tr', 'x-portkey-cache-status': 'MISS' });
  res.end(events.join(''));
};
/** The next request gets the beginning of a stream that goes on until it is ended, which this waits for. */
export function goesOn() {
  const { promise, resolve } = Promise.withResolvers();
  gateway.answer = (_, res) => {
    res.once('close', resolve);
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'x' }));
  };
  return promise;
}

export const json = (/** @type {object} */ value, status = 200) => (/** @type {unknown} */ _, /** @type {http.ServerResponse} */ res) => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

/** @param {AsyncIterable<any>} stream */
export async function collect(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}
