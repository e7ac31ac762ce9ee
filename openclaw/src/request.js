/** Builds the request for the component from the body that OpenClaw's own builder writes. */
import { transport } from './host.js';
import { configuredModel, traitsIn } from './models.js';
import { takeReasoning } from './replay.js';

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Context} Context */
/** @typedef {import('./openclaw.js').StreamOptions} StreamOptions */
/** @typedef {import('./component.js').Provider} Provider */
/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Connection} Connection */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').Request} Request */

/** Takes the cache markers out of a body. @param {Record<string, any>} body */
function unmark({ tools = [], messages }) {
  const parts = messages.flatMap((/** @type {any} */ { content }) => (Array.isArray(content) ? content : []));
  for (const marked of [...tools, ...parts]) delete marked.cache_control;
}

/**
 * Where the builder cuts the system text, it takes the line break away: a model that gets one text would read on in the same
 * line.
 * @param {Record<string, any>} body
 */
function keepLineBreaks({ messages: [first] }) {
  const isSystem = first?.role === 'system' || first?.role === 'developer';
  if (isSystem && Array.isArray(first.content)) for (const part of first.content.slice(0, -1)) part.text += '\n';
}

/**
 * Whether the markers in the body are OpenClaw's because of what we said of the model. They are the component's to set, then:
 * it knows which models may answer, and where the gateway keeps a marker.
 * @param {Model} model
 * @param {Record<string, any> | undefined} config OpenClaw's
 */
const hasOurMarkers = (model, config) =>
  traitsIn(model.id, config).promptCache === 'markers' && !configuredModel(config, model.id).compat?.cacheControlFormat;

/**
 * OpenClaw's builder writes the body, the component makes it fit for the gateway and the model, and OpenClaw's payload hooks
 * see and change all of that: what they leave is sent.
 * @param {Provider['chat']} chat
 * @param {Connection} connection
 * @param {{ model: Model, context: Context, options: StreamOptions, config?: Record<string, any> }} from
 * @returns {Promise<Request>}
 */
export async function toRequest(chat, connection, { model, context, options, config }) {
  const { buildOpenAICompletionsParams } = await transport();
  const { messages, putInto } = takeReasoning(model, context.messages);
  const reasoning = options.reasoning ?? 'off'; // the builder would take none for `high`
  const body = buildOpenAICompletionsParams(model, { ...context, messages }, { ...options, reasoning });
  putInto(body);
  keepLineBreaks(body);
  if (hasOurMarkers(model, config)) unmark(body);
  /** @type {Request} */
  const request = { ask: { tag: 'openai-json', val: JSON.stringify(body) }, promptCache: options.cacheRetention };
  // the component asks for usage, which a few servers refuse
  const wantsUsage = configuredModel(config, model.id).compat?.supportsUsageInStreaming !== false;
  if (!options.onPayload && wantsUsage) return request;
  const payload = JSON.parse(chat.body(connection, request));
  if (!wantsUsage) delete payload.stream_options;
  const { input, store } = payload;
  const finished = /** @type {any} */ ((await options.onPayload?.(payload, model)) ?? payload);
  // OpenClaw takes this out of each chat; in the Responses API, its absence keeps the conversation at the model provider
  if (input && store !== undefined) finished.store ??= store;
  return { ask: { tag: 'finished-json', val: JSON.stringify(finished) }, promptCache: undefined };
}
