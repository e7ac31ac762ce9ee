/** Speech, as OpenClaw's speech provider, and transcripts, as its media understanding provider. */
import { isProviderAuthProfileConfigured } from 'openclaw/plugin-sdk/provider-auth';
import { descriptor, offers } from '../component/descriptor.js';
import { call, isOwnPlace, ownId, within } from './call.js';
import { configError } from './origin.js';

/** @typedef {import('./call.js').ModelAuth} ModelAuth */
/** @typedef {Record<string, any>} Json */

/**
 * @typedef {object} SpeechRequest OpenClaw's
 * @property {string} text
 * @property {any} cfg
 * @property {Json} providerConfig
 * @property {Json} [providerOverrides]
 * @property {'audio-file' | 'voice-note' | 'telephony'} target
 * @property {number} [timeoutMs]
 */

/**
 * @typedef {object} Recording OpenClaw's
 * @property {Buffer} buffer
 * @property {string} [mime]
 * @property {string} [model]
 * @property {string} [language]
 * @property {string} [prompt]
 * @property {number} timeoutMs
 * @property {AbortSignal} [signal]
 * @property {string} [baseUrl] the provider's own, or one of `tools.media`
 * @property {any} cfg
 * @property {string} [agentDir]
 * @property {string} [profile]
 * @property {string} [preferredProfile]
 */

const TIMEOUT_MS = 120_000;

/** Chats play voice notes in this alone. */
const OF_VOICE_NOTES = 'opus';

/** What the component refuses before it sends anything. */
const UNSENT = ['missing-credential', 'invalid-config'];

/** How files of a format end: a path is none. @param {string} format */
const endingOf = (format) => {
  if (/^[a-z0-9]{1,16}$/i.test(format)) return `.${format}`;
  throw configError('tts.providers.portkey.responseFormat is no format of speech', 'Write it as mp3, opus, wav or what else the model offers');
};

/** The first text of these. @param {...unknown} texts @returns {string | undefined} */
const first = (...texts) => /** @type {string | undefined} */ (texts.find((text) => typeof text === 'string' && text.trim()));

/** @param {Json} [config] `tts` of the configuration @returns {Json} what stands there for this provider */
const own = (config) => config?.providers?.[descriptor.id] ?? config?.[descriptor.id] ?? {};

/** @param {SpeechRequest} request */
function wantedOf({ text, target, providerConfig = {}, providerOverrides = {} }) {
  const { speed = providerConfig.speed } = providerOverrides;
  return {
    model: ownId(first(providerOverrides.model, providerOverrides.modelId, providerConfig.model, providerConfig.modelId)),
    text,
    voice: first(providerOverrides.voice, providerOverrides.voiceId, providerConfig.speakerVoice, providerConfig.voice, providerConfig.voiceId),
    format: first(providerConfig.responseFormat) ?? (target === 'voice-note' ? OF_VOICE_NOTES : offers.audio.format),
    instructions: first(providerOverrides.instructions, providerConfig.instructions),
    extraJson: typeof speed === 'number' ? JSON.stringify({ speed }) : undefined,
  };
}

/** @param {() => ModelAuth} modelAuth @returns {any} OpenClaw's SpeechProviderPlugin */
export const speechProvider = (modelAuth) => ({
  id: descriptor.id,
  label: descriptor.label,
  defaultTimeoutMs: TIMEOUT_MS,
  defaultModel: offers.audio.speechModel,
  models: [offers.audio.speechModel],
  voices: [offers.audio.voice],
  /** @param {{ rawConfig?: Json }} context */
  resolveConfig: ({ rawConfig }) => own(rawConfig),
  /** @param {{ baseTtsConfig?: Json, talkProviderConfig?: Json }} context */
  resolveTalkConfig: ({ baseTtsConfig, talkProviderConfig }) => ({ ...own(baseTtsConfig), ...talkProviderConfig }),
  /** @param {{ params: Json }} context */
  resolveTalkOverrides: ({ params: { voiceId, voice, modelId, model, speed } }) => ({
    ...(first(voiceId, voice) && { voice: first(voiceId, voice) }), ...(first(modelId, model) && { model: first(modelId, model) }),
    ...(typeof speed === 'number' && { speed }),
  }),
  listVoices: async () => [{ id: offers.audio.voice, name: offers.audio.voice }],
  /**
   * Whether there is a key: this feature's own, the provider's, or one in OpenClaw's store. OpenClaw does not say here which agent
   * asks, and without one `isProviderApiKeyConfigured` looks into no store.
   * @param {{ cfg?: any, providerConfig?: Json }} context
   */
  isConfigured: ({ cfg, providerConfig }) => Boolean(providerConfig?.apiKey)
    || modelAuth().isProviderApiKeyConfigured({ provider: descriptor.id, cfg })
    || isProviderAuthProfileConfigured({ provider: descriptor.id, cfg }),
  /** @param {SpeechRequest} request */
  async synthesize(request) {
    const wanted = wantedOf(request);
    const fileExtension = endingOf(wanted.format);
    const audioBuffer = await call(modelAuth(), request, AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS), async ({ audio }, connection) => {
      const speech = await audio.speak(connection, wanted);
      const pieces = [];
      for (let piece = await speech.next(); piece.length; piece = await speech.next()) pieces.push(piece);
      return Buffer.concat(pieces);
    }, { baseUrl: first(request.providerConfig?.baseUrl), apiKey: request.providerConfig?.apiKey });
    return { audioBuffer, outputFormat: wanted.format, fileExtension, voiceCompatible: wanted.format === OF_VOICE_NOTES };
  },
});

/** @param {() => ModelAuth} modelAuth @returns {any} OpenClaw's MediaUnderstandingProvider */
export const mediaProvider = (modelAuth) => ({
  id: descriptor.id,
  capabilities: ['image', 'audio'],
  defaultModels: { image: descriptor.defaultModel.id, audio: offers.audio.transcriptionModel },
  // OpenClaw describes images by a chat with the model, which is this provider's
  describeImage: undefined,
  describeImages: undefined,
  /** Gives an error where nothing was sent, so that OpenClaw may ask another provider; throws any other. @param {Recording} recording */
  async transcribeAudioWithContext({ buffer, mime, model, language, prompt, timeoutMs, signal, baseUrl, ...asked }) {
    if (!isOwnPlace(asked.cfg, baseUrl)) {
      const error = configError('Recordings go to the base URL of the provider alone, and tools.media names another: nothing was sent',
        'Take that baseUrl out, or set models.providers.portkey.baseUrl');
      return { ok: false, error };
    }
    const wanted = { model: ownId(model), audio: { mediaType: mime ?? '', data: buffer }, language, prompt };
    try {
      const { text } = await call(modelAuth(), asked, within(timeoutMs, signal),
        ({ audio }, connection) => audio.transcribe(connection, wanted));
      return { ok: true, value: { text, model: wanted.model ?? offers.audio.transcriptionModel } };
    } catch (error) {
      if (UNSENT.includes(/** @type {any} */ (error).type)) return { ok: false, error };
      throw error;
    }
  },
});
