/**
 * Makes dist/ of a built component: `node build.mjs [component.wasm] [dist directory]`. It holds the component, the manifest,
 * the OpenClaw package as a folder, and the same as a file.
 *
 * jco writes the glue, from which the package keeps only the JavaScript: the code itself stays in the component file,
 * whose digest is then the one that was tested.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { componentWit, transpile } from '@bytecodealliance/jco';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const wasm = resolve(process.argv[2] ?? join(root, 'target/wasm32-wasip2/component/portkey_provider.wasm'));
const dist = resolve(process.argv[3] ?? join(root, 'dist'));
const out = join(here, 'component');

/** What may wait: these suspend the component, and nothing else does. */
const SUSPENDING = ['wasi:io/poll#[method]pollable.block', 'wasi:io/poll#poll', 'wasi:io/streams#[method]input-stream.blocking-read'];
const ASYNC_EXPORTS = ['chat#complete', 'chat#stream', 'chat#[method]reply.next', 'images#generate', 'images#edit', 'models#list'];

if (!existsSync(wasm)) throw new Error(`${wasm}: build the component first (make build)`);
const component = readFileSync(wasm);
const wit = await componentWit(component);

/** @param {string} iface without its version @returns {string | undefined} with the version that the component has */
const versioned = (iface) => new RegExp(`${iface}@[\\w.+-]+`).exec(wit)?.[0];
/** @param {string} name */
const inFull = (name) => {
  const [iface, item] = name.split('#');
  const full = versioned(iface);
  return full ? [`${full}#${item}`] : [];
};
const asyncExports = ASYNC_EXPORTS.map((name) => {
  const [found] = inFull(`openclaw:provider/${name}`);
  if (!found) throw new Error(`the component does not export ${name}`);
  return found;
});

const { files } = await transpile(component, {
  name: 'provider', instantiation: 'sync', minify: true,
  asyncMode: 'jspi', asyncImports: SUSPENDING.flatMap(inFull), asyncExports,
});

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'interfaces'), { recursive: true });
writeFileSync(join(out, 'portkey-provider.wasm'), component);
for (const [path, bytes] of Object.entries(files)) {
  if (/\.js$|\.d\.ts$/.test(path)) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), bytes);
  }
}

// jco ignores names that it does not find, so look at what it did
const glue = Buffer.from(files['provider.js']).toString();
const suspending = glue.match(/new WebAssembly\.Suspending\(/g)?.length ?? 0;
const promising = glue.match(/WebAssembly\.promising\(/g)?.length ?? 0;
if (!suspending || promising < asyncExports.length) throw new Error(`the glue suspends at ${suspending} imports and ${promising} exports`);

const { coreModules, onboarding } = await import('./src/component.js');
const cut = coreModules(new Uint8Array(component));
const split = Object.entries(files).filter(([path]) => path.endsWith('.wasm'));
split.forEach(([path, bytes], at) => {
  if (Buffer.compare(Buffer.from(bytes), cut[at] ?? Buffer.alloc(0))) throw new Error(`${path} is not the ${at + 1}. core module of the component`);
});
writeFileSync(join(out, 'descriptor.js'), `/** What the component says of itself: written by the build. */\n`
  + `/** @type {import('./interfaces/openclaw-provider-onboarding.js').Descriptor} */\n`
  + `export const descriptor = ${JSON.stringify(onboarding().describe(), null, 2)};\n`);

const staged = join(dist, 'openclaw');
rmSync(staged, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const file of readdirSync(dist)) if (file.endsWith('.tgz')) rmSync(join(dist, file));
cpSync(wasm, join(dist, 'portkey-provider.wasm'));
cpSync(join(root, 'openclaw.plugin.json'), join(dist, 'openclaw.plugin.json'));
mkdirSync(join(staged, 'component'), { recursive: true });
const { scripts: _s, devDependencies: _d, optionalDependencies: _o, private: _p, ...pkg } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
writeFileSync(join(staged, 'package.json'), `${JSON.stringify(pkg, null, 2)}\n`);
cpSync(join(here, 'src'), join(staged, 'src'), { recursive: true, filter: (path) => !path.endsWith('.d.ts') });
for (const file of ['provider.js', 'descriptor.js', 'portkey-provider.wasm']) cpSync(join(out, file), join(staged, 'component', file));
cpSync(join(root, 'openclaw.plugin.json'), join(staged, 'openclaw.plugin.json'));
for (const file of [join(here, 'README.md'), join(root, 'LICENSE')]) if (existsSync(file)) cpSync(file, join(staged, file.split('/').at(-1) ?? ''));
const [{ filename, size }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', dist], { cwd: staged, encoding: 'utf8' }));

console.log(`component  ${component.length} bytes, sha256 ${createHash('sha256').update(component).digest('hex')}`);
console.log(`glue       ${glue.length} bytes, ${gzipSync(glue).length} compressed`);
console.log(`package    ${size} bytes  ${join(dist, filename)}`);
