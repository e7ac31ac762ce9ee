/** Chat: OpenClaw's StreamFn, a call of the component with a stream of events. `events.js` has what is in these. */
import { attributed } from './attribution.js';
import { use } from './component.js';
import { connect, pluginOptions, providerConfig } from './config.js';
import { toError } from './errors.js';
import { Translator } from './events.js';
import { pseudoModel, transport } from './host.js';
import { configuredModel } from './models.js';
import { costOf, isSet, priceOfReply } from './prices.js';
import { refuseSignatures } from './replay.js';
import { toRequest } from './request.js';

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Context} Context */
/** @typedef {import('./openclaw.js').AssistantMessage} AssistantMessage */
/** @typedef {import('./openclaw.js').AssistantMessageEvent} AssistantMessageEvent */
/** @typedef {import('./openclaw.js').StreamOptions} StreamOptions */

/**
 * OpenClaw's event stream: events can be read as they come, and the message at the end. An iterator by hand: a generator waits three
 * times for each event.
 * @implements {AsyncIterableIterator<AssistantMessageEvent>}
 */
class Reply {
  /** @type {AssistantMessageEvent[]} */ queue = [];
  /** How many of the queue were read. */ read = 0;
  ended = false;
  /** @type {((result: IteratorResult<AssistantMessageEvent, undefined>) => void)[]} */ waiting = [];
  /** @type {PromiseWithResolvers<AssistantMessage>} */ final = Promise.withResolvers();

  /** @param {AssistantMessageEvent} event */
  push(event) {
    if (this.ended) return;
    const wake = this.waiting.shift();
    if (wake) wake({ value: event, done: false });
    else this.queue.push(event);
    if (event.type === 'done' || event.type === 'error') {
      this.ended = true;
      this.final.resolve(event.type === 'done' ? event.message : event.error);
      for (const end of this.waiting) end({ value: undefined, done: true });
    }
  }

  result() { return this.final.promise; }

  /** @returns {Promise<IteratorResult<AssistantMessageEvent, undefined>>} */
  next() {
    if (this.read < this.queue.length) {
      const value = this.queue[this.read++];
      if (this.read === this.queue.length) {
        this.queue = [];
        this.read = 0;
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => { this.waiting.push(resolve); });
  }

  [Symbol.asyncIterator]() { return this; }
}

/**
 * Ends the request when OpenClaw aborts, and when the head of the answer is there and no first event comes in time.
 * @param {StreamOptions} options
 */
export function deadline({ signal, firstEventTimeoutMs, onFirstEventTimeout }) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  /** @type {NodeJS.Timeout | undefined} */ let timer;
  let isOver = false;
  const onLate = () => {
    const error = new Error(`No first event of the answer within ${firstEventTimeoutMs} ms (first-event timeout)`);
    onFirstEventTimeout?.(error);
    controller.abort(error);
  };
  return {
    signal: controller.signal,
    /** @param {unknown} reason */
    end: (reason) => controller.abort(reason),
    answered() {
      clearTimeout(timer);
      if (firstEventTimeoutMs && !isOver && !controller.signal.aborted) timer = setTimeout(onLate, firstEventTimeoutMs);
    },
    started: () => clearTimeout(timer),
    release() {
      isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

/**
 * Calls that know the agent they are made for: OpenClaw tells it where streams are wrapped, and not where they are made.
 * @param {{ streamFn?: any, agentId?: string }} context
 */
export const ofAgent = ({ streamFn: inner, agentId }) => inner && agentId
  && ((/** @type {any} */ model, /** @type {any} */ context, /** @type {StreamOptions} */ options) => inner(model, context, { ...options, agentId }));

/**
 * Tells of each piece of an answer that says something of the model: comments and blank lines only keep a connection open. A piece
 * ends anywhere, so most of those of a large event have no `data:`.
 * @param {() => void} tell
 */
function heard(tell) {
  let begun = ''; // the first character of a line that is not at its end yet
  return (/** @type {Uint8Array} */ { buffer, byteOffset, length }) => {
    const text = begun + Buffer.from(buffer, byteOffset, length).toString('latin1');
    if (/^(?!:).*\S/m.test(text)) tell();
    begun = text.charAt(Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1);
  };
}

/**
 * The headers of a model. Where OpenClaw has no key for a server on this machine, it makes `Authorization` null: to a gateway that is the
 * model provider's key, and stays as the user wrote it.
 * @param {Model} model @param {any} config @param {any} written of the model
 */
function headersOf(model, config, written) {
  const own = { ...pseudoModel(providerConfig(config), '').headers, ...written.headers };
  const headers = Object.entries(model.headers ?? {}).map(([name, value]) => [name, value ?? own[name]]);
  return Object.fromEntries(headers.filter(([, value]) => typeof value === 'string'));
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
      const { buildGuardedModelFetch, notifyProviderHttpResponse, parseTerminalToolCallArguments, notifyLlmRequestActivity } = await transport();
      const arrived = heard(() => notifyLlmRequestActivity(options.signal));
      const written = configuredModel(config, model.id);
      const { connection: plain, ...egress } = connect({
        config, apiKey: options.apiKey, headers: headersOf(model, config, written), extra: options.headers, baseUrl: model.baseUrl,
        models: [{ id: model.id, compat: written.compat }],
      });
      const hidden = [...egress.filled, ...egress.attached.map(([name]) => ({ name }))].map(({ name }) => name.toLowerCase());
      const isOff = pluginOptions(config).attribution === false;
      const connection = isOff ? plain : { ...plain, headers: attributed(plain.headers, hidden, options) };
      const guarded = buildGuardedModelFetch(model, options.timeoutMs, { sanitizeSse: false });
      /** @type {import('./wasi-http.js').Egress['fetch']} */
      const fetch = async (url, init) => {
        const response = await guarded(url, init);
        limit.answered();
        try {
          await notifyProviderHttpResponse({ options, response, model, signal: limit.signal });
        } catch (error) {
          limit.end(error); // lets the answer go, and is what is reported
          throw error;
        }
        return response;
      };
      await use({ ...egress, fetch, arrived, signal: limit.signal }, async ({ chat }) => {
        const stream = await chat.stream(connection, await toRequest(chat, connection, { model, context, options, config }));
        reply.push({ type: 'start', partial: events.message });
        const report = stream.report();
        // the user's own price wins; one of the list's is that of the model that was asked, and another may answer
        const price = isSet(written.cost) ? undefined : priceOfReply(config, model);
        try {
          for (let batch = await stream.next(); batch.length; batch = await stream.next()) {
            limit.started();
            limit.signal.throwIfAborted(); // what came meanwhile nobody waits for
            batch.forEach((event) => events.take(event));
            if (events.answered) price?.ask(events.answered, report);
          }
          const { usage } = events.message;
          const rates = usage.totalTokens ? await price?.inTime() : undefined;
          if (rates) usage.cost = costOf(usage, rates);
        } finally {
          price?.end();
        }
        events.done(report, parseTerminalToolCallArguments);
      });
    };
    run().catch((thrown) => {
      if (toError(thrown).ofReasoning) refuseSignatures(model, context.messages);
      const { aborted, reason } = limit.signal;
      events.fail(aborted && !options.signal?.aborted ? reason : thrown, options.signal?.aborted === true);
    }).finally(limit.release);
    return reply;
  };
}
