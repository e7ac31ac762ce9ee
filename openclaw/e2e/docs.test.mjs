/** The commands of docs/openclaw.md, in their order, in a real OpenClaw before the real Portkey gateway. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLI, OpenClaw, root, startPortkey } from './host.mjs';
import { startUpstream } from './upstream.mjs';

/** @type {OpenClaw} */ let claw;
/** @type {Awaited<ReturnType<typeof startPortkey>>} */ let portkey;
/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;

before(async () => {
  [upstream, portkey] = await Promise.all([startUpstream(), startPortkey()]);
  claw = new OpenClaw();
  mkdirSync(join(claw.home, 'bin'));
  writeFileSync(join(claw.home, 'bin/openclaw'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(join(claw.home, 'bin/openclaw'), 0o755);
  symlinkSync(join(root, 'dist'), join(claw.home, 'dist'));
});

after(async () => {
  await claw?.close();
  portkey?.close();
  upstream?.close();
});

/**
 * The key is in the environment where a block mentions it, and nowhere else: from onboarding on OpenClaw has it in its store.
 * @param {string} script @returns {Promise<{ code: number, output: string }>}
 */
function bash(script) {
  const env = claw.env({ ...(script.includes('PORTKEY_API_KEY') && { PORTKEY_API_KEY: 'pk-docs' }), PATH: `${join(claw.home, 'bin')}:${process.env.PATH}` });
  return new Promise((resolve) => {
    execFile('bash', ['-eu', '-c', script], { env, cwd: claw.home, timeout: 300_000, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

test('docs/openclaw.md', async () => {
  const text = readFileSync(join(root, 'docs/openclaw.md'), 'utf8').replaceAll('http://127.0.0.1:8787/v1', portkey.url);
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => /** @type {string} */ (match[1]));
  assert.ok(blocks.length >= 4, 'the page has lost its commands');
  for (const block of blocks) {
    const { code, output } = await bash(block);
    assert.equal(code, 0, `${block}\n${output.slice(-3000)}`);
    assert.ok(!output.includes('pk-docs'), `the key is in the output of ${block}`);
    if (block.includes('onboard')) {
      // The open-source gateway holds no provider: it is told in the plugin's options whom to call.
      const config = claw.config;
      assert.equal(config.models.providers.portkey.baseUrl, portkey.url);
      config.plugins.entries.portkey.config = { provider: 'openai', customHost: `${upstream.url}/v1` };
      claw.config = config;
    }
    if (block.includes('infer model run')) assert.equal(upstream.seen.length, 1);
  }
});
