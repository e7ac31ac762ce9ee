/** The plugin's entry: only registers. The component is loaded at its first use. */
import { definePluginEntry } from 'openclaw/plugin-sdk/plugin-entry';
import { descriptor } from '../component/descriptor.js';
import { mediaProvider, speechProvider } from './audio.js';
import { ofAgent, streamFn } from './chat.js';
import { embeddingProvider } from './embeddings.js';
import { classifyFailoverReason, matchesContextOverflowError } from './errors.js';
import { imageProvider } from './images.js';
import {
  isCacheTtlEligible, normalizeResolvedModel, resolveDynamicModel, resolveThinkingProfile, runCatalog, runStaticCatalog,
  toRows,
} from './models.js';
import { apiKeyMethod } from './onboarding.js';
import { buildReplayPolicy } from './replay.js';

const KEY = descriptor.credentials[0];

export default definePluginEntry({
  id: descriptor.id,
  name: descriptor.label,
  description: 'Portkey AI gateway: chat, images, speech, transcripts and vectors',
  register(api) {
    api.registerProvider({
      id: descriptor.id,
      label: descriptor.label,
      docsPath: descriptor.docsUrl,
      envVars: [...KEY.envVars],
      auth: [apiKeyMethod()],
      catalog: { order: 'simple', run: (/** @type {any} */ context) => runCatalog(context, api.logger) },
      staticCatalog: { order: 'simple', run: runStaticCatalog },
      resolveDynamicModel,
      normalizeResolvedModel: (/** @type {{ config?: any, model: any }} */ context) => normalizeResolvedModel(context),
      isCacheTtlEligible,
      resolveThinkingProfile: (/** @type {any} */ context) => resolveThinkingProfile(context),
      createStreamFn: (/** @type {{ config?: any }} */ { config }) => streamFn(config),
      wrapStreamFn: ofAgent,
      supportsSystemPromptCacheBoundary: true,
      buildReplayPolicy,
      classifyFailoverReason,
      matchesContextOverflowError,
      buildMissingAuthMessage: () => `${KEY.label} missing. Set ${KEY.envVars[0]}, or run: openclaw onboard --auth-choice ${KEY.id}`,
      buildUnknownModelHint: () => `Portkey's model ids have the form @provider/model, such as ${descriptor.defaultModel.id}.`,
    });
    api.registerModelCatalogProvider({
      provider: descriptor.id,
      kinds: ['text'],
      liveCatalog: async (/** @type {any} */ context) => toRows(await runCatalog(context, api.logger), 'live'),
      staticCatalog: async () => toRows(await runStaticCatalog(), 'static'),
    });
    const modelAuth = () => /** @type {any} */ (api.runtime.modelAuth);
    api.registerImageGenerationProvider(imageProvider(modelAuth));
    api.registerEmbeddingProvider(embeddingProvider(modelAuth));
    api.registerSpeechProvider(speechProvider(modelAuth));
    api.registerMediaUnderstandingProvider(mediaProvider(modelAuth));
  },
});
