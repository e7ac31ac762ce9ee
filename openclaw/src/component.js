/**
 * The component: loaded from its own file at first use; an instance serves one call.
 *
 * The package holds the component as it was built and jco's glue for it, but no second copy of the code: the core modules
 * are taken out of the component file.
 */
import { readFileSync } from 'node:fs';
import { instantiate } from '../component/provider.js';
import { LIMITS } from './limits.js';
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

/** A fresh instance, and where to say what it may do on the network. */
function create() {
  const { imports, bind } = wasiHttp();
  return { provider: instantiate(coreModule, /** @type {any} */ (imports)), bind };
}

/**
 * Makes a call, or reads a stream to its end, on an instance of its own: what one call leaves in memory, no other finds.
 * @template T
 * @param {Egress} egress
 * @param {(provider: Provider) => Promise<T>} call
 * @returns {Promise<T>}
 */
export async function use(egress, call) {
  const { provider, bind } = create();
  bind(egress);
  const limit = egress.limits?.call ?? LIMITS.call;
  const { promise: late, reject } = Promise.withResolvers();
  const timer = setTimeout(() => reject(new Error(`The call took longer than ${limit / 1000} s as a whole.`)), limit);
  try {
    return /** @type {T} */ (await Promise.race([call(provider), late]));
  } finally {
    clearTimeout(timer);
    bind(undefined); // ends what is still open
  }
}

const pure = () => create().provider.onboarding;

/** The functions that touch no network, each call on an instance of its own as well: they are given configurations. */
export const onboarding = {
  describe: () => pure().describe(),
  /** @param {Parameters<Provider['onboarding']['applyConfig']>} given */
  applyConfig: (...given) => pure().applyConfig(...given),
  /** @param {Parameters<Provider['onboarding']['applyProviderConfig']>} given */
  applyProviderConfig: (...given) => pure().applyProviderConfig(...given),
  /** @param {Parameters<Provider['onboarding']['resolveConnection']>} given */
  resolveConnection: (...given) => pure().resolveConnection(...given),
};
