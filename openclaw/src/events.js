/** The component's events, as OpenClaw's: a message that grows, and what is said of it. */
import { randomUUID } from 'node:crypto';
import { refusalOf, toError } from './errors.js';
import { costOf } from './prices.js';

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').AssistantMessage} AssistantMessage */
/** @typedef {import('./openclaw.js').AssistantMessageEvent} AssistantMessageEvent */
/** @typedef {import('./openclaw.js').ToolCall} ToolCall */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').Event} WitEvent */
/** @typedef {import('../component/interfaces/openclaw-provider-chat.js').FinishReason} FinishReason */

/** @param {Model} model @returns {AssistantMessage} */
function emptyMessage({ api, provider: name, id }) {
  return {
    role: 'assistant', content: [], api, provider: name, model: id, stopReason: 'stop', timestamp: Date.now(),
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
  };
}

/** More digits than any number has. */
const LONG_NUMBER = /(?<!\d)\d{400}/;

/** JSON without its texts. @param {string} json */
function withoutTexts(json) {
  let [outside, from] = ['', 0];
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', from)) {
    outside += json.slice(from, at);
    for (at += 1; at < json.length && json[at] !== '"'; at += 1) if (json[at] === '\\') at += 1;
    from = at + 1;
  }
  return outside + json.slice(from);
}

/** @param {string} text */
const isJson = (text) => {
  try {
    return JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
};

/**
 * Marks a text as the answer, or as something that the model says before it, which OpenClaw shows as progress. In the form of
 * OpenClaw's own clients.
 * @param {number} at @param {'commentary' | 'final_answer'} phase
 */
const signatureOf = (at, phase) => JSON.stringify({ v: 1, id: `${phase.replace('_', '-')}-${at}-${randomUUID()}`, phase });

/**
 * OpenClaw's messages hold no images, and its own client drops them silently.
 * @param {import('../component/interfaces/openclaw-provider-types.js').MediaSource} image
 */
function imageNote({ tag, val }) {
  if (tag === 'url') return `\n![image](${val})\n`;
  return `\n(The model answered with an image, ${val.mediaType}, ${val.data.length} bytes, which OpenClaw cannot show in a `
    + 'chat. Use its image generation instead.)\n';
}

/** The component's events, as they come, to OpenClaw's. */
export class Translator {
  /** @type {number} index of the text or thinking block that is open, or -1 */ open = -1;
  /** @type {Map<number, { at: number, args: string }>} tool calls by the component's index */ calls = new Map();
  /** @type {FinishReason | undefined} */ reason;
  /** Whether there is a text that is not blank. */ hasText = false;
  /** How many blocks were looked at for what is said before the answer, and how many texts are among them. */ seen = { blocks: 0, texts: 0 };
  /** The model that answers, by the reply. */ answered = '';
  /** @type {unknown[]} */ guardrails = [];
  /** @type {unknown[]} parts that OpenClaw has no place for: citations, results of a provider's own tools */ others = [];

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
        this.answered = event.val.model;
        if (event.val.id) message.responseId = event.val.id;
        if (this.answered && this.answered !== message.model) message.responseModel = this.answered;
        break;
      case 'text':
      case 'refusal': this.text(event.val); break;
      case 'image': this.text(imageNote(event.val)); break;
      case 'other': this.others.push(JSON.parse(event.val)); break;
      case 'thinking': {
        const block = this.block('thinking', () => ({ type: 'thinking', thinking: '' }));
        block.thinking += event.val.text;
        // after a thought behind a text only the end tells which text is the answer: OpenClaw shows none until then
        if (event.val.text && this.hasText) message.openclawDelivery ??= { textPhaseRequiresTerminal: true };
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

  /** @param {string} delta */
  text(delta) {
    const block = this.block('text', () => ({ type: 'text', text: '' }));
    block.text += delta;
    this.hasText ||= delta.trim() !== '';
    this.push({ type: 'text_delta', contentIndex: this.open, delta });
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
      this.comment();
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
  usage({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens }) {
    const cacheRead = Number(cacheReadTokens ?? 0n);
    const cacheWrite = Number(cacheWriteTokens ?? 0n);
    const input = Math.max(0, Number(inputTokens) - cacheRead - cacheWrite);
    const output = Number(outputTokens);
    const tokens = {
      input, output, cacheRead, cacheWrite, ...(reasoningTokens !== undefined && { reasoningTokens: Number(reasoningTokens) }),
      totalTokens: input + output + cacheRead + cacheWrite,
    };
    this.message.usage = { ...tokens, cost: costOf(tokens, this.model.cost) };
  }

  /** The texts that are not blank. */
  texts(content = this.message.content) { return content.flatMap((block) => (block.type === 'text' && block.text.trim() ? [block] : [])); }

  /** Marks the texts so far as said before the answer, which a model may call tools in the middle of as often as it likes. */
  comment() {
    for (const text of this.texts(this.message.content.slice(this.seen.blocks))) {
      const at = this.seen.texts++;
      text.textSignature ??= signatureOf(at, 'commentary');
    }
    this.seen.blocks = this.message.content.length;
  }

  /** Of a message that ends in an answer: what stands before the last thoughts that a text follows is said before the answer. */
  answer() {
    const { content } = this.message;
    const texts = this.texts();
    const last = content.findLastIndex((block) => block === texts.at(-1));
    const thought = content.findLastIndex((block, at) => block.type === 'thinking' && block.thinking && at < last);
    const before = this.texts(content.slice(0, Math.max(thought, 0))).length;
    texts.forEach((text, at) => {
      delete text.textSignature;
      if (before) text.textSignature = signatureOf(at, at < before ? 'commentary' : 'final_answer');
    });
  }

  /**
   * After the last event.
   * @param {import('../component/interfaces/openclaw-provider-types.js').GatewayReport} report
   * @param {import('./host.js').Transport['parseTerminalToolCallArguments']} toArguments
   */
  done(report, toArguments) {
    const { message, reason, calls } = this;
    this.close();
    const stopped = reason?.tag ?? 'stop';
    if (stopped === 'content-filter') throw { kind: 'content-blocked', message: 'A content filter cut the answer' };
    if (reason?.tag === 'other') throw new Error(`The model stopped for an unknown reason: ${reason.val}`);
    if (stopped === 'tool-calls' && !calls.size) throw { kind: 'protocol', message: 'The model called a tool in a form that OpenClaw does not know' };
    for (const { at, args } of calls.values()) {
      const block = /** @type {ToolCall} */ (message.content[at]);
      if (stopped === 'length') continue;
      // some models write nothing, or `null`, for no arguments
      const json = args.trim().replace(/^(null)?$/, '{}');
      // Where it is no JSON, OpenClaw 2026.9.6 reads such a number again from each of its digits.
      if (LONG_NUMBER.test(json) && LONG_NUMBER.test(withoutTexts(json)) && !isJson(json)) throw new Error(`The model wrote a tool call whose arguments are no JSON object: ${block.name}`);
      block.arguments = toArguments(json, `The model wrote a tool call whose arguments are no JSON object: ${block.name}`, { repairStringLiterals: true });
      this.push({ type: 'toolcall_end', contentIndex: at, toolCall: block, partial: message });
    }
    // a call that was cut off is no call
    if (stopped === 'length') message.content = message.content.filter((block) => block.type !== 'toolCall');
    message.stopReason = stopped === 'length' ? 'length' : calls.size ? 'toolUse' : 'stop';
    if (message.stopReason === 'toolUse') this.comment();
    else this.answer();
    const details = {
      ...Object.fromEntries(Object.entries(report).filter(([, value]) => value !== undefined)),
      ...(this.guardrails.length && { guardrails: this.guardrails }),
      ...(this.others.length && { parts: this.others }),
    };
    if (Object.keys(details).length) message.diagnostics = [{ type: 'portkey', timestamp: Date.now(), details }];
    this.push({ type: 'done', reason: message.stopReason, message });
  }

  /** @param {unknown} thrown @param {boolean} aborted */
  fail(thrown, aborted) {
    const { message } = this;
    const error = toError(thrown);
    this.close();
    if (message.openclawDelivery) this.comment();
    // of an answer that failed nothing is kept: OpenClaw takes any text for a success (`infer model run`)
    message.content = aborted ? message.content.filter((block) => block.type !== 'toolCall') : [];
    message.stopReason = aborted ? 'aborted' : 'error';
    // Words of a gateway or a model may be in it.
    message.errorMessage = aborted ? 'Request was aborted' : error.message.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
    message.errorType = error.type;
    message.errorCode = error.errorCode ?? error.code;
    const category = aborted ? undefined : refusalOf(error);
    if (category) message.diagnostics = [{ type: 'provider_refusal', timestamp: Date.now(), details: { provider: message.provider, category } }];
    this.push({ type: 'error', reason: message.stopReason, error: message });
  }
}
