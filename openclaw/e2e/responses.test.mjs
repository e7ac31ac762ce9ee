/**
 * A model that speaks only the Responses API, in a real agent behind the real gateway, before a stand-in that refuses what OpenAI
 * refuses there: `host-harness stub`. [needs dist/, and target/debug/host-harness]
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { OpenClaw, root, startPortkey } from './host.mjs';

const MODEL = '@openai/gpt-5.3-codex';

/** @type {import('node:child_process').ChildProcess} */ let stub;
/** @type {any[]} */ const seen = [];
/** @type {Awaited<ReturnType<typeof startPortkey>>} */ let portkey;
/** @type {OpenClaw} */ let claw;

/** Starts the stand-in; what reaches it goes to `seen`. @returns {Promise<string>} its base URL */
function startStub() {
  stub = spawn(join(root, 'target/debug/host-harness'), ['stub', '--upstream', '--port', '0', '--token-delay', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: /** @type {import('node:stream').Readable} */ (stub.stdout) });
  return new Promise((resolve, reject) => {
    stub.once('exit', () => reject(new Error('the stand-in did not start: is target/debug/host-harness built?')));
    lines.on('line', (line) => (line.startsWith('http') ? resolve(line) : seen.push(JSON.parse(line))));
  });
}

before(async () => {
  const [upstream, gateway] = await Promise.all([startStub(), startPortkey()]);
  portkey = gateway;
  claw = new OpenClaw();
  await claw.install();
  const config = claw.config;
  config.models = { providers: { portkey: { baseUrl: portkey.url, api: 'openai-completions', apiKey: 'pk-codex', models: [] } } };
  config.plugins.entries.portkey.config = { provider: 'openai', customHost: upstream };
  claw.config = config;
});

after(async () => {
  await claw?.close();
  portkey?.close();
  stub?.kill();
});

test('an agent with a tool, and its reasoning in the next turn', async () => {
  const ask = (/** @type {string} */ message) =>
    claw.ok([
      'agent', '--local', '--agent', 'main', '--session-id', 'codex', '--model', `portkey/${MODEL}`,
      '--thinking', 'high', '--message', message, '--json',
    ]);
  assert.match(JSON.stringify((await ask('Use ls, please.')).json), /The tool said/);
  assert.match(JSON.stringify((await ask('Thank you.')).json), /Thank you/);

  const posted = () => seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/responses'));
  // the stand-in prints what reached it every now and then
  for (let tries = 0; posted().length < 3 && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  const calls = posted();
  assert.equal(calls.length, 3, JSON.stringify(seen.map(({ path }) => path)));
  const [first, second, third] = calls.map(({ body }) => body);
  assert.equal(first.reasoning.effort, 'high');
  assert.equal(first.store, false);
  assert.ok(first.tools.every((/** @type {any} */ tool) => tool.name && !tool.function));
  // OpenClaw may put a message of its own behind a user's, and behind the results.
  const kinds = (/** @type {any} */ body) => body.input.map((/** @type {any} */ { type, role }) => role ?? type).join(' ');
  const turn = 'reasoning (function_call )+(function_call_output ?)+(user ?)*';
  assert.match(kinds(second), new RegExp(`^\\S+ (user )+${turn}$`));
  // The turn is over, and all of it is in the history, its last reasoning before its last words.
  assert.match(kinds(third), new RegExp(`^\\S+ (user )+${turn}reasoning assistant (user ?)+$`));
  const reasoning = (/** @type {any} */ body) => body.input.filter((/** @type {any} */ { type }) => type === 'reasoning');
  const [before, [again, last]] = [reasoning(second), reasoning(third)];
  assert.deepEqual([again], before);
  for (const item of [again, last]) assert.match(item.encrypted_content, /^\S+$/);
});
