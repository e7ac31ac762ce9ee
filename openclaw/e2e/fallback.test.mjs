/**
 * OpenClaw's fallbacks behind one key of Portkey's: for a key that is refused, or has no money, OpenClaw skips all models of it. Where
 * the fault is a model provider's, the next model has to be asked.
 */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
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
  cpSync(join(claw.home, 'state'), join(claw.home, 'fresh'), { recursive: true, verbatimSymlinks: true });
});

// no test finds the key at rest for what another met
beforeEach(() => {
  rmSync(join(claw.home, 'state'), { recursive: true });
  cpSync(join(claw.home, 'fresh'), join(claw.home, 'state'), { recursive: true, verbatimSymlinks: true });
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

/** What is printed, and the models that were asked, each as often as it was. @param {string} session @param {string[]} flags */
async function turn(session, ...flags) {
  const { result, seen } = await upstream.watching(() => claw.run(['agent', '--local', '--agent', 'main', '--session-id', session, '--message', 'ping', ...flags]));
  return { code: result.code, stdout: result.stdout, stderr: result.stderr, asked: seen.map(({ body }) => body.model) };
}

/** OpenClaw asks each model once with the key of its store, and once with whichever key it finds. @param {string} model */
const withEachKey = (model) => [`@openai/${model}`, `@openai/${model}`];

// A model whose limit it takes for a short one it asks nine times more. `err-quota` is a long one in OpenClaw's own words, `err-credit` is not.
for (const [model, words] of [
  ['err-quota', 'You exceeded your current quota.*check its plan and billing'], ['err-credit', 'Your credit balance is too low'],
  ['err-401', 'Incorrect API key provided.*check the key stored with the provider'], ['err-403', 'You are not allowed to use this model'],
]) {
  test(`without another model, ${model} is told in the provider's words, and OpenClaw does not wait for it`, async () => {
    ask(`portkey/@openai/${model}`);
    const { stdout, stderr, asked } = await turn(`alone-${model}`);
    assert.match(stdout + stderr, new RegExp(`⚠️ .*${words}`));
    assert.deepEqual(asked, withEachKey(model));
  });
}

for (const model of ['err-401', 'err-403', 'err-quota', 'err-credit']) {
  test(`after ${model} the next model of Portkey is asked`, async () => {
    ask(`portkey/@openai/${model}`, 'portkey/@openai/gpt-4o');
    const { code, stdout, asked } = await turn(model, '--json');
    assert.equal(code, 0);
    assert.match(stdout, /pong/);
    assert.deepEqual(asked, [...withEachKey(model), '@openai/gpt-4o']);
  });
}

test('a model that gets too many requests, too', async () => {
  ask('portkey/@openai/err-429', 'portkey/@openai/gpt-4o');
  const { code, stdout, asked } = await turn('err-429', '--json');
  assert.equal(code, 0);
  assert.match(stdout, /pong/);
  assert.deepEqual([...new Set(asked)], ['@openai/err-429', '@openai/gpt-4o']);
});
