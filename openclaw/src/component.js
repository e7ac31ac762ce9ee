/**
 * The component: loaded from its own file at first use; an instance serves one call at a time.
 *
 * The package holds the component as it was built and jco's glue for it, but no second copy of the code: the core modules
 * are taken out of the component file.
 */
import { readFileSync } from 'node:fs';
import { instantiate } from '../component/provider.js';
import { wasiHttp } from './wasi-http.js';

/** @typedef {import('../component/provider.js').Root} Provider the component's exports */
/** @typedef {import('./wasi-http.js').Egress} Egress */

const FILE = new URL('../component/portkey-provider.wasm', import.meta.url);

/**
 * The core modules in a component, in order.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Uint8Array<ArrayBuffer>[]}
 */
export function coreModules(bytes) {
  const CORE_MODULE = 1;
  const found = [];
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      size += (bytes[at] & 0x7f) * 2 ** shift;
      more = bytes[at++] > 0x7f;
    }
    if (id === CORE_MODULE) found.push(bytes.subarray(at, at + size));
    at += size;
  }
  return found;
}

/** @type {WebAssembly.Module[] | undefined} */
let compiled;

/** @param {string} path as jco names it: `provider.core.wasm`, `provider.core2.wasm`, ... */
function coreModule(path) {
  if (typeof (/** @type {any} */ (WebAssembly).Suspending) !== 'function') {
    throw new Error(`The Portkey plugin needs Node 24 or later (this is ${process.version})`);
  }
  compiled ??= coreModules(readFileSync(FILE)).map((bytes) => new WebAssembly.Module(bytes));
  return compiled[Number(/core(\d*)\.wasm$/.exec(path)?.[1] || 1) - 1];
}

/** A fresh instance, where to say what it may do on the network, and its memory. */
function create() {
  const { imports, bind } = wasiHttp();
  /** @type {any} */ let memory;
  const provider = instantiate(coreModule, /** @type {any} */ (imports), (module, given) => {
    const instance = new WebAssembly.Instance(module, given);
    memory ??= instance.exports.memory;
    return instance;
  });
  return { provider, bind, memory: /** @type {WebAssembly.Memory} */ (memory) };
}

/** @type {ReturnType<typeof create>[]} instances that no call is using */
const idle = [];
const MOST_IDLE = 4;

/** In bytes. An instance never gives memory back, so one that a call with images made larger is let go. */
const LARGEST_IDLE = 4 * 1024 * 1024;

/**
 * Makes a call, or reads a stream to its end, on an instance that no other call is using: two would run on one stack.
 * @template T
 * @param {Egress} egress
 * @param {(provider: Provider) => Promise<T>} call
 * @returns {Promise<T>}
 */
export async function use(egress, call) {
  const instance = idle.pop() ?? create();
  instance.bind(egress);
  const result = await call(instance.provider); // one that fails may have trapped: it is let go
  instance.bind(undefined);
  if (idle.length < MOST_IDLE && instance.memory.buffer.byteLength <= LARGEST_IDLE) idle.push(instance);
  return result;
}

/** @type {Provider | undefined} */
let offline;

/** An instance for the functions that touch no network. They are synchronous, so one serves all. */
const pure = () => (offline ??= create().provider);

export const onboarding = () => pure().onboarding;

/** What is known of a model. @param {string} id */
export const traitsOf = (id) => pure().models.traitsOf(id);
