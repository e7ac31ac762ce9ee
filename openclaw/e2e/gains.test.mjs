/**
 * What one gains over the generic provider: two real OpenClaws before one gateway, one with the package and one with the three lines
 * that Portkey's guide has for it. What README.md quotes in the first rows of its table is what they say here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OpenClaw, root } from './host.mjs';
import { PNG, startUpstream } from './upstream.mjs';


/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {OpenClaw} */ let ours;
/** @type {OpenClaw} */ let generic;

before(async () => {
  upstream = await startUpstream();
  [ours, generic] = [new OpenClaw(), new OpenClaw()];
  await ours.install();
});

after(async () => {
  await Promise.all([ours?.close(), generic?.close()]);
  upstream?.close();
});

const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** What README.md quotes of a row: of the generic provider, and of ours. @param {string} name */
function quoted(name) {
  const row = readme.split('\n').find((line) => line.startsWith(`| ${name} |`));
  assert.ok(row, `README.md has no row "${name}"`);
  const [, , theirs, mine] = row.split('|').map((cell) => [...cell.matchAll(/"([^"]+)"/g)].map(([, words]) => words));
  return { theirs, mine };
}

/** @param {string} output @param {string[]} words */
function says(output, words) {
  assert.ok(words.length, 'README.md quotes nothing');
  for (const part of words) assert.ok(output.includes(part), `${part} is not in ${output}`);
}

/** Runs the same command in both. @param {string[]} args @param {string} [path] of the gateway */
function both(args, path = 'v1') {
  const models = ['@openai/gpt-echo', '@openai/cut', '@anthropic/claude-opus-4-6'].map((id) => ({ id, name: id }));
  const portkey = { baseUrl: `${upstream.url}/${path}`, api: 'openai-completions', apiKey: '${PORTKEY_API_KEY}', models };
  return Promise.all([ours, generic].map((host) => {
    host.config = { ...(host === ours && host.config), models: { providers: { portkey } } };
    return host.run(args, { PORTKEY_API_KEY: 'pk-gains' });
  }));
}

const infer = (/** @type {string} */ model) => ['infer', 'model', 'run', '--local', '--model', `portkey/@openai/${model}`, '--prompt', 'ping', '--json'];

test('a stream that is cut', async () => {
  const [here, there] = await both(infer('cut'));
  assert.notEqual(here.code, 0);
  assert.equal(there.code, 0);
  says(here.stdout, quoted('a stream that is cut').mine);
  assert.deepEqual([there.json.outputs[0].text], quoted('a stream that is cut').theirs);
});

test('images', async () => {
  const out = join(ours.home, 'lobster.png');
  const [here, there] = await both(['infer', 'image', 'generate', '--model', 'portkey/gpt-image-2', '--prompt', 'a lobster', '--output', out, '--json']);
  assert.equal(here.code, 0, here.stderr);
  assert.deepEqual(readFileSync(out), PNG);
  assert.notEqual(there.code, 0);
  says(there.stdout, quoted('images').theirs);
});

test('models', async () => {
  const [here, there] = await both(['models', 'list', '--provider', 'portkey', '--refresh', '--json']);
  const keys = (/** @type {any} */ { json }) => json.models.map((/** @type {any} */ { key }) => key);
  assert.ok(keys(here).includes('portkey/@anthropic/claude-sonnet-4-5'), here.stdout);
  assert.deepEqual(keys(there).sort(), ['portkey/@anthropic/claude-opus-4-6', 'portkey/@openai/cut', 'portkey/@openai/gpt-echo']);
});

test('thinking, of a row with nothing but its name', async () => {
  const from = upstream.seen.length;
  const agent = ['agent', '--local', '--agent', 'main', '--session-id', 'think', '--model', 'portkey/@anthropic/claude-opus-4-6', '--message', 'ping', '--json'];
  const [here, there] = await both([...agent, '--thinking', 'max']);
  assert.equal(here.code, 0, here.stderr);
  const efforts = upstream.seen.slice(from).map(({ body }) => /** @type {any} */ (body).reasoning_effort);
  assert.deepEqual([...new Set(efforts)], ['max']);
  assert.notEqual(there.code, 0);
  assert.match(there.stderr, /"max" is not supported/);
});

// After the others: OpenClaw asks a provider whose budget is used up no more for some minutes.
test('a budget that is used up', async () => {
  const agent = ['agent', '--local', '--agent', 'main', '--session-id', 'budget', '--model', 'portkey/@openai/gpt-echo', '--message', 'ping', '--json'];
  const [here, there] = await both(agent, 'no-budget/v1');
  const { theirs, mine } = quoted('a budget that is used up');
  says(here.stdout + here.stderr, mine);
  says(there.stdout, theirs);
  for (const part of mine) assert.ok(!(there.stdout + there.stderr).includes(part), part);
});
