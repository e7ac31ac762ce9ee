/** Onboarding: OpenClaw finds and keeps the key, the component merges the configuration. */
import { createProviderApiKeyAuthMethod } from 'openclaw/plugin-sdk/provider-auth';
import { descriptor } from '../component/descriptor.js';
import { doubts, merge } from './config.js';

const KEY = descriptor.credentials[0];

/** OpenClaw's own way to ask for a key, with the gateway and the model that flags name. @param {import('./config.js').Choices} choices */
function method(choices) {
  const flag = KEY.cliFlag ?? `--${KEY.id}`;
  return createProviderApiKeyAuthMethod({
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
    defaultModel: `${descriptor.id}/${choices.model ?? descriptor.defaultModel.id}`,
    preserveExistingPrimary: true,
    applyConfig: (config) => merge('applyConfig', config, choices),
    wizard: {
      choiceId: KEY.id, choiceLabel: KEY.label, groupId: descriptor.id, groupLabel: descriptor.label,
      groupHint: 'AI gateway with observability and routing (250+ providers)', methodId: 'api-key', onboardingScopes: ['text-inference', 'image-generation'],
    },
  });
}

/** @returns {any} OpenClaw's ProviderAuthMethod */
export function apiKeyMethod() {
  // OpenClaw hands the flags of its own `custom` provider on to every other, in a terminal too.
  const chosen = (/** @type {any} */ { config, opts }) => {
    const [baseUrl, id] = [opts?.customBaseUrl, opts?.customModelId].map((given) => given?.trim() || undefined);
    const choices = { baseUrl, model: id?.replace(/^portkey\//, '') };
    // OpenClaw asks the gateway nothing here: a base URL without `/v1` would be seen to be wrong by the first answer.
    return { own: method(choices), found: doubts(merge('applyProviderConfig', config, choices)) };
  };
  return {
    ...method({}),
    /** @param {any} context */
    run: async (context) => {
      const { own, found } = chosen(context);
      if (found.length) await context.prompter?.note(found.join('\n'), descriptor.label);
      return own.run(context);
    },
    /** @param {any} context */
    runNonInteractive: async (context) => {
      const { own, found } = chosen(context);
      for (const doubt of found) context.runtime?.error(doubt);
      return own.runNonInteractive?.(context) ?? null;
    },
  };
}
