/**
 * OpenClaw's fallbacks behind one key of Portkey's: for a key that is refused, or has no money, OpenClaw skips all models of it. Where
 * the fault is a model provider's, the next model has to be asked.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OpenClaw } from './host.mjs';
import { startUpstream } from './upstream.mjs';

/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {OpenClaw} */ let claw;

before(async () => {
  upstream = await startUpstream();
  claw = new OpenClaw();
  await claw.install();
  // a key in OpenClaw's store, as users have it: only such a key is rested
  await claw.ok(['onboard', '--non-interactive', '--accept-risk', '--skip-health', '--auth-choice', 'portkey-api-key', '--portkey-api-key', 'pk-fallback',
    '--custom-base-url', `${upstream.url}/v1`]);
});

after(async () => {
  await claw?.close();
  upstream?.close();
});

/** The configuration with these models. @param {string} primary @param {string[]} fallbacks */
function ask(primary, ...fallbacks) {
  const config = claw.config;
  config.agents = { ...config.agents, defaults: { ...config.agents?.defaults, workspace: join(claw.home, 'work'), model: { primary, fallbacks } } };
  claw.config = config;
}

test('without another model, what is told of a provider that has no money is in its words', async () => {
  ask('portkey/@openai/err-quota');
  const { stdout } = await claw.run(['agent', '--local', '--agent', 'main', '--session-id', 'alone', '--message', 'ping']);
  assert.match(stdout, /⚠️ You exceeded your current quota/);
});

for (const model of ['err-401', 'err-403', 'err-quota']) {
  test(`after ${model} the next model of Portkey is asked`, async () => {
    ask(`portkey/@openai/${model}`, 'portkey/@openai/gpt-4o');
    const { result, seen } = await upstream.watching(() => claw.ok(['agent', '--local', '--agent', 'main', '--session-id', model, '--message', 'ping', '--json']));
    assert.match(result.stdout, /pong/);
    assert.deepEqual([...new Set(seen.map(({ body }) => body.model))], [`@openai/${model}`, '@openai/gpt-4o']);
  });
}
