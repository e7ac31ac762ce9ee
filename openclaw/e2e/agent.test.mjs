/**
 * Tool loops of real agents: in an OpenClaw with the package, and in one that reaches the same gateway through its own client,
 * with the same rows in its configuration. What they send must be the same but for what its client has no place for.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS } from './differences.mjs';
import { OpenClaw } from './host.mjs';
import { startUpstream } from './upstream.mjs';


/** OpenClaw tells the model the time, to the minute. */
const CLOCK = /\[\w+ \d{4}-\d\d-\d\d \d\d:\d\d [^\]]*\]/g;

/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {OpenClaw} */ let ours;
/** @type {OpenClaw} */ let own;

const MODELS = /** @type {const} */ ([
  {
    family: 'claude',
    id: '@anthropic/claude-sonnet-4-5',
    compat: { cacheControlFormat: 'anthropic', supportsReasoningEffort: true },
  },
  { family: 'gpt', id: '@openai/gpt-5.2', compat: { supportsPromptCacheKey: true, supportsReasoningEffort: true } },
  { family: 'kimi', id: '@moonshot/kimi-k2.5', compat: { maxTokensField: 'max_tokens' } },
]);

before(async () => {
  upstream = await startUpstream();
  [ours, own] = [new OpenClaw(), new OpenClaw()];
  await ours.install();
  const row = { reasoning: true, input: ['text'], contextWindow: 200_000, maxTokens: 32_000 };
  const provider = { baseUrl: `${upstream.url}/v1`, api: 'openai-completions', apiKey: 'pk-agent' };
  /** @param {boolean} withCompat what our plugin knows by itself */
  const models = (withCompat) => MODELS.map(({ id, compat }) => ({ id, name: id, ...row, ...(withCompat && { compat }) }));
  ours.config = { ...ours.config, models: { providers: { portkey: { ...provider, models: models(false) } } } };
  own.config = { models: { providers: { portkey: { ...provider, models: models(true) } } } };
});

after(async () => {
  await Promise.all([ours?.close(), own?.close()]);
  upstream?.close();
});

/** Whose call it is stands in the headers of each. @param {any[]} calls of one turn @param {string} session */
function areAttributed(calls, session) {
  const metadata = calls.map((headers) => JSON.parse(headers['x-portkey-metadata']));
  for (const { openclaw_agent, openclaw_session, openclaw_turn, openclaw_call } of metadata) {
    assert.deepEqual([openclaw_agent, openclaw_session], ['main', session]);
    assert.ok(openclaw_turn && openclaw_call.startsWith(`${openclaw_turn}:model:`), openclaw_call);
  }
  const distinct = (/** @type {string} */ name) => new Set(calls.map((headers) => headers[name])).size;
  assert.equal(new Set(metadata.map(({ openclaw_turn }) => openclaw_turn)).size, 1);
  assert.deepEqual([distinct('x-portkey-trace-id'), distinct('x-portkey-span-id')], [1, 2], JSON.stringify(calls));
}

for (const { family, id } of MODELS) {
  test(`a tool loop of ${family}`, async () => {
    const from = upstream.seen.length;
    const args = [
      'agent',
      '--local',
      '--agent',
      'main',
      '--session-id',
      `loop-${family}`,
      '--model',
      `portkey/${id}`,
      '--thinking',
      'low',
      '--message',
      'ping',
      '--json',
    ];
    for (const { json } of await Promise.all([ours.ok(args), own.ok(args)]))
      assert.match(JSON.stringify(json), /The tool said/);
    const sent = (/** @type {boolean} */ isOurs) =>
      upstream.seen.slice(from).filter(({ headers }) => Boolean(headers['x-portkey-api-key']) === isOurs);
    const bodies = (/** @type {OpenClaw} */ { home }, /** @type {boolean} */ isOurs) =>
      sent(isOurs).map(({ body }) => JSON.parse(JSON.stringify(body).replaceAll(home, 'HOME').replace(CLOCK, '[now]')));
    const [mine, theirs] = [bodies(ours, true), bodies(own, false)];
    assert.deepEqual([mine.length, theirs.length], [2, 2]);
    areAttributed(sent(true).map(({ headers }) => headers), `loop-${family}`);
    const [, { messages }] = structuredClone(mine);
    const said = messages.find((/** @type {any} */ message) => message.tool_calls);
    const reasoning = {
      claude: { content_blocks: [{ type: 'thinking', thinking: 'I look.', signature: 'c2lnbmF0dXJl' }] },
      gpt: {},
      kimi: { reasoning_content: 'I look.' },
    };
    const { content_blocks, reasoning_content } = said;
    assert.deepEqual(JSON.parse(JSON.stringify({ content_blocks, reasoning_content })), reasoning[family]);
    mine.forEach((/** @type {any} */ body, /** @type {number} */ i) => {
      const pair = {
        ours: body,
        own: theirs[i],
        at: { family, level: 'low', retention: 'default', row: 'all', compat: 'none' },
        isGeneric: false,
      };
      for (const { take } of KINDS) take(pair);
      assert.deepEqual(JSON.parse(JSON.stringify(pair.ours)), JSON.parse(JSON.stringify(pair.own)), `request ${i + 1}`);
    });
  });
}

test('thinking that the provider refuses by now is left out, and the session goes on', async () => {
  // as after a change of the provider's key, or behind a gateway that balances two accounts
  const args = ['agent', '--local', '--agent', 'main', '--session-id', 'loop-claude', '--model', 'portkey/@anthropic/claude-sonnet-4-5', '--thinking', 'low', '--message', 'ping', '--json'];
  const signatures = () => upstream.seen.slice(from).map(({ body }) => JSON.stringify(body).includes('"signature"'));
  let from = upstream.seen.length;
  upstream.refused.signatures = { message: 'messages.1.content.0: Invalid `signature` in `thinking` block', code: null };
  const { json } = await ours.ok(args);
  delete upstream.refused.signatures;
  assert.match(JSON.stringify(json), /The tool said/);
  assert.deepEqual(signatures().slice(0, 2), [true, false]);
  // it is out of the session, too; and whose call it is stays unsaid where the user wants that
  const config = ours.config;
  config.plugins.entries.portkey.config = { attribution: false };
  ours.config = config;
  from = upstream.seen.length;
  await ours.ok(args);
  assert.equal(signatures()[0], false);
  for (const { headers } of upstream.seen.slice(from)) {
    assert.deepEqual(Object.keys(headers).filter((name) => /metadata|trace-id|span-id/.test(name)), []);
  }
});
