/** A real OpenClaw, headless, in a home of its own; and the real Portkey gateway. Loopback only. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '../..');
export const CLI = join(here, 'node_modules/openclaw/openclaw.mjs');
const GATEWAY = join(here, '../../tests/gateway');

/** The package that `make package` built. */
export function packageFile() {
  const dist = process.env.PORTKEY_DIST ?? join(root, 'dist');
  return join(dist, /** @type {string} */ (readdirSync(dist).find((name) => /^openclaw-portkey-provider-.*\.tgz$/.test(name))));
}

/** @typedef {{ code: number, stdout: string, stderr: string, json: any }} Ran */

export class OpenClaw {
  home = mkdtempSync(join(tmpdir(), 'openclaw-e2e-'));
  configPath = join(this.home, 'openclaw.json');
  /** @type {import('node:child_process').ChildProcess | undefined} */ gateway;
  /** @type {number | undefined} */ port;

  /** @param {Record<string, string>} [extra] */
  env(extra = {}) {
    return {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: this.home, TMPDIR: process.env.TMPDIR ?? tmpdir(), NO_COLOR: '1', npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? '', '.npm'),
      OPENCLAW_STATE_DIR: join(this.home, 'state'), OPENCLAW_CONFIG_PATH: this.configPath, ...(this.port && { OPENCLAW_GATEWAY_PORT: String(this.port) }), ...extra,
    };
  }

  /** @param {string[]} args @param {Record<string, string>} [env] @returns {Promise<Ran>} */
  run(args, env) {
    return new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...args], { env: this.env(env), cwd: this.home, timeout: 180_000, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
        const code = error ? Number(error.code ?? 1) : 0;
        resolve({ code, stdout, stderr, get json() { return JSON.parse(stdout.slice(stdout.search(/^[[{]/m))); } });
      });
    });
  }

  /** @param {string[]} args @param {Record<string, string>} [env] */
  async ok(args, env) {
    const ran = await this.run(args, env);
    if (ran.code !== 0) throw new Error(`openclaw ${args.join(' ')}: exit ${ran.code}\n${ran.stdout.slice(-3000)}\n${ran.stderr.slice(-3000)}`);
    return ran;
  }

  /** Installs the plugin. */
  install() { return this.ok(['plugins', 'install', '--force', '--accept-capabilities', packageFile()]); }

  get config() { return JSON.parse(readFileSync(this.configPath, 'utf8')); }
  set config(value) { writeFileSync(this.configPath, JSON.stringify(value, null, 2)); }

  /** @param {ReturnType<ReturnType<typeof through>>} to */
  configure({ provider, plugin }) {
    const config = this.config;
    const before = config.models?.providers;
    config.models = { ...config.models, providers: { ...before, portkey: { ...before?.portkey, request: undefined, ...provider } } };
    config.plugins.entries.portkey.config = plugin;
    this.config = config;
  }

  /** Starts `gateway run`, and waits until it answers. */
  async startGateway() {
    this.port = await freePort();
    this.gateway = spawn(process.execPath, [CLI, 'gateway', 'run', '--port', String(this.port), '--bind', 'loopback'], { env: this.env(), cwd: this.home, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    this.gateway.stdout?.on('data', (chunk) => { log += chunk; });
    this.gateway.stderr?.on('data', (chunk) => { log += chunk; });
    this.gatewayLog = () => log;
    for (const until = Date.now() + 120_000; ;) {
      const response = await fetch(`http://127.0.0.1:${this.port}/`).catch(() => undefined);
      if (response && response.status !== 503) return;
      if (Date.now() > until || this.gateway.exitCode !== null) throw new Error(`the OpenClaw gateway did not start:\n${log.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  async stopGateway() {
    if (this.gateway?.exitCode !== null) return;
    this.gateway.kill();
    await once(this.gateway, 'exit');
  }

  async close() {
    await this.stopGateway();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * What models.providers.portkey and plugins.entries.portkey say to be led through the gateway to the upstream.
 * @param {{ url: string }} portkey @param {{ url: string }} upstream
 */
export const through = (portkey, upstream) => (/** @type {object} */ provider = {}, /** @type {object} */ plugin = {}) => ({
  provider: { baseUrl: portkey.url, api: 'openai-completions', models: [], headers: { 'x-portkey-trace-id': 'trace-e2e', 'x-portkey-metadata': '{"_user":"e2e"}' }, ...provider },
  plugin: { provider: 'openai', customHost: `${upstream.url}/v1`, ...plugin },
});

/** @returns {Promise<number>} */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** The open-source Portkey gateway, as tests/gateway pins it. It ends with our end of its stdin. */
export async function startPortkey() {
  const child = spawn(process.execPath, ['--import', join(GATEWAY, 'loopback-only.mjs'), join(GATEWAY, 'node_modules/@portkey-ai/gateway/build/start-server.js'), '--headless', '--port=0'],
    { stdio: ['pipe', 'ignore', 'pipe'] });
  const lines = createInterface({ input: child.stderr });
  for await (const line of lines) {
    const port = /LISTENING 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port) {
      child.stderr.resume();
      return { url: `http://127.0.0.1:${port}/v1`, close: () => child.kill() };
    }
  }
  throw new Error(`the Portkey gateway did not start: is it installed in ${GATEWAY}?`);
}
