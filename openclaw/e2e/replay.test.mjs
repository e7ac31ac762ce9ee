/** What OpenClaw does to a session before it goes back, by our policy and by the one that it has for providers without any. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { FAILURES } from './failures.mjs';
import { internal } from './internals.mjs';
import { ourClient, ourModel } from './modules.mjs';
import { end, ERRORS, say } from './replies.mjs';

const { buildReplayPolicy } = await import('../src/replay.js');
const resolve = await internal('resolveTranscriptPolicy', 'helpers-');
const buildOfAnthropic = await internal('buildAnthropicReplayPolicyForModel', 'provider-replay-helpers-');

const withRecovery = await internal('wrapAnthropicStreamWithRecovery', 'tool-result-truncation-');

/** What a model provider refuses for as long as it is in the conversation. */
const SIGNATURE = 'c2lnbmF0dXJl';

/** @type {any[]} what reached the gateway */ let seen = [];
/** What the first request gets, and each that holds the signature. @type {string} */ let refusal;
const gateway = http.createServer(async (req, res) => {
  if (req.method === 'GET') return res.writeHead(404).end(); // a price
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  seen.push(JSON.parse(Buffer.concat(chunks).toString()));
  if (seen.length === 1 || JSON.stringify(seen.at(-1)).includes(SIGNATURE)) req.socket.end(refusal);
  else res.writeHead(200, { 'content-type': 'text/event-stream' }).end(say('ok') + end());
});
before(() => new Promise((resolve) => { gateway.listen(0, '127.0.0.1', () => resolve(undefined)); }));
after(() => { gateway.close(); gateway.closeAllConnections(); });

/** The models that the user says an id of their own stands for. */
const STANDS_FOR = { '@team/bound': 'claude-fable-5.1', '@team/unsigned': 'kimi-k2-thinking' };

const IDS = [
  '@anthropic/claude-sonnet-4-5', '@anthropic/claude-opus-5-5', '@bedrock/us.anthropic.claude-fable-5-1-v1:0', '@openrouter/anthropic/claude-opus-5.5',
  'anthropic/claude-fable-5.1', 'Claude-Opus-5-5', 'claude-opus-5-5@20260901', 'claude-opus-5-50', 'claude-opus-5', '@openai/gpt-5.2',
  '@openai/gpt-4o', '@google/gemini-3-pro-preview', '@deepseek/deepseek-v4-pro', '@moonshot/kimi-k2.5', '@moonshot/kimi-k2-thinking', 'kimi-for-coding',
  '@xiaomi/mimo-v2.5-pro', '@zai/glm-4.6', '@groq/llama-3.3-70b-versatile', '@team/prod', ...Object.keys(STANDS_FOR),
];

const config = { plugins: { entries: { portkey: { config: { modelFamilies: STANDS_FOR } } } } };

for (const id of IDS) {
  for (const written of [{ id }, { id, reasoning: false }]) {
    test(`of ${JSON.stringify(written)}`, () => {
      const row = { id, name: id, provider: 'portkey', api: 'openai-completions', baseUrl: 'http://127.0.0.1:9/v1', reasoning: false, input: ['text'], contextWindow: 200_000, maxTokens: 8192 };
      const model = ourModel(row, written);
      // without its cache, to which OpenClaw's own environment is the key
      const of = (/** @type {object} */ plugin) => resolve({ provider: 'portkey', modelApi: model.api, modelId: id, model, config, env: {}, runtimeHandle: { plugin } });
      const { preserveSignatures, appendOnlyRuntimeContext, dropReasoningFromHistory, ...ours } = of({ buildReplayPolicy });
      const { preserveSignatures: _p, appendOnlyRuntimeContext: _a, dropReasoningFromHistory: isUsuallyDropped, ...usual } = of({});
      assert.deepEqual(ours, usual);
      const isUnsigned = /deepseek|kimi|mimo|glm|unsigned/.test(id);
      assert.equal(preserveSignatures, !isUnsigned);
      // OpenClaw keeps it for some of these, by a list of ids
      assert.equal(dropReasoningFromHistory, isUsuallyDropped && !isUnsigned);
      // as OpenClaw's provider for Anthropic has it
      const behind = /** @type {Record<string, string>} */ (STANDS_FOR)[id] ?? id.replace(/^@\w+\//, '');
      assert.equal(appendOnlyRuntimeContext, buildOfAnthropic(behind, {}).appendOnlyRuntimeContext);
    });
  }
}

for (const [id, name, bytes] of [
  ['@anthropic/claude-sonnet-4-5', 'a signature that is wrong', ERRORS['a signature that is wrong']],
  ['@anthropic/claude-sonnet-4-5', 'thinking that was changed', FAILURES['400: Anthropic, thinking that was changed']],
  ['@openai/gpt-5.2', 'sealed reasoning of another account', FAILURES['400: OpenAI, sealed reasoning of another']],
  ['@google/gemini-3-pro-preview', 'the signature of a call', FAILURES['400: Google, a thought signature']],
  ['@google/gemini-2.5-pro', 'the signature of a call, corrupted', FAILURES['400: Google, a corrupted thought signature']],
]) {
  test(`OpenClaw asks again without thinking: ${name}`, async () => {
    seen = [];
    refusal = bytes;
    const { port } = /** @type {import('node:net').AddressInfo} */ (gateway.address());
    const baseUrl = `http://127.0.0.1:${port}/v1`;
    const row = { id, name: id, provider: 'portkey', api: 'openai-completions', baseUrl, reasoning: true, input: ['text'], contextWindow: 200_000, maxTokens: 8192, cost: {}, headers: {} };
    const by = { role: 'assistant', provider: 'portkey', api: row.api, model: id, usage: {} };
    const messages = [
      { role: 'user', content: 'q', timestamp: 0 },
      { ...by, stopReason: 'stop', timestamp: 1, content: [{ type: 'thinking', thinking: 'hm', thinkingSignature: SIGNATURE }, { type: 'text', text: 'a' }] },
      { role: 'user', content: 'r', timestamp: 2 },
      { ...by, stopReason: 'toolUse', timestamp: 3, content: [{ type: 'toolCall', id: 'c1', name: 'f', arguments: {}, ...(id.includes('gemini') && { thoughtSignature: SIGNATURE }) }] },
      { role: 'toolResult', toolCallId: 'c1', toolName: 'f', content: [{ type: 'text', text: 'b' }], isError: false, timestamp: 4 },
    ];
    const client = ourClient({ models: { providers: { portkey: { baseUrl, models: [] } } } });
    const isRepaired = Promise.withResolvers();
    const stream = withRecovery(client, { id: 's', onRecoveredAnthropicThinking: () => isRepaired.resolve(true) })(ourModel(row, {}), { messages }, { apiKey: 'K', reasoning: 'low' });
    for await (const _ of stream); // to its end
    const { stopReason, errorMessage } = await stream.result();
    assert.equal(stopReason, 'stop', errorMessage);
    assert.equal(await isRepaired.promise, true);
    assert.equal(seen.length, 2);
  });
}

test("a model that refuses its reasoning keeps no other model's signatures back", async () => {
  seen = [];
  refusal = FAILURES['400: OpenAI, sealed reasoning of another'];
  const { port } = /** @type {import('node:net').AddressInfo} */ (gateway.address());
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const client = ourClient({ models: { providers: { portkey: { baseUrl, models: [] } } } });
  const [gpt, gemini] = ['@openai/gpt-5.2', '@google/gemini-3-pro-preview'].map((id) =>
    ourModel({ id, name: id, provider: 'portkey', api: 'openai-completions', baseUrl, reasoning: true, input: ['text'], contextWindow: 200_000, maxTokens: 8192, cost: {}, headers: {} }, {}));
  const ofGemini = 'b2ZHZW1pbmk=';
  const messages = [
    { role: 'user', content: 'q', timestamp: 0 },
    { role: 'assistant', provider: 'portkey', api: gemini.api, model: gemini.id, usage: {}, stopReason: 'toolUse', timestamp: 1, content: [{ type: 'toolCall', id: 'c1', name: 'f', arguments: {}, thoughtSignature: ofGemini }] },
    { role: 'toolResult', toolCallId: 'c1', toolName: 'f', content: [{ type: 'text', text: 'b' }], isError: false, timestamp: 2 },
  ];
  const refusedBy = await client(gpt, { messages }, { apiKey: 'K', reasoning: 'low' }).result();
  assert.equal(refusedBy.stopReason, 'error');
  const answered = await client(gemini, { messages }, { apiKey: 'K', reasoning: 'low' }).result();
  assert.equal(answered.stopReason, 'stop', answered.errorMessage);
  assert.deepEqual(seen.map((body) => JSON.stringify(body).includes(ofGemini)), [false, true]);
});
