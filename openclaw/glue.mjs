/** jco's glue for a component: what runs it in Node, with JSPI and without preview2-shim. */
import { componentWit, transpile } from '@bytecodealliance/jco';

/** What may wait: these suspend the component, and nothing else does. */
const SUSPENDING = [
  'wasi:io/poll#[method]pollable.block', 'wasi:io/poll#poll', 'wasi:io/streams#[method]input-stream.blocking-read',
];
const ASYNC_EXPORTS = [
  'chat#complete', 'chat#stream', 'chat#[method]reply.next', 'images#generate', 'images#edit', 'models#list',
];
/** The same of interfaces that a component may leave out. */
const OPTIONAL_EXPORTS = ['embeddings#embed', 'audio#speak', 'audio#[method]speech.next', 'audio#transcribe', 'prices#price-of'];

/** Where a table of handles, which is the first parameter, grows. */
const GROWING = /function \w+\((\w+),\w+\)\{const (\w+)=\1\[0\]&~\w+;return 0===\2\?\(/g;

/** Where a list of handles is read, as many as the second name says. */
const HANDLES = /for\(let (\w+)=0;\1<(\w+);\1\+\+\)\{const \w+=\w+\+4\*\1;/g;

/** Where a text is written: jco's own glue makes its bytes first, and copies them. */
const WRITTEN = /let (\w+)=\w+\.encode\((\w+)\),(\w+)=(\w+)\(0,0,1,\1\.length\);return new Uint8Array\((\w+)\.buffer\)\.set\(\1,\3\),(\w+)=\1\.length,\3/;

/** Where the component begins to wait. */
const WAITS = /new WebAssembly\.Suspending\(async function\([^)]*\)\{/g;

/**
 * Has each text and each list of bytes that the component hands over counted, and each handle that it keeps or names; has each of
 * its waits leave other work its turn, see `src/component.js`; has texts written into the component's memory in one go; and has no destructor of its resources run when JavaScript collects
 * them: that would be after the call, on OpenClaw's thread, with nothing to gain, as the whole instance goes.
 * @param {string} glue
 */
function bounded(glue) {
  const head = /^export function instantiate\((\w+),(\w+),[^{]*\{/.exec(glue);
  const texts = glue.split('new TextDecoder').length - 1;
  const tables = glue.match(GROWING)?.length;
  const lists = glue.match(HANDLES)?.length;
  const isEachWait = glue.match(WAITS)?.length === glue.split('new WebAssembly.Suspending(').length - 1;
  if (!head || !WRITTEN.test(glue) || texts !== 1 || tables !== 1 || lists !== 1 || !isEachWait) {
    throw new Error('jco writes its glue in another way: look at how it reads memory, keeps handles and waits');
  }
  const rest = glue.slice(head[0].length)
    .replace(/new TextDecoder(\(\))?/, '$$handed').replace(/(\w+)\.buffer\.slice\(/g, '$$handed.slice($1.buffer,')
    .replace(WRITTEN, 'const $1=$$handed.bytes($2),$3=$4(0,0,1,$1);return $$handed.write($2,$5.buffer,$3,$1),$6=$1,$3')
    .replace(GROWING, '$&$$handed.kept($1),').replace(HANDLES, '$$handed.named($2);$&')
    .replace(WAITS, '$&const $$turn=$$handed.turn();if($$turn)await $$turn;');
  return `${head[0]}const $handed=${head[2]}.handed,FinalizationRegistry=class{register(){}unregister(){}};${rest}`;
}

/**
 * @param {Uint8Array} component
 * @returns {Promise<{ glue: string, types: [path: string, bytes: Uint8Array][], modules: Uint8Array[] }>}
 */
export async function transpiled(component) {
  const wit = await componentWit(component);
  /**
   * @param {string} name an interface without its version, and an item in it
   * @returns {string[]} with the version, where the component has it
   */
  const inFull = (name) => {
    const [iface, item] = name.split('#');
    const full = new RegExp(`${iface}@[\\w.+-]+`).exec(wit)?.[0];
    return full ? [`${full}#${item}`] : [];
  };
  const asyncExports = ASYNC_EXPORTS.map((name) => {
    const [found] = inFull(`openclaw:provider/${name}`);
    if (!found) throw new Error(`the component does not export ${name}`);
    return found;
  }).concat(OPTIONAL_EXPORTS.flatMap((name) => inFull(`openclaw:provider/${name}`)));
  const { files } = await transpile(component, {
    name: 'provider', instantiation: 'sync', minify: true,
    asyncMode: 'jspi', asyncImports: SUSPENDING.flatMap(inFull), asyncExports,
  });
  const glue = Buffer.from(files['provider.js']).toString();
  // jco ignores names that it does not find, so look at what it did
  const suspending = glue.match(/new WebAssembly\.Suspending\(/g)?.length ?? 0;
  const promising = glue.match(/WebAssembly\.promising\(/g)?.length ?? 0;
  if (!suspending || promising < asyncExports.length) {
    throw new Error(`the glue suspends at ${suspending} imports and ${promising} exports`);
  }
  return {
    glue: bounded(glue),
    types: Object.entries(files).filter(([path]) => path.endsWith('.d.ts')),
    modules: Object.entries(files).filter(([path]) => path.endsWith('.wasm')).map(([, bytes]) => bytes),
  };
}
