/** Functions of OpenClaw's that no entry of its package offers. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const dist = join(dirname(fileURLToPath(import.meta.url)), 'node_modules/openclaw/dist');
const chunks = readdirSync(dist).filter((name) => name.endsWith('.mjs'));

/**
 * A function of OpenClaw's, from the chunk that begins with `chunk`: the names of both are hashed.
 * @param {string} name @param {string} chunk @returns {Promise<any>}
 */
export async function internal(name, chunk) {
  for (const file of chunks.filter((file) => file.startsWith(chunk))) {
    const source = readFileSync(join(dist, file), 'utf8');
    const exported = new RegExp(`[{ ]${name}(?: as (\\w+))?[ ,}]`).exec(source.slice(source.lastIndexOf('export {')));
    if (exported) return (await import(pathToFileURL(join(dist, file)).href))[exported[1] ?? name];
  }
  throw new Error(`OpenClaw has no ${name} any more`);
}
