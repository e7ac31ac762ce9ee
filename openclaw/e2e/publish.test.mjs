/** What is published passes the rules of npm and of ClawHub, and the inspector that both ask of a plugin. Nothing is sent. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { CLI, packageFile } from './host.mjs';

const folder = mkdtempSync(join(tmpdir(), 'publish-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const plugin = join(folder, 'plugin');
cpSync(join(dirname(packageFile()), 'openclaw'), plugin, { recursive: true });
const bin = join(dirname(dirname(dirname(CLI))), 'node_modules/.bin');
const { version } = JSON.parse(readFileSync(join(plugin, 'package.json'), 'utf8'));

/** What a program prints; no registry can be reached from it. @param {string} program @param {string[]} args */
async function said(program, ...args) {
  const env = { ...process.env, HOME: folder, npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0', npm_config_cache: folder };
  const { stdout } = await promisify(execFile)(program, args, { env, cwd: folder, encoding: 'utf8' });
  return stdout;
}

test('npm would take the package, and no file that a user does not need', async () => {
  const { 'openclaw-portkey-provider': taken } = JSON.parse(await said('npm', 'publish', '--dry-run', '--json', packageFile()));
  assert.equal(taken.version, version);
  const kinds = /^(LICENSE|README\.md|package\.json|openclaw\.plugin\.json|src\/[\w-]+\.js|component\/[\w-]+\.(js|wasm))$/;
  assert.deepEqual(taken.files.map((/** @type {{ path: string }} */ file) => file.path).filter((/** @type {string} */ path) => !kinds.test(path)), []);
});

test('ClawHub would take it as a plugin with code', async () => {
  const source = ['--source-repo', 'example/example', '--source-ref', `v${version}`, '--source-commit', '0'.repeat(40)];
  const taken = JSON.parse(await said(join(bin, 'clawhub'), '--no-input', 'package', 'publish', plugin, '--dry-run', '--json', ...source));
  assert.deepEqual([taken.name, taken.family, taken.version], ['openclaw-portkey-provider', 'code-plugin', version]);
});

test('the plugin inspector finds nothing, beside this OpenClaw', async () => {
  /** @param {string} folder */
  const issues = async (folder) => {
    const args = ['inspect', '--check', '--json', '--plugin-root', folder, '--openclaw', dirname(CLI), '--out', join(folder, 'reports')];
    const { status, summary, targetOpenClaw } = JSON.parse(await said(join(bin, 'plugin-inspector'), ...args));
    assert.deepEqual([status, summary.breakageCount, targetOpenClaw.status], ['pass', 0, 'ok']);
    return summary.issueCount;
  };
  assert.equal(await issues(plugin), 0);
  // And it does look: an entry that this OpenClaw has not.
  const broken = join(folder, 'broken');
  cpSync(plugin, broken, { recursive: true });
  const file = join(broken, 'src/images.js');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('plugin-sdk/ssrf-runtime', 'plugin-sdk/no-such-thing'));
  assert.equal(await issues(broken), 1);
});
