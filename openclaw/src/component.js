/**
 * The component: loaded from its own file at first use; an instance serves one call.
 *
 * The package holds the component as it was built and jco's glue for it, but no second copy of the code: the core modules
 * are taken out of the component file.
 */
import { readFileSync } from 'node:fs';
import { instantiate } from '../component/provider.js';
import { LIMITS } from './limits.js';
import { Mask } from './mask.js';
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

/** How many questions about models one instance answers: what it hands over is counted, and memory that it took it keeps. */
const QUESTIONS = 10_000;

/** How long the component may hold up OpenClaw's other work, with events or with waits for what is there, in ms. */
const TURN = 20;

/**
 * What jco's glue asks as it works for one instance. It takes all texts and bytes that the component hands over through here,
 * as long as they are no more than `handed` bytes; what the component writes to a request comes this way too, and is counted
 * there. Of each kind of handle the component may keep `resources`.
 * @param {Pick<import('./limits.js').Limits, 'handed' | 'resources'>} limits
 */
function boundsOf({ handed, resources }) {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let left = handed;
  let since = performance.now();
  let isOver = false;
  /** @param {number} bytes */
  const count = (bytes) => {
    left -= bytes + 64;
    if (left < 0) throw new Error('the component hands over more than it may');
  };
  const check = () => { if (isOver) throw new Error('The call is over'); };
  return {
    /** @param {number} bytes */
    written: (bytes) => { left += bytes + 64; },
    /** @param {Uint8Array} bytes */
    decode(bytes) {
      count(bytes.byteLength);
      return decoder.decode(bytes);
    },
    /** How many bytes a text is, as `write` writes it. @param {string} text */
    bytes: (text) => Buffer.byteLength(text),
    /** @param {string} text @param {ArrayBuffer} memory @param {number} start @param {number} length */
    write: (text, memory, start, length) => { encoder.encodeInto(text, new Uint8Array(memory, start, length)); },
    /** @param {ArrayBuffer} memory @param {number} start @param {number} end */
    slice(memory, start, end) {
      count(end - start);
      return memory.slice(start, end);
    },
    /** @param {number[]} table of handles, two numbers each, which is about to grow */
    kept(table) { if (table.length > 2 * resources) throw new Error('the component keeps more than it may'); },
    /** @param {number} count of handles in a list, which is about to be read */
    named(count) { if (count > resources) throw new Error('the component names more than it may'); },
    /**
     * Before each wait and each batch of events. A component that always has one more event, or waits for what is there, would
     * leave neither the time limit nor anything else a turn.
     * @returns {Promise<void> | undefined}
     */
    turn() {
      check();
      if (performance.now() - since <= TURN) return undefined;
      return new Promise((resolve) => { setImmediate(resolve); }).then(() => {
        since = performance.now();
        check();
      });
    },
    end() { isOver = true; },
  };
}

/**
 * The same provider, whose streams end with the call and let other work have its turn.
 * @param {Provider} provider @param {() => Promise<void> | undefined} turn
 * @returns {Provider}
 */
function inTurns(provider, turn) {
  /** @param {(...given: any[]) => any} open @returns {any} jco's types know of no promises */
  const turning = (open) => async (/** @type {any[]} */ ...given) => {
    const opened = await open(...given);
    const next = opened.next.bind(opened);
    opened.next = async () => {
      const wait = turn();
      if (wait) await wait;
      return next();
    };
    return opened;
  };
  const { chat, audio } = provider;
  // a component of other tests has none
  const spoken = audio && { audio: { ...audio, speak: turning(audio.speak) } };
  return { ...provider, chat: { ...chat, stream: turning(chat.stream) }, ...spoken };
}

/** Failures below HTTP. The component gives no code for them; by Node's code OpenClaw decides whether to try again. */
const NETWORK_KINDS = ['transport', 'timeout', 'truncated'];

/**
 * What the component says of a failure, without secrets, should one have found a way into it.
 * @param {any} thrown
 * @param {Mask} mask
 * @param {string | undefined} code Node's code for a network failure
 */
function masked(thrown, mask, code) {
  const error = thrown?.payload;
  if (!error || typeof error !== 'object') return thrown;
  if (NETWORK_KINDS.includes(error.kind)) error.code ??= code;
  for (const name of ['message', 'hint', 'code', 'traceId']) {
    if (typeof error[name] === 'string') error[name] = mask.text(error[name]);
  }
  return thrown;
}

/**
 * A component, from jco's glue for it and its core modules, which are compiled at first use.
 * @param {typeof instantiate} glue
 * @param {() => Uint8Array<ArrayBuffer>[]} modules
 */
export function componentOf(glue, modules) {
  /** @type {WebAssembly.Module[] | undefined} */ let compiled;
  /** @param {string} path as jco names it: `provider.core.wasm`, `provider.core2.wasm`, ... */
  const coreModule = (path) => {
    if (typeof (/** @type {any} */ (WebAssembly).Suspending) !== 'function') {
      throw new Error(`The Portkey plugin needs Node 24 or later (this is ${process.version})`);
    }
    compiled ??= modules().map((bytes) => new WebAssembly.Module(bytes));
    return compiled[Number(/core(\d*)\.wasm$/.exec(path)?.[1] || 1) - 1];
  };

  /**
   * A fresh instance, and where to say what it may do on the network.
   * @param {Partial<import('./limits.js').Limits>} [limits]
   */
  const create = (limits) => {
    const bounds = boundsOf({ ...LIMITS, ...limits });
    const { imports, bind, broken } = wasiHttp(bounds.written);
    return { provider: glue(coreModule, /** @type {any} */ ({ ...imports, handed: bounds })), bind, broken, bounds };
  };
  const pure = () => create().provider.onboarding;
  /** @type {{ provider: Provider, left: number } | undefined} is given nothing but ids of models */ let traits;

  return {
    /**
     * Makes a call, or reads a stream to its end, on an instance of its own: what one call leaves in memory, no other finds.
     * @template T
     * @param {Egress} egress
     * @param {(provider: Provider) => Promise<T> | T} call
     * @returns {Promise<T>}
     */
    async use(egress, call) {
      const { provider, bind, broken, bounds } = create(egress.limits);
      bind(egress);
      const limit = egress.limits?.call ?? LIMITS.call;
      const { promise: late, reject } = Promise.withResolvers();
      const timer = setTimeout(() => reject(new Error(`The call took longer than ${limit / 1000} s as a whole`)), limit);
      try {
        return /** @type {T} */ (await Promise.race([call(inTurns(provider, bounds.turn)), late]));
      } catch (thrown) {
        throw masked(thrown, new Mask(egress.secrets ?? []), broken());
      } finally {
        clearTimeout(timer);
        bounds.end();
        bind(undefined); // ends what is still open
      }
    },

    /** The functions that touch no network, each call on an instance of its own as well: they are given configurations. */
    onboarding: {
      describe: () => pure().describe(),
      /** @param {Parameters<Provider['onboarding']['applyConfig']>} given */
      applyConfig: (...given) => pure().applyConfig(...given),
      /** @param {Parameters<Provider['onboarding']['applyProviderConfig']>} given */
      applyProviderConfig: (...given) => pure().applyProviderConfig(...given),
      /** @param {Parameters<Provider['onboarding']['lint']>} given */
      lint: (...given) => pure().lint(...given),
      /** @param {Parameters<Provider['onboarding']['resolveConnection']>} given */
      resolveConnection: (...given) => pure().resolveConnection(...given),
    },

    /** What a request that names no model, voice or format gets. */
    offers: () => {
      const { audio, embeddings } = create().provider;
      return { embeddingModel: embeddings.defaultModel(), audio: audio.describe() };
    },

    /** What is known of a model. @param {string} id */
    traitsOf(id) {
      const { provider, left } = traits ?? { provider: create().provider, left: QUESTIONS };
      traits = undefined; // one that fails is not asked again
      const known = provider.models.traitsOf(id);
      if (left > 1) traits = { provider, left: left - 1 };
      return known;
    },
  };
}

export const { use, onboarding, offers, traitsOf } = componentOf(instantiate, () => coreModules(readFileSync(FILE)));
