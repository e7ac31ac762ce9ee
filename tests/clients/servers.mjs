/**
 * The servers of these tests: stand-ins, the real Portkey gateway, and hosts that serve the composed gateway. All of them on
 * free ports of 127.0.0.1, and each ends with the tests.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The key that the stand-in wants. Nothing but its requests may ever hold it. */
export const KEY = 'pk-clients-5f0c9a71';
/** What callers of the gateway send. */
export const TOKEN = 'token-of-the-callers';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Where `make` puts what these tests use. */
export const target = `${root}target`;
const HARNESS = `${process.env.CARGO_TARGET_DIR ?? target}/debug/host-harness`;
const started = [];

/** Ends all that was started, and what that started: jco serves from a process of its own. */
export function stopAll() {
  for (const { pid } of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/**
 * Starts a program and waits for the line that says where it listens.
 * @param {string} program @param {string[]} args @param {RegExp} says
 * @param {import('node:child_process').SpawnOptions} [options]
 */
function start(program, args, says, options = {}) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...options });
  started.push(child);
  /** @type {string[]} */ const lines = [];
  return new Promise((resolve, reject) => {
    const read = (/** @type {string} */ line) => {
      lines.push(line);
      const found = says.exec(line);
      if (found) resolve({ child, lines, address: found[1] });
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', read);
    child.on('error', (error) => reject(new Error(`cannot run ${program} (${error.message}): see the Makefile`)));
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}:\n${lines.join('\n')}`)));
  });
}

/** A stand-in: `url`, and `requests()` for the lines of JSON that tell what reached it. */
export async function startStub(...args) {
  const { address, lines } = await start(HARNESS, ['stub', '--port', '0', ...args], /^http:\/\/(127\.0\.0\.1:\d+)\/v1$/);
  return {
    authority: address,
    url: `http://${address}/v1`,
    /** What came since the last time; the stand-in tells of it ten times a second. */
    async requests() {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return lines.splice(0).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    },
  };
}

/** The real Portkey gateway. */
export async function startPortkey() {
  const args = ['--import', './loopback-only.mjs', 'node_modules/@portkey-ai/gateway/build/start-server.js', '--headless', '--port=0'];
  const { address } = await start(process.execPath, args, /^LISTENING (.*)$/, { cwd: `${root}tests/gateway` });
  return `http://${address}/v1`;
}

/** A component on `wasmtime serve`, configured by its environment alone; an instance of it serves so many requests. */
export async function startWasmtime(settings, component = `${root}dist/gateway.wasm`, reuse = 1000) {
  const names = Object.keys(settings).flatMap((name) => ['--env', name]);
  const args = ['serve', '--addr', '127.0.0.1:0', '-S', 'cli,config', '--max-instance-reuse-count', String(reuse), ...names, component];
  const { address, child } = await start(`${target}/python/bin/wasmtime`, args, /^Serving HTTP on (http:.*)\/$/, {
    env: { RUST_BACKTRACE: '0', HOME: process.env.HOME, ...settings },
  });
  return { url: `${address}/v1`, origin: address, pid: child.pid };
}

/** The gateway on `jco serve`. */
export async function startJco(settings) {
  const port = await freePort();
  const jco = `${root}tests/clients/node_modules/@bytecodealliance/jco/src/jco.js`;
  const store = `wasi:config/store=${root}tests/clients/empty-store.mjs`;
  const args = [jco, 'serve', `${root}dist/gateway.wasm`, '--host', '127.0.0.1', '--port', port, '--jco-map', store];
  await start(process.execPath, args, /(Server listening)/, { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings } });
  return `http://127.0.0.1:${port}/v1`;
}

/** jco has no way to ask for any free port. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(String(port)));
    });
  });
}
