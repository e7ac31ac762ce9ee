/**
 * A model provider in OpenAI's form, for the gateway to stand in front of. What it does is chosen by the model's name.
 * Under /bad-key/v1 and /no-budget/v1 it is Portkey's hosted gateway, which refuses calls: the open-source one knows no keys and no budgets.
 */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real PNG, 1x1. */
export const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const USAGE = { prompt_tokens: 15, completion_tokens: 3, total_tokens: 18, prompt_tokens_details: { cached_tokens: 7 } };
const ERRORS = {
  'err-401': [401, { error: { message: 'openai error: Incorrect API key provided: sk-proj-********************************************************************************************************************************************************abcd. You can find your API key at https://platform.openai.com/account/api-keys.', type: 'invalid_request_error', code: 'invalid_api_key' } }],
  'err-403': [403, { error: { message: 'You are not allowed to use this model', type: 'model_not_allowed_error' } }],
  'err-quota': [429, { error: { message: 'openai error: You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.', type: 'insufficient_quota', code: 'insufficient_quota' } }],
  // Anthropic's, in words that say nothing of a quota
  'err-credit': [400, { error: { message: 'anthropic error: Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.', type: 'invalid_request_error', param: null, code: null }, provider: 'anthropic' }],
  'err-404': [404, { error: { message: 'The model does not exist', type: 'invalid_request_error', code: 'model_not_found' } }],
  'err-429': [429, { error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } }, { 'retry-after': '300' }],
  'err-500': [500, { error: { message: 'The server had an error', type: 'server_error', code: null } }],
};
const HOSTED = {
  'bad-key': [401, { status: 'failure', message: 'Portkey Error: Invalid API Key. Error Code: 03', error: { message: 'Portkey Error: Invalid API Key. Error Code: 03', code: '03' } }],
  'no-budget': [412, { status: 'failure', message: 'Portkey API Key Usage Limit Exceeded', error: { message: 'Portkey API Key Usage Limit Exceeded', code: '04' } }],
};

/** Models that reason before they call a tool: how their reasoning comes, in the gateway's form. @type {Record<string, object[]>} */
const REASONING = {
  'claude-sonnet-4-5': [{ content_blocks: [{ index: 0, delta: { thinking: 'I look.' } }] }, { content_blocks: [{ index: 0, delta: { signature: 'c2lnbmF0dXJl' } }] }],
  'kimi-k2.5': [{ reasoning_content: 'I look.' }],
  'gpt-5.2': [],
};

/** An MP3 file of silence, which holds what was said. @param {string} text */
const speech = (text) => {
  const tag = Buffer.from(`TXXX\0\0\0\0\0\0said: ${text}\0`);
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x64]);
  return Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 3, 0, 0, 0, 0, tag.length >> 7, tag.length & 0x7f]), tag, ...Array(20).fill(frame)]);
};

/** Texts that share words lie near each other. @param {string} text @param {number} length @param {string} [format] */
const vector = (text, length, format) => {
  const numbers = new Float32Array(length);
  for (const word of text.toLowerCase().match(/[a-z]{4,}/g) ?? ['']) numbers[[...word].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % length, 7)] += 1;
  const norm = Math.hypot(...numbers) || 1;
  const unit = numbers.map((number) => number / norm);
  return format === 'base64' ? Buffer.from(unit.buffer).toString('base64') : [...unit];
};

/** @typedef {{ method: string, path: string, headers: http.IncomingHttpHeaders, body: any, closed: Promise<number> }} Seen */

/**
 * `watching` tells what reached it while something ran.
 *
 * @returns {Promise<{ url: string, port: number, seen: Seen[], refused: { signatures?: { message: string, code: string | null } }, watching: <T>(during: () => Promise<T>) => Promise<{ result: T, seen: Seen[] }>, close: () => void }>}
 */
export async function startUpstream() {
  /** @type {Seen[]} */ const seen = [];
  /** @type {{ signatures?: { message: string, code: string | null } }} what signed reasoning of earlier turns is refused with */ const refused = {};
  let port = 0;
  const server = http.createServer(async (req, res) => {
    // a price, which may be asked for at any time
    if (req.url?.startsWith('/model-configs/')) return res.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Model not found"}');
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const body = req.headers['content-type']?.includes('json') && raw.length ? JSON.parse(raw.toString()) : raw.toString('latin1');
    const closed = new Promise((resolve) => { res.once('close', () => resolve(res.writableFinished ? 0 : Date.now())); });
    const path = /** @type {string} */ (req.url);
    seen.push({ method: /** @type {string} */ (req.method), path, headers: req.headers, body, closed });
    /** @param {number} status @param {unknown} value @param {Record<string, string>} [headers] */
    const json = (status, value, headers = {}) => res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

    if (path.startsWith('/redirect/')) return res.writeHead(307, { location: `http://localhost:${port}/v1/chat/completions` }).end();
    const refusal = HOSTED[path.split('/')[1]];
    if (refusal) return json(...refusal);
    if (path.includes('/models')) return json(200, { object: 'list', data: [{ id: '@openai/gpt-echo', object: 'model' }, { id: '@anthropic/claude-sonnet-4-5', object: 'model' }] });
    if (path.includes('/images/')) {
      const count = body.n ?? Number(/name="n"\r\n\r\n(\d)/.exec(body)?.[1] ?? 1);
      return json(200, { created: 1, data: Array.from({ length: count }, (_, i) => ({ b64_json: PNG.toString('base64'), revised_prompt: `revised ${i + 1}` })) });
    }
    if (path.endsWith('/audio/transcriptions')) return json(200, { text: /said: (.*?)\0/s.exec(Buffer.from(body, 'latin1').toString())?.[1] ?? 'nothing that is known' });
    const model = String(body.model).split('/').at(-1);
    if (path.endsWith('/audio/speech')) return res.writeHead(200, { 'content-type': 'audio/mpeg' }).end(speech(body.input));
    if (path.endsWith('/embeddings')) {
      if (!model.includes('embed')) return json(403, { error: { message: 'You are not allowed to generate embeddings from this model', type: 'invalid_request_error', param: null, code: null } });
      const data = [body.input].flat().map((text, index) => ({ object: 'embedding', index, embedding: vector(text, body.dimensions ?? 64, body.encoding_format) }));
      return json(200, { object: 'list', model: body.model, data, usage: { prompt_tokens: 5, total_tokens: 5 } });
    }
    if (ERRORS[model]) {
      const [status, body, headers] = ERRORS[model];
      return json(status, body, { 'x-portkey-trace-id': '0a4c6d3e-8f51-4f0a-9c55-1d2b6e7f8a90', ...headers });
    }
    const said = JSON.stringify(body.messages ?? body.input);
    if (refused.signatures && /"signature"|"encrypted_content"/.test(said)) return json(400, { error: { type: 'invalid_request_error', ...refused.signatures } });

    const result = body.messages.findLast((/** @type {any} */ message) => message.role === 'tool');
    const text = result ? `The tool said: ${result.content}` : 'pong';
    const tool = (model === 'gpt-tools' || REASONING[model]) && !result && body.tools?.find((/** @type {any} */ t) => t.function.name === 'ls')?.function.name;
    const call = { id: 'call_1', type: 'function', function: { name: tool, arguments: '{"path":"."}' } };
    if (!body.stream) {
      return json(200, { id: 'chatcmpl-1', object: 'chat.completion', model: body.model, usage: USAGE,
        choices: [{ index: 0, finish_reason: tool ? 'tool_calls' : 'stop', message: { role: 'assistant', content: tool ? null : text, ...(tool && { tool_calls: [call] }) } }] });
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    /** @param {object} delta @param {string | null} [finish_reason] */
    const send = (delta, finish_reason = null) => res.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: body.model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
    if (model === 'slow') for (let i = 0; i < 20 && !res.destroyed; i++) { send({ content: `${i} ` }); await sleep(100); }
    else if (model === 'cut') { send({ content: 'half an ans' }); await sleep(50); return res.destroy(); }
    else if (tool) {
      for (const delta of REASONING[model] ?? []) send(delta);
      send({ role: 'assistant', tool_calls: [{ index: 0, ...call, function: { name: tool, arguments: '' } }] });
      for (const piece of ['{"pa', 'th":', '"."}']) send({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    } else for (const piece of text.match(/.{1,2}/gs) ?? []) send({ content: piece });
    send({}, tool ? 'tool_calls' : 'stop');
    if (body.stream_options?.include_usage) res.write(`data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: body.model, choices: [], usage: USAGE })}\n\n`);
    res.end('data: [DONE]\n\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  /** @template T @param {() => Promise<T>} during */
  const watching = async (during) => {
    const from = seen.length;
    const result = await during();
    return { result, seen: seen.slice(from) };
  };
  return { url: `http://127.0.0.1:${port}`, port, seen, refused, watching, close: () => { server.close(); server.closeAllConnections(); } };
}
