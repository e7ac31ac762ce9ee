/** Stands in for OpenClaw in the unit tests: `node --import ./test/host.mjs`. Its fetch is the plain one. */
import { registerHooks } from 'node:module';

const ENTRIES = {
  'plugin-entry': 'export const definePluginEntry = (entry) => entry;',
  'provider-auth': 'export const createProviderApiKeyAuthMethod = (options) => ({ options, runNonInteractive: async (context) => options.applyConfig(context.config) });',
  'ssrf-runtime': 'export const fetchWithSsrFGuard = async ({ url, signal }) => ({ response: await fetch(url, { signal }), release: async () => {} });',
  'provider-transport-runtime': `
    export const buildGuardedModelFetch = () => (url, init) => fetch(url, init);
    export { buildOpenAICompletionsParams } from '${new URL('./builder.mjs', import.meta.url)}';`,
  'runtime-config-snapshot': 'export const getRuntimeConfigSourceSnapshot = () => undefined;',
};

registerHooks({
  resolve(specifier, context, next) {
    const entry = /^openclaw\/plugin-sdk\/(.*)$/.exec(specifier)?.[1];
    return entry && entry in ENTRIES ? { url: `openclaw:${entry}`, shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    const entry = /^openclaw:(.*)$/.exec(url)?.[1];
    return entry ? { format: 'module', source: ENTRIES[/** @type {keyof typeof ENTRIES} */ (entry)], shortCircuit: true } : next(url, context);
  },
});
