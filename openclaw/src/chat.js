/** Chat: OpenClaw's conversation to the component's request, and the component's events to OpenClaw's. */
import { use } from './component.js';
import { connect } from './config.js';
import { toError } from './errors.js';
import { transport } from './host.js';

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Context} Context */
/** @typedef {import('./openclaw.js').Message} Message */
/** @typedef {import('./openclaw.js').AssistantMessage} AssistantMessage */
/** @typedef {import('./openclaw.js').AssistantMessageEvent} AssistantMessageEvent */
/** @typedef {import('./openclaw.js').StreamOptions} StreamOptions */
/** @typedef {import('./openclaw.js').ToolCall} ToolCall */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').Request} Request */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').Message} WitMessage */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').Event} WitEvent */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').FinishReason} FinishReason */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').UserPart} UserPart */

const DISPOSE = /** @type {typeof Symbol.dispose} */ (Symbol.dispose ?? Symbol.for('dispose'));

/** @param {import('./openclaw.js').ImageContent} image @returns {UserPart} */
const imagePart = ({ mimeType, data }) => ({ tag: 'image', val: { tag: 'inline', val: { mediaType: mimeType, data: Buffer.from(data, 'base64') } } });

/** @param {import('./openclaw.js').TextContent | import('./openclaw.js').ImageContent} part */
const userPart = (part) => (part.type === 'image' ? imagePart(part) : /** @type {UserPart} */ ({ tag: 'text', val: part.text }));

/** @param {AssistantMessage['content'][number]} part @returns {import('../component/interfaces/openclaw-provider-chat.js').AssistantPart} */
function assistantPart(part) {
  switch (part.type) {
    case 'text': return { tag: 'text', val: part.text };
    case 'thinking': return { tag: 'thinking', val: { text: part.thinking, signature: part.thinkingSignature } };
    case 'toolCall': return { tag: 'tool-call', val: { id: part.id, name: part.name, argumentsJson: JSON.stringify(part.arguments), signature: part.thoughtSignature } };
  }
}

/** @param {string | undefined} systemPrompt @param {Message[]} messages @returns {WitMessage[]} */
export function toWitMessages(systemPrompt, messages) {
  /** @type {WitMessage[]} */ const out = systemPrompt ? [{ tag: 'system', val: systemPrompt }] : [];
  /** @type {UserPart[]} images of tool results: they follow the results, in a message of the user's */ let shown = [];
  const showImages = () => {
    if (shown.length) out.push({ tag: 'user', val: shown });
    shown = [];
  };
  for (const message of messages) {
    if (message.role === 'toolResult') {
      const texts = message.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
      const images = message.content.filter((part) => part.type === 'image');
      out.push({ tag: 'tool-result', val: { callId: message.toolCallId, text: texts.join('\n') || (images.length ? '(see attached image)' : '(no output)') } });
      if (images.length) shown.push({ tag: 'text', val: `Image(s) from tool result (${message.toolName}):` }, ...images.map(imagePart));
      continue;
    }
    showImages();
    if (message.role === 'user') {
      const parts = typeof message.content === 'string' ? [/** @type {UserPart} */ ({ tag: 'text', val: message.content })] : message.content.map(userPart);
      if (parts.length) out.push({ tag: 'user', val: parts });
    } else {
      const parts = message.content.filter((part) => part.type !== 'text' || part.text.trim()).map(assistantPart);
      if (parts.length) out.push({ tag: 'assistant', val: parts });
    }
  }
  showImages();
  return out;
}

/** @param {any} choice as OpenAI writes it @returns {Request['toolChoice']} */
function toToolChoice(choice) {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { tag: choice };
  const name = choice?.function?.name ?? choice?.name;
  return name ? { tag: 'named', val: name } : undefined;
}

/** @param {Record<string, any> | undefined} format @returns {Request['responseFormat']} */
function toResponseFormat(format) {
  if (!format) return undefined;
  if (format.type === 'text') return { tag: 'text' };
  if (format.type === 'json_object') return { tag: 'json-object' };
  return { tag: 'json-schema', val: JSON.stringify(format.type === 'json_schema' && format.json_schema ? format.json_schema : { name: 'response', schema: format }) };
}

/** @param {Model} model @param {string | undefined} level OpenClaw's thinking level */
function toReasoningEffort(model, level) {
  if (!model.reasoning || level === undefined) return undefined;
  const mapped = model.thinkingLevelMap?.[level];
  if (mapped !== undefined) return mapped ?? undefined;
  return level === 'off' ? undefined : level;
}

/**
 * What OpenClaw's payload hooks add to the request body. The component writes the body, so they see its plain fields only.
 * @param {Model} model
 * @param {StreamOptions} options
 */
async function extraFields(model, options) {
  const fields = Object.entries({
    frequency_penalty: options.frequencyPenalty, presence_penalty: options.presencePenalty, prompt_cache_key: options.promptCacheKey,
  }).filter(([, value]) => value !== undefined);
  /** @type {Record<string, unknown>} */ const payload = { model: model.id, stream: true, messages: [], ...Object.fromEntries(fields) };
  const { model: _m, stream: _s, messages: _t, ...extra } = /** @type {typeof payload} */ (await options.onPayload?.(payload, model) ?? payload);
  return Object.keys(extra).length ? JSON.stringify(extra) : undefined;
}

/**
 * @param {Model} model
 * @param {Context} context
 * @param {StreamOptions} options
 * @param {Message[]} messages of the context, cleaned up
 * @returns {Promise<Request>}
 */
export async function toRequest(model, context, options, messages) {
  return {
    model: model.id,
    messages: toWitMessages(context.systemPrompt, messages),
    tools: (context.tools ?? []).map(({ name, description, parameters }) => ({ name, description, parametersSchemaJson: JSON.stringify(parameters), strict: undefined })),
    toolChoice: toToolChoice(options.toolChoice),
    parallelToolCalls: undefined,
    responseFormat: toResponseFormat(options.responseFormat),
    maxOutputTokens: options.maxTokens === undefined ? undefined : Math.max(1, Math.min(options.maxTokens, model.maxTokens || options.maxTokens)),
    temperature: options.temperature,
    topP: options.topP,
    stop: options.stop ?? [],
    seed: options.seed === undefined ? undefined : BigInt(options.seed),
    reasoningEffort: toReasoningEffort(model, options.reasoning),
    extraJson: await extraFields(model, options),
  };
}

/** @param {Model} model @returns {AssistantMessage} */
function emptyMessage({ api, provider: name, id }) {
  return {
    role: 'assistant', content: [], api, provider: name, model: id, stopReason: 'stop', timestamp: Date.now(),
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
  };
}

/** @param {string} json of a tool call, as the model wrote it: some write nothing, or `null`, for no arguments */
function toArguments(json) {
  try {
    const value = JSON.parse(json.trim() || '{}') ?? {};
    return typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The component's events, as they come, to OpenClaw's. */
export class Translator {
  /** @type {number} index of the text or thinking block that is open, or -1 */ open = -1;
  /** @type {Map<number, { at: number, args: string }>} tool calls by the component's index */ calls = new Map();
  /** @type {FinishReason | undefined} */ reason;
  /** @type {unknown[]} */ guardrails = [];

  /** @param {Model} model @param {(event: AssistantMessageEvent) => void} push */
  constructor(model, push) {
    this.model = model;
    this.message = emptyMessage(model);
    this.push = push;
  }

  /** @param {WitEvent} event */
  take(event) {
    const { message, push } = this;
    switch (event.tag) {
      case 'start':
        message.responseId = event.val.id;
        message.responseModel = event.val.model;
        break;
      case 'text': {
        const block = this.block('text', () => ({ type: 'text', text: '' }));
        block.text += event.val;
        push({ type: 'text_delta', contentIndex: this.open, delta: event.val });
        break;
      }
      case 'thinking': {
        const block = this.block('thinking', () => ({ type: 'thinking', thinking: '' }));
        block.thinking += event.val.text;
        if (event.val.text) push({ type: 'thinking_delta', contentIndex: this.open, delta: event.val.text, partial: message });
        if (event.val.signature) {
          block.thinkingSignature = event.val.signature;
          this.close();
        }
        break;
      }
      case 'tool-call': this.toolCall(event.val); break;
      case 'finish': this.reason = event.val; break;
      case 'usage': this.usage(event.val); break;
      case 'guardrails-json': this.guardrails.push(JSON.parse(event.val)); break;
    }
  }

  /**
   * The open block of this type, or a new one.
   * @template {'text' | 'thinking'} T
   * @param {T} type
   * @param {() => Extract<AssistantMessage['content'][number], { type: T }>} make
   * @returns {Extract<AssistantMessage['content'][number], { type: T }>}
   */
  block(type, make) {
    const current = this.message.content[this.open];
    if (current?.type === type) return /** @type {any} */ (current);
    this.close();
    const block = make();
    this.open = this.message.content.push(block) - 1;
    this.push({ type: `${type}_start`, contentIndex: this.open, partial: this.message });
    return block;
  }

  /** Ends the open text or thinking block. */
  close() {
    const block = this.message.content[this.open];
    const at = this.open;
    this.open = -1;
    if (block?.type === 'text') this.push({ type: 'text_end', contentIndex: at, content: block.text, partial: this.message });
    if (block?.type === 'thinking') this.push({ type: 'thinking_end', contentIndex: at, content: block.thinking, partial: this.message });
  }

  /** @param {import('../component/interfaces/openclaw-provider-chat.js').ToolCallDelta} delta */
  toolCall({ index, id, name, argumentsFragment, signature }) {
    const { message, push } = this;
    let call = this.calls.get(index);
    if (!call) {
      this.close();
      call = { at: message.content.push({ type: 'toolCall', id: '', name: '', arguments: {} }) - 1, args: '' };
      this.calls.set(index, call);
    }
    const block = /** @type {ToolCall} */ (message.content[call.at]);
    const isNew = !block.id && !block.name;
    if (id) block.id = id;
    if (name) block.name = name;
    if (signature) block.thoughtSignature = signature;
    call.args += argumentsFragment;
    if (isNew) push({ type: 'toolcall_start', contentIndex: call.at, partial: message });
    if (argumentsFragment) push({ type: 'toolcall_delta', contentIndex: call.at, delta: argumentsFragment, partial: message });
  }

  /** @param {import('../component/interfaces/openclaw-provider-types.js').Usage} used */
  usage(used) {
    const cacheRead = Number(used.cacheReadTokens ?? 0n);
    const cacheWrite = Number(used.cacheWriteTokens ?? 0n);
    const input = Math.max(0, Number(used.inputTokens) - cacheRead - cacheWrite);
    const output = Number(used.outputTokens);
    const rates = this.model.cost ?? {};
    /** @param {number} tokens @param {number | undefined} rate dollars for a million */
    const price = (tokens, rate) => (tokens * (rate ?? 0)) / 1e6;
    const cost = { input: price(input, rates.input), output: price(output, rates.output), cacheRead: price(cacheRead, rates.cacheRead), cacheWrite: price(cacheWrite, rates.cacheWrite) };
    this.message.usage = {
      input, output, cacheRead, cacheWrite, totalTokens: input + output + cacheRead + cacheWrite,
      cost: { ...cost, total: cost.input + cost.output + cost.cacheRead + cost.cacheWrite },
    };
  }

  /** After the last event. @param {import('../component/interfaces/openclaw-provider-types.js').GatewayReport} report */
  done(report) {
    const { message, reason, calls } = this;
    this.close();
    const stopped = reason?.tag ?? 'stop';
    if (stopped === 'content-filter') throw new Error('A content filter cut the answer.');
    if (reason?.tag === 'other') throw new Error(`The model stopped for an unknown reason: ${reason.val}`);
    for (const { at, args } of calls.values()) {
      const block = /** @type {ToolCall} */ (message.content[at]);
      if (stopped === 'length') continue;
      block.arguments = toArguments(args);
      if (!block.arguments) throw new Error(`The model wrote a tool call whose arguments are no JSON object: ${block.name}`);
      this.push({ type: 'toolcall_end', contentIndex: at, toolCall: block, partial: message });
    }
    // a call that was cut off is no call
    if (stopped === 'length') message.content = message.content.filter((block) => block.type !== 'toolCall');
    message.stopReason = stopped === 'length' ? 'length' : calls.size ? 'toolUse' : 'stop';
    const details = { ...Object.fromEntries(Object.entries(report).filter(([, value]) => value !== undefined)), ...(this.guardrails.length && { guardrails: this.guardrails }) };
    if (Object.keys(details).length) message.diagnostics = [{ type: 'portkey', timestamp: Date.now(), details }];
    this.push({ type: 'done', reason: message.stopReason, message });
  }

  /** @param {unknown} thrown @param {boolean} aborted */
  fail(thrown, aborted) {
    const { message } = this;
    const error = toError(thrown);
    this.close();
    // of an answer that failed nothing is kept: OpenClaw takes any text for a success (`infer model run`)
    message.content = aborted ? message.content.filter((block) => block.type !== 'toolCall') : [];
    message.stopReason = aborted ? 'aborted' : 'error';
    message.errorMessage = aborted ? 'Request was aborted' : error.message;
    message.errorType = error.type;
    message.errorCode = error.code;
    this.push({ type: 'error', reason: message.stopReason, error: message });
  }
}

/** OpenClaw's event stream: events can be read as they come, and the message at the end. @implements {AsyncIterable<AssistantMessageEvent>} */
export class Reply {
  /** @type {AssistantMessageEvent[]} */ queue = [];
  ended = false;
  wake = () => {};
  /** @type {PromiseWithResolvers<AssistantMessage>} */ final = Promise.withResolvers();

  /** @param {AssistantMessageEvent} event */
  push(event) {
    if (this.ended) return;
    this.queue.push(event);
    if (event.type === 'done' || event.type === 'error') {
      this.ended = true;
      this.final.resolve(event.type === 'done' ? event.message : event.error);
    }
    this.wake();
  }

  result() { return this.final.promise; }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const batch = this.queue;
      this.queue = [];
      yield* batch;
      if (this.queue.length) continue;
      if (this.ended) return;
      await new Promise((/** @type {(value?: unknown) => void} */ resolve) => { this.wake = () => resolve(); });
    }
  }
}

/**
 * Ends the request when OpenClaw aborts, and when no first event comes in time.
 * @param {StreamOptions} options
 */
function deadline({ signal, firstEventTimeoutMs, onFirstEventTimeout }) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const timer = firstEventTimeoutMs ? setTimeout(() => {
    const error = new Error(`No first event of the answer within ${firstEventTimeoutMs} ms (first-event timeout)`);
    onFirstEventTimeout?.(error);
    controller.abort(error);
  }, firstEventTimeoutMs) : undefined;
  return {
    signal: controller.signal,
    /** @param {unknown} reason */
    end: (reason) => controller.abort(reason),
    started: () => clearTimeout(timer),
    release() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/**
 * @param {Record<string, any> | undefined} config OpenClaw's
 * @returns {(model: Model, context: Context, options?: StreamOptions) => Reply} OpenClaw's StreamFn
 */
export function streamFn(config) {
  return (model, context, options = {}) => {
    const reply = new Reply();
    const events = new Translator(model, (event) => reply.push(event));
    const limit = deadline(options);
    const run = async () => {
      const { buildGuardedModelFetch, transformTransportMessages } = await transport();
      const { connection, ...egress } = connect({ config, apiKey: options.apiKey, headers: model.headers ?? {}, extra: options.headers, baseUrl: model.baseUrl });
      const request = await toRequest(model, context, options, transformTransportMessages(context.messages, model));
      const guarded = buildGuardedModelFetch(model, options.timeoutMs, { sanitizeSse: false });
      /** @type {import('./wasi-http.js').Egress['fetch']} */
      const fetch = async (url, init) => {
        const response = await guarded(url, init);
        try {
          await options.onResponse?.({ status: response.status, headers: Object.fromEntries(response.headers) }, model);
        } catch (error) {
          limit.end(error); // lets the answer go, and is what is reported
          throw error;
        }
        return response;
      };
      await use({ ...egress, fetch, signal: limit.signal }, async ({ chat }) => {
        const stream = await chat.stream(connection, request);
        try {
          reply.push({ type: 'start', partial: events.message });
          for (let batch = await stream.next(); batch.length; batch = await stream.next()) {
            limit.started();
            batch.forEach((event) => events.take(event));
          }
          events.done(stream.report());
        } finally {
          /** @type {any} */ (stream)[DISPOSE]();
        }
      });
    };
    run().catch((thrown) => {
      const { aborted, reason } = limit.signal;
      events.fail(aborted && !options.signal?.aborted ? reason : thrown, options.signal?.aborted === true);
    }).finally(limit.release);
    return reply;
  };
}
