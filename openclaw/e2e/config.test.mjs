/**
 * OpenClaw's configuration files as people write them, read by OpenClaw and by our own host: both choose the same file,
 * call the same place with the same headers and the same key, and ask the same model. node --test e2e/config.test.mjs
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import JSON5 from 'json5';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const fixtures = join(root, 'tests/fixtures/openclaw-config');
const harness = process.env.HOST_HARNESS ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug/host-harness');

/**
 * What our host refuses, and why. OpenClaw refuses it too, but for what is in ALONE, where it does what is said here.
 * @type {Record<string, string>}
 */
const REFUSED = {
  'agents-by-list': 'no object',
  'base-url-misspelt': 'a key that OpenClaw does not know',
  'comma-is-missing': 'no JSON5',
  'two-documents': 'no JSON5',
  'hash-comment': 'no JSON5',
  'python-words': 'no JSON5',
  'include-a-number': 'no name of a file',
  'include-broken': 'no JSON5',
  'include-itself': 'without end',
  'include-list-under-siblings': 'nothing to join keys to',
  'include-missing': 'no file',
  'include-outside': 'not in the folder',
  'include-too-deep': 'over OpenClaw\'s limit',
  'env-vars-by-list': 'no object',
  'header-of-program': 'a program, which our host does not run',
  'header-of-unset-variable': 'OpenClaw sends the reference itself',
  'key-as-misspelt-reference': 'OpenClaw sends the reference itself',
  'key-of-file-that-is-not-there': 'no file',
  'key-of-file-that-others-read': 'a file that others read',
  'key-of-program': 'a program, which our host does not run',
  'key-of-store': 'OpenClaw\'s own store',
  'key-of-unknown-source': 'a source that OpenClaw does not know',
  'key-of-unset-variable': 'no key',
  'key-of-variable-not-allowed': 'not on the list',
  'local-service': 'a program, which our host does not start',
  'model-base-url-empty': 'no URL',
  'model-id-is-a-number': 'no id',
  'model-limit-of-nothing': 'no limit',
  'models-by-name': 'no list',
  'model-cost-as-text': 'no price',
  'primary-is-a-list': 'no name of a model',
  'primary-is-a-number': 'no name of a model',
  'proxy-without-a-mode': 'a proxy without a mode',
  'request-unknown-key': 'a key that OpenClaw does not know',
  'sign-in-by-oauth': 'another way to sign in',
  'sign-in-of-program': 'a program, which our host does not run',
  'sign-in-unknown': 'a mode that OpenClaw does not know',
  'time-limit-infinite': 'no whole number',
  'tls-without-a-check': 'TLS without a check',
  'agent-entries-by-list': 'no object',
  'agent-list-by-name': 'no list',
  'agent-model-is-a-number': 'no name of a model',
  'base-url-of-a-request': 'OpenClaw calls .../chat/completions/chat/completions',
  'base-url-with-dots': 'OpenClaw calls another path than is written',
  'base-url-with-query': 'OpenClaw puts the path into the query',
  'header-is-a-number': 'no text',
  'header-is-nothing': 'no text',
  'key-in-quotes': 'OpenClaw sends the quotation marks',
  'key-of-variable-in-quotes': 'OpenClaw sends the quotation marks',
  'key-of-a-reference-in-a-variable': 'OpenClaw sends the reference itself',
  'agent-of-old': 'a key that OpenClaw does not know',
  'agents-default': 'a key that OpenClaw does not know',
  'alias-as-a-text': 'a value of another kind',
  'allowlist-by-list': 'a value of another kind',
  'api-keys': 'a key that OpenClaw does not know',
  'api-unknown': 'a value of another kind',
  'auth-header-as-text': 'a value of another kind',
  'comma-twice': 'no JSON5',
  'comment-alone': 'no object',
  'comment-without-end': 'no JSON5',
  'env-file-local': 'no key',
  'include-a-folder': 'no file',
  'include-an-object': 'no name of a file',
  'include-by-pattern': 'no file',
  'include-in-a-circle': 'without end',
  'include-null': 'nothing to join keys to',
  'include-of-a-variable': 'no file',
  'include-over-null': 'a value of another kind',
  'include-with-tilde': 'no file',
  'include-yaml': 'no JSON5',
  'includes': 'a key that OpenClaw does not know',
  'key-of-file-that-a-group-reads': 'a file that others read',
  'key-of-json5-file': 'no JSON object',
  'key-of-provider-in-capitals': 'no name of a provider',
  'key-of-relative-file': 'no file',
  'key-of-small-letters': 'no name of a variable',
  'key-with-more-than-it-has': 'a key that OpenClaw does not know',
  'key-without-a-provider': 'OpenClaw needs a provider',
  'list-for-all': 'no object',
  'mode-unknown': 'a value of another kind',
  'model-header-of-object': 'a value of another kind',
  'model-input-as-text': 'a value of another kind',
  'model-limit-of-another-name': 'a value of another kind',
  'model-name-is-a-number': 'a value of another kind',
  'model-reasoning-as-text': 'a value of another kind',
  'model-unknown-key': 'a key that OpenClaw does not know',
  'model-window-as-text': 'a value of another kind',
  'modell': 'a key that OpenClaw does not know',
  'models-default': 'a key that OpenClaw does not know',
  'models-of-ollama-by-name': 'a key that OpenClaw does not know',
  'models-pricing': 'a key that OpenClaw does not know',
  'null-for-a-variable': 'a value of another kind',
  'null-for-agents': 'a value of another kind',
  'null-for-all': 'no object',
  'null-for-headers': 'null',
  'null-for-providers': 'a value of another kind',
  'null-for-the-key': 'null',
  'number-as-a-name': 'no JSON5',
  'params-by-list': 'a value of another kind',
  'params-is-a-number': 'a value of another kind',
  'price-is-infinite': 'a value of another kind',
  'primary-by-id': 'a key that OpenClaw does not know',
  'proxy-as-text': 'a value of another kind',
  'quotes-of-a-word-processor': 'no JSON5',
  'reference-in-a-name': 'no name of a header',
  'semicolon-for-comma': 'no JSON5',
  'shell-environment-is-true': 'a value of another kind',
  'string-over-two-lines': 'no JSON5',
  'time-limit-in-octal': 'no JSON5',
  'time-limit-of-a-variable': 'a value of another kind',
  'type-of-provider': 'a key that OpenClaw does not know',
  'undefined-as-a-value': 'no JSON5',
  'variable-is-a-number': 'a value of another kind',
  'window-is-not-a-number': 'a value of another kind',
  'yaml': 'no JSON5',
  'zero-byte-at-the-end': 'no JSON5',
  'base-url-with-fragment': 'OpenClaw leaves the fragment out',
  'base-url-with-user': 'no request is sent',
  'base-url-without-scheme': 'no URL',
  'entry-switched-off': 'a key that OpenClaw does not know',
  'entry-with-a-name': 'a key that OpenClaw does not know',
  'include-an-empty-file': 'no JSON5',
  'include-of-empty-name': 'no name of a file',
  'include-over-http': 'no file',
  'include-with-backslashes': 'no file',
  'key-of-environment-object-without-provider-name': 'no name of a provider',
  'key-of-file-of-nothing-there': 'no key',
  'key-of-file-of-number': 'no text',
  'key-of-file-that-is-too-large': "over the file's own limit",
  'key-of-file-without-slash': 'no place in the file',
  'key-with-bearer': 'OpenClaw sends the word along',
  'model-as-a-text': 'a value of another kind',
  'model-with-input-of-pdf': 'a value of another kind',
  'model-with-negative-cost': 'a price below nothing',
  'model-with-negative-window': 'a value of another kind',
  'shebang': 'no JSON5',
  'variable-of-empty-text': 'OpenClaw sends the reference itself',
  'variable-of-true': 'a value of another kind',
};

/** Of these, what OpenClaw takes. */
const ALONE = [
  'base-url-of-a-request', 'base-url-with-dots', 'base-url-with-query', 'key-in-quotes', 'key-of-variable-in-quotes', 'local-service',
  'sign-in-by-oauth', 'base-url-with-fragment', 'key-with-bearer', 'model-with-negative-cost', 'variable-of-empty-text',
];

/** What our host takes and OpenClaw does not. @type {Record<string, string>} */
const TAKEN = {
  'env-block-short': 'as OpenClaw had it before, and as our host wrote it until 0.2: doctor says where it belongs',
  'entry-without-models': 'lint says that OpenClaw does not',
  'model-without-a-name': 'lint says that OpenClaw does not',
};

/** @type {{ path: string, headers: import('node:http').IncomingHttpHeaders }[]} */
let seen = [];
const gateway = createServer((request, response) => {
  if (request.url?.startsWith('/model-configs/')) return response.writeHead(404).end(); // a price
  seen.push({ path: request.url ?? '', headers: request.headers });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'OK.' } }] }));
});
/** Why `onboard` leaves a file as it is. */
const NOT_WRITTEN = /comes from .* by \$include|it holds the key `\w+` a second time/;

const homes = realpathSync(mkdtempSync(join(tmpdir(), 'openclaw-config-')));
/** @type {any[]} */ let openclaw;
/** @type {any[]} */ let cases;

/** A home folder for the fixture, and what it says. @param {string} name @param {string} url */
function prepare(name, url) {
  const home = join(mkdtempSync(join(homes, 'home-')), name);
  const folder = join(fixtures, name);
  const says = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  const fill = (/** @type {string} */ text) => text.replaceAll('{{GATEWAY}}', url).replaceAll('{{HOME}}', home);
  cpSync(join(folder, 'home'), home, { recursive: true });
  for (const file of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    const path = join(home, file);
    if (!statSync(path).isFile()) continue;
    writeFileSync(path, fill(readFileSync(path, 'utf8')));
    chmodSync(path, parseInt(says.modes?.[file] ?? '600', 8));
  }
  const env = Object.fromEntries(Object.entries(says.env ?? {}).map(([name, value]) => [name, fill(/** @type {string} */ (value))]));
  return { name, home, says, env, args: says.args ?? [] };
}

/** The headers that the configuration asks for: not those that a client sends by itself, nor the key. @param {import('node:http').IncomingHttpHeaders} headers @param {string} key */
function ownHeaders(headers, key) {
  const isAny = /^(host|connection|transfer-encoding|user-agent|traceparent|x-portkey-api-key|x-portkey-strict-open-ai-compliance|content-.*|accept.*|sec-.*|x-stainless-.*)$/;
  return Object.fromEntries(Object.entries(headers).filter(([name, value]) => !isAny.test(name) && !(name === 'authorization' && value === `Bearer ${key}`)).toSorted());
}

/** What OpenClaw makes of each. @param {any[]} cases @returns {Promise<any[]>} */
async function readByOpenClaw(cases) {
  const driver = spawn(process.execPath, [join(here, 'config-driver.mjs')], { stdio: ['pipe', 'pipe', 'ignore'] });
  driver.stdin.end(JSON.stringify(cases));
  let printed = '';
  for await (const chunk of driver.stdout) printed += chunk;
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '');
}

/** Runs our host in the home folder. @param {any} one @param {string[]} args @returns {Promise<{code: any, stdout: string, stderr: string}>} */
const run = ({ home, env, args: own }, args) => new Promise((resolve) => {
  const options = { cwd: home, env: { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(homes, '.cache'), ...env } };
  const child = execFile(harness, [...args, ...own], options, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  child.stdin?.end();
});

before(async () => {
  assert.ok(existsSync(harness), `${harness} is missing: run make build`);
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (gateway.address()).port}`;
  cases = readdirSync(fixtures).toSorted().map((name) => prepare(name, url));
  openclaw = await readByOpenClaw(cases);
});

after(() => {
  gateway.close();
  gateway.closeAllConnections();
  rmSync(homes, { recursive: true, force: true, maxRetries: 5 });
});

test('a file means what OpenClaw means by it', async (t) => {
  let equal = 0;
  for (const [at, { name, home, says }] of cases.entries()) {
    await t.test(name, async () => {
      const theirs = openclaw[at];
      seen = [];
      const ran = await run(cases[at], ['chat', '--json', '--no-stream', 'hello']);
      if (says.refused) {
        assert.ok(name in REFUSED, 'why it is refused is on the list');
        assert.equal(theirs.refused === undefined, ALONE.includes(name), theirs.refused);
        assert.notEqual(ran.code, 0);
        assert.ok((ran.stdout + ran.stderr).includes(says.refused), ran.stdout + ran.stderr);
        assert.equal(seen.length, 0, 'nothing is sent');
        return;
      }
      assert.equal(ran.code, 0, ran.stderr);
      assert.equal(theirs.refused !== undefined, name in TAKEN, theirs.refused);
      if (name in TAKEN) return;
      assert.equal(seen.length, 1);
      const key = String(seen[0].headers['x-portkey-api-key']);
      assert.equal(join(home, says.file), theirs.file);
      assert.equal(seen[0].path, theirs.path);
      assert.equal(`${theirs.provider}/${says.model}`, `portkey/${theirs.model}`);
      assert.deepEqual(ownHeaders(seen[0].headers, key), ownHeaders(theirs.headers, theirs.key));
      // With the plugin installed, OpenClaw takes the key from the plugin's variable first.
      assert.equal(key, says.own_key ? theirs.ownKey : theirs.key);
      equal += 1;
    });
  }
  assert.ok(equal >= 150, `${equal} are equal`);
});

/** The configuration without what `onboard` writes. @param {any} config */
function others(config) {
  const { models: { providers = {}, mode: _mode, ...models } = /** @type {any} */ ({}), agents = {}, ...rest } = config;
  const { model: _model, models: { [`portkey/${NEW}`]: _row, ...allowed } = /** @type {any} */ ({}), ...defaults } = agents.defaults ?? {};
  const isOwn = (/** @type {string} */ id) => id.trim().toLowerCase() === 'portkey';
  const others = Object.fromEntries(Object.entries(providers).filter(([id]) => !isOwn(id)));
  return { ...rest, models: { ...models, providers: others }, agents: { ...agents, defaults: { ...defaults, models: allowed } } };
}

const NEW = '@openai/gpt-5';

test('OpenClaw takes what onboard writes, and nothing else in the file is another', async () => {
  const written = [];
  for (const one of cases.filter(({ name, says }) => !says.refused && !(name in TAKEN))) {
    const file = join(one.home, one.says.file);
    const before = readFileSync(file, 'utf8');
    const ran = await run(one, ['onboard', '--no-check', '--model', NEW]);
    const after = readFileSync(file, 'utf8');
    if (ran.code === 4) {
      assert.match(ran.stderr, NOT_WRITTEN, one.name);
      assert.equal(after, before, one.name);
      continue;
    }
    assert.equal(ran.code, 0, `${one.name}: ${ran.stderr}`);
    const [old, config] = [before, after].map((text) => JSON5.parse(text.replace(/^\ufeff+/, '') || '{}'));
    assert.deepEqual(others(config), others(old), one.name);
    assert.ok(config.models.providers.portkey.models.some((/** @type {any} */ row) => row.id === NEW), one.name);
    written.push(one);
  }
  assert.ok(written.length >= 150, `${written.length} are written`);
  for (const { name, refused } of await readByOpenClaw(written)) assert.equal(refused, undefined, name);
});
