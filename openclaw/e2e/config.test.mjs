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

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const fixtures = join(root, 'tests/fixtures/openclaw-config');
const harness = process.env.HOST_HARNESS ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug/host-harness');

/**
 * What our host refuses, and why. OpenClaw refuses most of it too; where it does not, it does what is said here.
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
};

/** What our host takes and OpenClaw does not. @type {Record<string, string>} */
const TAKEN = {
  'env-block-short': 'as OpenClaw had it before, and as our host wrote it until 0.2: doctor says where it belongs',
};

/** @type {{ path: string, headers: import('node:http').IncomingHttpHeaders }[]} */
let seen = [];
const gateway = createServer((request, response) => {
  if (request.url?.startsWith('/model-configs/')) return response.writeHead(404).end(); // a price
  seen.push({ path: request.url ?? '', headers: request.headers });
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'OK.' } }] }));
});
const homes = realpathSync(mkdtempSync(join(tmpdir(), 'openclaw-config-')));
/** @type {any[]} */ let openclaw;
/** @type {any[]} */ let cases;

/** A home folder for the fixture, and what it says. @param {string} name @param {string} url */
function prepare(name, url) {
  const home = join(homes, name);
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

before(async () => {
  assert.ok(existsSync(harness), `${harness} is missing: run make build`);
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (gateway.address()).port}`;
  cases = readdirSync(fixtures).toSorted().map((name) => prepare(name, url));
  const driver = spawn(process.execPath, [join(here, 'config-driver.mjs')], { stdio: ['pipe', 'pipe', 'ignore'] });
  driver.stdin.end(JSON.stringify(cases));
  let printed = '';
  for await (const chunk of driver.stdout) printed += chunk;
  openclaw = JSON.parse(printed.trim().split('\n').at(-1) ?? '');
});

after(() => {
  gateway.close();
  gateway.closeAllConnections();
  rmSync(homes, { recursive: true, force: true, maxRetries: 5 });
});

test('a file means what OpenClaw means by it', async (t) => {
  let equal = 0;
  for (const [at, { name, home, says, env, args }] of cases.entries()) {
    await t.test(name, async () => {
      const theirs = openclaw[at];
      seen = [];
      const ran = await new Promise((resolve) => {
        const options = { cwd: home, env: { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(homes, '.cache'), ...env } };
        const child = execFile(harness, ['chat', '--json', '--no-stream', 'hello', ...args], options, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
        child.stdin?.end();
      });
      if (says.refused) {
        assert.ok(name in REFUSED, 'why it is refused is on the list');
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
  assert.ok(equal >= 80, `${equal} are equal`);
});
