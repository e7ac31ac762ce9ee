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
import { transpiled } from './glue.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const wasm = resolve(process.argv[2] ?? join(root, 'target/wasm32-wasip2/component/portkey_provider.wasm'));
const dist = resolve(process.argv[3] ?? join(root, 'dist'));
const out = join(here, 'component');

if (!existsSync(wasm)) throw new Error(`${wasm}: build the component first (make build)`);
const component = readFileSync(wasm);
const { glue, types, modules } = await transpiled(component);

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'interfaces'), { recursive: true });
writeFileSync(join(out, 'portkey-provider.wasm'), component);
for (const [path, bytes] of [['provider.js', glue], ...types]) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), bytes);
}

const { coreModules, offers, onboarding } = await import('./src/component.js');
const cut = coreModules(new Uint8Array(component));
modules.forEach((bytes, at) => {
  if (Buffer.compare(Buffer.from(bytes), cut[at] ?? Buffer.alloc(0))) throw new Error(`what is cut out of the component is not its core module ${at + 1}`);
});
writeFileSync(join(out, 'descriptor.js'), `/** What the component says of itself: written by the build. */\n`
  + `/** @type {import('./interfaces/openclaw-provider-onboarding.js').Descriptor} */\n`
  + `export const descriptor = ${JSON.stringify(onboarding.describe(), null, 2)};\n\n`
  + `/** What a request that names no model, voice or format gets. */\n`
  + `export const offers = ${JSON.stringify(offers(), null, 2)};\n`);

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
