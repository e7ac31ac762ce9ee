/** Vectors, as OpenClaw's embedding provider: for memory search. */
import { descriptor, offers } from '../component/descriptor.js';
import { call, ownId, within } from './call.js';
import { baseUrlOf } from './config.js';

/** @typedef {import('./call.js').ModelAuth} ModelAuth */

/**
 * @typedef {object} Options OpenClaw's
 * @property {any} config
 * @property {string} [agentDir]
 * @property {string} model
 * @property {number} [dimensions]
 * @property {string} [inputType]
 * @property {string} [queryInputType]
 * @property {string} [documentInputType]
 * @property {{ baseUrl?: string, apiKey?: unknown, headers?: Record<string, string> }} [remote]
 */

/** @typedef {string | { text: string }} Input */

/** For one batch: OpenClaw gives up earlier where its user said so. */
const TIMEOUT_MS = 120_000;

/** @param {Input} input */
const textOf = (input) => (typeof input === 'string' ? input : input.text);

/** @param {Options} options */
const modelOf = ({ model }) => ownId(model) ?? offers.embeddingModel;

/** What vectors depend on: those of one identity can be compared. @param {Options} options */
const identityOf = (options) => {
  const { dimensions, inputType, queryInputType, documentInputType, remote, config } = options;
  const baseUrl = remote?.baseUrl?.trim() || baseUrlOf(config);
  return {
    model: modelOf(options),
    cacheKeyData: { provider: descriptor.id, baseUrl, model: modelOf(options), dimensions, inputType, queryInputType, documentInputType },
  };
};

/** @param {() => ModelAuth} modelAuth @returns {any} OpenClaw's EmbeddingProviderAdapter */
export const embeddingProvider = (modelAuth) => ({
  id: descriptor.id,
  defaultModel: offers.embeddingModel,
  transport: 'remote',
  authProviderId: descriptor.id,
  normalizeModel: modelOf,
  resolveIndexIdentity: identityOf,
  /** @param {Options} options */
  async create(options) {
    const { model, cacheKeyData } = identityOf(options);
    const { config: cfg, agentDir, dimensions, remote } = options;
    /** @param {Input[]} inputs @param {{ signal?: AbortSignal, inputType?: string }} [given] @returns {Promise<number[][]>} */
    const embedBatch = async (inputs, { signal, inputType } = {}) => {
      if (!inputs.length) return [];
      // some models tell questions and documents apart
      const kind = (inputType === 'query' ? options.queryInputType : options.documentInputType) ?? options.inputType;
      const request = { model, texts: inputs.map(textOf), dimensions, extraJson: kind && JSON.stringify({ input_type: kind }) };
      const { vectors } = await call(modelAuth(), { cfg, agentDir }, within(TIMEOUT_MS, signal),
        ({ embeddings }, connection) => embeddings.embed(connection, request), remote);
      return vectors.map((vector) => Array.from(vector));
    };
    return {
      provider: {
        id: descriptor.id, model, dimensions, embedBatch,
        /** @param {Input} input @param {object} [given] */
        embed: async (input, given) => (await embedBatch([input], given))[0],
      },
      runtime: { id: descriptor.id, cacheKeyData },
    };
  },
});
