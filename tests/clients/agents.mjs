/** What the tests of agents share: the gateway before both upstreams, and an agent's own home, as docs/hosts.md has it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import { after, before } from 'node:test';
import { KEY, TOKEN, startPortkey, startStub, startWasmtime, stopAll } from './servers.mjs';

const MODEL = '@anthropic/claude-sonnet-4-5';
/** What the commands of the page ask. */
export const says = 'tell me of ships';

/** The hosted service, which tells what reached it. */
export let stub;
let hosted, real, page, folder;
/** What stands behind the gateway, and the gateway before it. `tells` says whether that upstream tells what reached it. */
export const gateways = [
  { name: 'the hosted service', url: () => hosted.url, tells: true },
  { name: 'the real Portkey gateway', url: () => real.url, tells: false },
];

/** Starts the gateway for all tests of a file, whose agents are these programs. */
export function gatewayFor(...programs) {
  before(async () => {
    const portkey = await startPortkey();
    let upstream;
    [stub, upstream] = await Promise.all([
      startStub('--token-delay', '0', '--require', `x-portkey-api-key: ${KEY}`),
      startStub('--token-delay', '0', '--upstream'),
    ]);
    const config = { provider: 'openai', api_key: 'sk-test', custom_host: upstream.url };
    const settings = { GATEWAY_TOKEN: TOKEN, CREDENTIAL_X_PORTKEY_API_KEY: KEY };
    hosted = await startWasmtime({ ...settings, GATEWAY_BASE_URL: stub.url });
    real = await startWasmtime({ ...settings, GATEWAY_BASE_URL: portkey, GATEWAY_HEADERS: JSON.stringify({ 'x-portkey-config': JSON.stringify(config) }) });
    page = await readFile(new URL('../../docs/hosts.md', import.meta.url), 'utf8');
    folder = await mkdtemp(`${tmpdir()}/agents-`);
    await mkdir(`${folder}/bin`);
    for (const program of programs) await symlink(program, `${folder}/bin/${basename(program)}`);
  });
  after(async () => {
    stopAll();
    await rm(folder, { recursive: true, force: true });
  });
}

/** The block of a file, or of the commands of an agent. */
export function block(name, agent = '') {
  const from = page.indexOf(agent && `\n## ${agent}\n`);
  const [, body] = page.slice(from).match(new RegExp(`\`\`\`${name}\n(.*?)\`\`\``, 's')) ?? assert.fail(`docs/hosts.md has no block ${name}`);
  return body;
}

/** A home of an agent's own, whose file of the page leads to this gateway. It finds nothing but what runs on this machine. */
export async function home(name, gateway, language, file, place) {
  const of = await mkdtemp(`${folder}/${name}-`);
  const text = block(`${language} ${file}`);
  const said = 'http://127.0.0.1:8080';
  assert.ok(text.includes(said));
  await mkdir(`${of}/${place}`, { recursive: true });
  await writeFile(`${of}/${place}/${file}`, text.replaceAll(said, new URL(gateway.url()).origin).replaceAll('<the token>', TOKEN));
  const nowhere = 'http://127.0.0.1:9';
  const proxies = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '127.0.0.1' };
  const env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: of, GATEWAY_TOKEN: TOKEN, ...proxies };
  return { cwd: of, env };
}

/**
 * What commands print; they are given `input`, and must succeed. Those that do not end by themselves are ended once they have
 * printed what `until` finds.
 */
export function run(commands, options, input = '', until = undefined) {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euc', commands], { ...options, stdio: 'pipe', detached: true, timeout: 40_000 });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        texts[name] += text;
        if (!until?.test(texts.stdout)) return;
        resolve(texts.stdout);
        process.kill(-child.pid, 'SIGKILL');
      });
    }
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(texts.stdout) : reject(new Error(`${commands} ended with ${code}\n${texts.stdout}${texts.stderr}`))));
    child.stdin.end(input);
  });
}

/** That what went out last for a prompt ends in a call of this tool and its result. */
export function endsInRound(requests, said, tool) {
  const [call, result] = sent(requests, said).at(-1).messages.slice(-2);
  assert.deepEqual([call.role, call.tool_calls[0].function.name, result.role], ['assistant', tool, 'tool']);
  assert.equal(result.tool_call_id, call.tool_calls[0].id);
}

/** What went out for a prompt: with the key, which no agent holds, and for the model of the page. */
export function sent(requests, said) {
  const of = requests.filter(({ body }) => JSON.stringify(body?.messages ?? '').includes(said));
  assert.ok(of.length > 0, `${said} is in none of ${requests.length} requests`);
  for (const { path, headers, body } of of) {
    assert.deepEqual([path, body.model, headers['x-portkey-api-key']], ['/v1/chat/completions', MODEL, '***']);
    assert.equal(headers.authorization, undefined);
  }
  return of.map(({ body }) => body);
}
