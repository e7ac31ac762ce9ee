/** Onboarding: OpenClaw finds and keeps the key, the component merges the configuration. */
import { createProviderApiKeyAuthMethod } from 'openclaw/plugin-sdk/provider-auth';
import { descriptor } from '../component/descriptor.js';
import { doubts, merge } from './config.js';

const KEY = descriptor.credentials[0];

/** @returns {any} OpenClaw's ProviderAuthMethod */
export function apiKeyMethod() {
  const flag = KEY.cliFlag ?? `--${KEY.id}`;
  const method = createProviderApiKeyAuthMethod({
    providerId: descriptor.id,
    methodId: 'api-key',
    label: KEY.label,
    hint: 'AI gateway for 250+ LLM providers',
    optionKey: flag.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase()),
    flagName: /** @type {`--${string}`} */ (flag),
    envVar: KEY.envVars[0],
    promptMessage: `Enter ${KEY.label}`,
    noteTitle: descriptor.label,
    noteMessage: [
      'Portkey routes to 250+ LLM providers through one API, with logs, fallbacks, caching and guardrails.',
      ...(KEY.helpUrl ? [`Get your API key at ${KEY.helpUrl}`] : []),
      'A gateway of your own that asks for no key takes any. Name it by --custom-base-url.',
    ].join('\n'),
    defaultModel: `${descriptor.id}/${descriptor.defaultModel.id}`,
    preserveExistingPrimary: true,
    applyConfig: (config) => merge('applyConfig', config),
    wizard: {
      choiceId: KEY.id, choiceLabel: KEY.label, groupId: descriptor.id, groupLabel: descriptor.label,
      groupHint: 'AI gateway with observability and routing (250+ providers)', methodId: 'api-key', onboardingScopes: ['text-inference', 'image-generation'],
    },
  });
  // OpenClaw hands the flags of its own `custom` provider on to every other, in a terminal too.
  const chosen = (/** @type {any} */ { config, opts }) => (
    merge('applyProviderConfig', config, { baseUrl: opts?.customBaseUrl?.trim() || undefined, model: opts?.customModelId?.trim() || undefined }));
  // OpenClaw asks the gateway nothing here: a base URL without `/v1` would be seen to be wrong by the first answer.
  return {
    ...method,
    /** @param {any} context */
    run: async (context) => {
      const config = chosen(context);
      const found = doubts(config);
      if (found.length) await context.prompter?.note(found.join('\n'), descriptor.label);
      return method.run({ ...context, config });
    },
    /** @param {any} context */
    runNonInteractive: async (context) => {
      const config = chosen(context);
      for (const found of doubts(config)) context.runtime?.error(found);
      return method.runNonInteractive?.({ ...context, config }) ?? null;
    },
  };
}
