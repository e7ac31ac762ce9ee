/**
 * Stands in for OpenClaw in the unit tests: `node --import ./test/host.mjs`. Its fetch is the plain one, which asks before each hop
 * and follows redirects, as OpenClaw's does.
 */
import { registerHooks } from 'node:module';
import { limitFile } from './limit.mjs';

limitFile(5);

const ENTRIES = {
  'plugin-entry': 'export const definePluginEntry = (entry) => entry;',
  // Of its store the stand-in has the list that the configuration keeps.
  'provider-auth': 'export const isProviderAuthProfileConfigured = ({ cfg, provider }) => Object.values(cfg?.auth?.profiles ?? {}).some((profile) => profile.provider === provider); export const createProviderApiKeyAuthMethod = (options) => ({ options, run: async (context) => ({ configPatch: options.applyConfig(context.config) }), runNonInteractive: async (context) => options.applyConfig(context.config) });',
  'ssrf-runtime': `export const ssrfPolicyFromHttpBaseUrlAllowedOrigin = (url) => ({ allowedOrigins: [new URL(url).origin] });
  export const fetchWithSsrFGuard = async ({ url, init, signal, maxRedirects = 3 }) => {
    for (let hops = 0; ; hops++) {
      const response = await fetch(url, { ...init, signal, redirect: 'manual' });
      if (response.status < 300 || response.status > 399) return { response, release: async () => {} };
      if (hops >= maxRedirects) throw new Error('Too many redirects (limit: ' + maxRedirects + ')');
      url = new URL(response.headers.get('location'), url).href;
    }
  };`,
  'provider-transport-runtime': `
    import { AsyncLocalStorage } from 'node:async_hooks';
    const authority = globalThis[Symbol.for('openclaw.guardedFetchRequestAuthority')] ??= new AsyncLocalStorage();
    export const buildGuardedModelFetch = () => async (url, init) => {
      const assertCurrent = authority.getStore();
      for (;;) {
        assertCurrent?.();
        const response = await fetch(url, { ...init, redirect: 'manual' });
        const location = response.status >= 300 && response.status < 400 && response.headers.get('location');
        if (!location) return response;
        url = new URL(location, url);
      }
    };
    export const notifyProviderHttpResponse = async ({ options, response: { status, headers }, model }) => (
      options.onResponse?.({ status, headers: Object.fromEntries(headers) }, model));
    export const parseTerminalToolCallArguments = (json, complaint) => {
      try {
        const value = JSON.parse(json);
        if (value && typeof value === 'object' && !Array.isArray(value)) return value;
      } catch {}
      throw Object.assign(new Error(complaint), { errorCode: 'malformed_tool_call_arguments' });
    };
    export { buildOpenAICompletionsParams } from '${new URL('./builder.mjs', import.meta.url)}';`,
  'provider-stream-shared': 'export const notifyLlmRequestActivity = () => {};',
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
