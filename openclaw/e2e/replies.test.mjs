/** What becomes of replies of every shape, and of calls that fail or are given up, in OpenClaw's own client and in ours. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { onLlmRequestActivity } from 'openclaw/plugin-sdk/provider-stream-shared';
import * as transport from 'openclaw/plugin-sdk/provider-transport-runtime';
import { classifyFailoverReason, matchesContextOverflowError } from '../src/errors.js';
import { BROKEN, FAILURES } from './failures.mjs';
import { internal } from './internals.mjs';
import { ourClient, ourModel, ownClient } from './modules.mjs';
import { ABORTS, chunk, DIFFERENCES, ERRORS, NETWORK, ODD, SSE, STREAMS } from './replies.mjs';

const signalOf = await internal('buildAssistantFailoverSignal', 'assistant-message-failures-');
const classify = await internal('classifyFailoverSignal', 'classify-');
const isRetryable = await internal('isRetryableAssistantError', 'retry-');
const toShown = await internal('formatUserFacingAssistantErrorText', 'embedded-agent-helpers-');
const isRejectedCall = await internal('isPreDispatchToolCallRejectionMessage', 'message-patterns-');

/** @type {net.Server} */ let server;
/** @type {string} */ let baseUrl;
/** What the next request gets. @type {(socket: net.Socket) => unknown} */ let answer;
/** @type {Set<net.Socket>} */ const sockets = new Set();

before(async () => {
  server = net
    .createServer((socket) => {
      sockets.add(socket);
      let came = '';
      let isAnswered = false;
      socket.on('error', () => {}).setEncoding('latin1').on('data', (piece) => {
        came += piece;
        const head = came.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)/i.exec(came)?.[1] ?? 0);
        if (isAnswered || head < 4 || came.length < head + length) return;
        isAnswered = true;
        if (came.startsWith('GET ')) socket.end('HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'); // a price
        else answer(socket);
      });
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}/v1`;
});
after(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});

/** What a text says of itself, without its random id. @param {any} block */
function plain({ textSignature, ...block }) {
  if (block.id && /^call_[0-9a-f]{24}$/.test(block.id)) block.id = 'call_random';
  return textSignature ? { ...block, phase: JSON.parse(textSignature).phase } : block;
}

/**
 * What OpenClaw makes of a reply: which message, by which events, and what it does where there is none.
 * @param {any} client @param {any} model @param {any} plugin whose hooks are asked @param {import('./replies.mjs').Case} from
 */
async function outcome(client, model, plugin, { send, abortAt, firstEventTimeoutMs, url }) {
  answer = send;
  const given = new AbortController();
  if (abortAt === 'before') given.abort();
  if (abortAt === 'request') answer = () => given.abort();
  /** @type {any[]} */ const events = [];
  /** @type {any[]} */ const told = [];
  // its own client tells of no answer that is a refusal, so OpenClaw's diagnostics know its status through us alone
  const onResponse = (/** @type {{ status: number }} */ { status }) => {
    if (status < 300) told.push(status);
  };
  const options = /** @type {any} */ (transport).withProviderAcceptanceObserver(
    { apiKey: 'K', reasoning: 'low', signal: given.signal, firstEventTimeoutMs, onResponse },
    (/** @type {any} */ { kind, status }) => told.push([kind, status]),
  );
  const context = { messages: [{ role: 'user', content: 'ping', timestamp: 0 }] };
  const hangs = setTimeout(() => { events.push({ type: 'hangs' }); given.abort(); for (const socket of sockets) socket.destroy(); }, 20_000);
  const stream = client({ ...model, ...(url && { baseUrl: url }) }, context, options);
  for await (const { type, contentIndex: at, delta, toolCall } of stream) {
    // OpenClaw's client for Anthropic tells the ends of texts too, as we do, and its client for OpenAI's form does not.
    const last = events.at(-1);
    if (delta !== undefined && last?.type === type && last.at === at) last.delta += delta;
    else if (!['text_end', 'thinking_end'].includes(type)) events.push(toolCall ? { type, at, call: plain(toolCall) } : { type, at, delta });
    if (type === abortAt) given.abort();
  }
  const message = await stream.result();
  clearTimeout(hangs);
  const { stopReason, usage, responseId, responseModel, openclawDelivery } = message;
  const common = { content: message.content.map(plain), stopReason, usage, responseId, responseModel, openclawDelivery, told, events };
  if (stopReason !== 'error') return common;
  const signal = signalOf(message, { provider: plugin?.id ?? model.provider });
  const reason = classify(signal, { providerPlugin: plugin });
  return {
    ...common,
    failover: reason?.reason ?? reason?.kind ?? null,
    isRetried: isRetryable(message) || message.errorCode === 'malformed_tool_call_arguments' || isRejectedCall(message.errorMessage),
    retryAfterMs: signal.retryAfterMs,
    refusal: message.diagnostics?.find((/** @type {any} */ { type }) => type === 'provider_refusal')?.details.category,
    shown: toShown(message, { provider: 'portkey', providerOwner: plugin })?.replaceAll('generic', 'portkey'),
  };
}

/** Of each piece whether OpenClaw hears that the call goes on. @param {any} client @param {any} model @param {string[]} pieces */
async function activity(client, model, pieces) {
  const given = new AbortController();
  let isHeard = false;
  onLlmRequestActivity(given.signal, () => { isHeard = true; });
  /** @type {boolean[]} */ const heard = [];
  answer = async (socket) => {
    socket.write(SSE);
    for (const piece of pieces) {
      isHeard = false;
      socket.write(piece);
      // Where nothing is to be heard, this is how long it is listened for.
      for (let waited = 0; waited < 1000 && !isHeard; waited += 20) await sleep(20);
      heard.push(isHeard);
    }
    given.abort();
  };
  const stream = client(model, { messages: [{ role: 'user', content: 'ping', timestamp: 0 }] }, { apiKey: 'K', reasoning: 'low', signal: given.signal });
  assert.equal((await stream.result()).stopReason, 'aborted');
  return heard;
}

const raw = (/** @type {string} */ bytes) => (/** @type {net.Socket} */ socket) => socket.end(bytes);
/** @type {[string, import('./replies.mjs').Case][]} */
const CASES = [
  ...Object.entries({ ...STREAMS, ...ODD, ...BROKEN }).map(([name, events]) => /** @type {[string, any]} */ ([name, { send: raw(SSE + events) }])),
  ...Object.entries({ ...ERRORS, ...FAILURES }).map(([name, bytes]) => /** @type {[string, any]} */ ([name, { send: raw(bytes) }])),
  ...Object.entries(NETWORK),
  ...Object.entries(ABORTS),
];

const row = { id: '@team/prod', reasoning: true, input: ['text'], contextWindow: 200_000, maxTokens: 32_000 };
/** The model under OpenClaw's generic provider, and under ours. */
function models() {
  const model = { ...row, name: 'n', provider: 'generic', api: 'openai-completions', baseUrl, cost: { input: 1, output: 2, cacheRead: 0.5, cacheWrite: 1 }, headers: {} };
  const mine = { ...ourModel(model, row), provider: 'portkey' };
  return { model, mine, client: ourClient({ models: { providers: { portkey: { baseUrl, models: [row] } } } }) };
}

test('OpenClaw hears of what comes and makes no event, and not of comments', async () => {
  // after two minutes without either it gives a call up
  const { model, mine, client } = models();
  const event = chunk({ role: 'assistant', content: '' });
  for (const pieces of [[event], [': ping\n\n'], ['\n', event], [': ping\n\n', event, ': ping\n\n']]) {
    const expected = pieces.map((piece) => piece === event);
    assert.deepEqual([await activity(ownClient, model, pieces), await activity(client, mine, pieces)], [expected, expected], pieces.join('|'));
  }
  // its own client tells of whole events alone, and a large one takes its time
  for (const [pieces, expected] of /** @type {[string[], boolean[]][]} */ ([
    [[event.slice(0, 20), event.slice(20)], [true, true]],
    [[`: ping\n\n${event}`, `${event}: ping`, '\n\n'], [true, true, false]],
    [[': pi', 'ng', '\n', '\n'], [false, false, false, false]],
    [['{"choices":[{"message":{"content":"', 'a: b'], [true, true]],
  ])) assert.deepEqual(await activity(client, mine, pieces), expected, pieces.join('|'));
});

test(`${CASES.length} replies come to the same, but for what is meant`, async () => {
  assert.equal(new Set(CASES.map(([name]) => name)).size, CASES.length);
  const { model, mine, client } = models();
  const plugin = { id: 'portkey', classifyFailoverReason, matchesContextOverflowError };
  /** @type {string[]} */ const wrong = [];
  const met = new Set();
  for (const [name, from] of CASES) {
    const own = /** @type {any} */ (await outcome(ownClient, model, null, from));
    const ours = /** @type {any} */ (await outcome(client, mine, plugin, from));
    const meant = DIFFERENCES.filter(({ cases }) => cases.includes(name));
    for (const field of new Set([...Object.keys(own), ...Object.keys(ours)])) {
      if (field === 'shown') continue; // follows from the rest, in as many words as OpenClaw has
      const [theirs, our] = [own, ours].map((one) => JSON.stringify(one[field]));
      if (theirs === our) continue;
      const kind = meant.find(({ fields }) => fields.includes(field));
      if (kind) met.add(`${kind.name}: ${name}`);
      else wrong.push(`${name}: ${field}\n  own  ${theirs}\n  ours ${our}`);
    }
    for (const { name: kind, ours: expected } of meant) {
      for (const [field, value] of Object.entries(expected ?? {})) assert.deepEqual(ours[field], value, `${name}: ${kind}: ${field}`);
    }
  }
  assert.equal(wrong.length, 0, `${wrong.length}:\n${wrong.slice(0, Number(process.env.SHOW ?? 5)).join('\n')}`);
  const unmet = DIFFERENCES.flatMap(({ name, cases }) => cases.map((at) => `${name}: ${at}`)).filter((one) => !met.has(one));
  assert.deepEqual(unmet, [], 'a difference that is none any more');
});
