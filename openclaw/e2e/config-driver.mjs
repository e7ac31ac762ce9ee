/**
 * Says what OpenClaw itself makes of configuration files, by its own modules: its command line takes seconds for each.
 * Reads cases as JSON from standard input, and prints a JSON list of what they come to: node config-driver.mjs < cases.json
 */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dist, internal } from './internals.mjs';

/** @typedef {{ name: string, home: string, env: Record<string, string>, args: string[], model: string }} Case */

/** @param {Record<string, string>} env */
function setEnvironment(env) {
  for (const name of Object.keys(process.env)) if (name !== 'PATH') delete process.env[name];
  Object.assign(process.env, env);
}

const openclaw = {
  parseCliProfileArgs: await internal('parseCliProfileArgs', 'profile-'),
  applyCliProfileEnv: await internal('applyCliProfileEnv', 'profile-'),
  loadCliDotEnv: await internal('loadCliDotEnv', 'dotenv-'),
  createConfigIO: await internal('createConfigIO', 'io.factory-'),
  prepareSecretsRuntimeSnapshot: await internal('prepareSecretsRuntimeSnapshot', 'runtime-'),
  resolveDefaultModelForAgent: await internal('resolveDefaultModelForAgent', 'model-selection-config-'),
  tryResolveDefaultAgentId: await internal('tryResolveDefaultAgentId', 'agent-scope-config-'),
  buildInlineProviderModels: await internal('buildInlineProviderModels', 'model.inline-provider-'),
  completeSimple: (await import(pathToFileURL(join(dist, 'plugin-sdk/llm.js')).href)).completeSimple,
};

/** @type {{ path: string, headers: import('node:http').IncomingHttpHeaders }[]} */
let seen = [];
const server = createServer((request, response) => {
  seen.push({ path: request.url ?? '', headers: request.headers });
  response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"seen"}}');
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;

/** @param {Case} given */
async function read({ home, env, args }) {
  setEnvironment({ PATH: process.env.PATH ?? '', HOME: home, ...env });
  process.chdir(home);
  const { profile } = openclaw.parseCliProfileArgs(['node', 'openclaw', ...args]);
  if (profile) openclaw.applyCliProfileEnv({ profile });
  openclaw.loadCliDotEnv();
  const quiet = () => {};
  const logger = { warn: quiet, error: quiet, info: quiet, debug: quiet };
  const io = openclaw.createConfigIO({ env: process.env, pluginValidation: 'core-only', observe: false, logger });
  const raw = io.loadConfig();
  const sources = { env: process.env, includeAuthStoreRefs: false, loadablePluginOrigins: new Map(), agentDirs: [] };
  const { config } = await openclaw.prepareSecretsRuntimeSnapshot({ config: raw, ...sources });
  const asWritten = { allowManifestNormalization: false, allowPluginNormalization: false };
  // Of a roster of several, which OpenClaw asks about, it is the default of all.
  const agentId = openclaw.tryResolveDefaultAgentId(config);
  const primary = openclaw.resolveDefaultModelForAgent({ cfg: config, agentId, ...asWritten });
  const models = openclaw.buildInlineProviderModels(config.models?.providers ?? {});
  const own = models.find((/** @type {any} */ model) => (
    model.provider.toLowerCase() === primary.provider && model.id === primary.model));
  if (!own) throw new Error(`no model ${primary.provider}/${primary.model}`);
  const entry = Object.entries(config.models.providers).find(([id]) => id.trim().toLowerCase() === 'portkey')?.[1];
  const isResolved = typeof entry.apiKey !== 'object' && !/^\$\{/.test(entry.apiKey ?? '');
  if (!isResolved) throw new Error(`the key is unresolved: ${JSON.stringify(entry.apiKey)}`);
  seen = [];
  // Only the way to the gateway is another one: this server's.
  const baseUrl = own.baseUrl.replace(/^http:\/\/127\.0\.0\.1:\d+/, `http://127.0.0.1:${port}`);
  const limits = { reasoning: false, contextWindow: 10_000, maxTokens: 100 };
  const model = Object.assign(Object.create(null, Object.getOwnPropertyDescriptors(own)), { baseUrl, ...limits });
  const key = entry.apiKey ?? process.env.PORTKEY_API_KEY;
  const messages = [{ role: 'user', content: 'hello', timestamp: 0 }];
  const reply = await openclaw.completeSimple(model, { messages }, { apiKey: key, maxRetries: 0 });
  if (!seen[0]) throw new Error(`nothing was sent: ${reply.errorMessage}`);
  return { file: io.configPath, ...primary, key, ownKey: process.env.PORTKEY_API_KEY, ...seen[0] };
}

const original = { ...process.env };
const results = [];
for (const given of /** @type {Case[]} */ (JSON.parse(await text(process.stdin)))) {
  const result = await read(given).catch((error) => ({ refused: String(error?.message ?? error) }));
  results.push({ name: given.name, ...result });
}
setEnvironment(/** @type {any} */ (original));
process.stdout.write(`\n${JSON.stringify(results)}\n`, () => process.exit());
