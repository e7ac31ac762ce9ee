/**
 * Carries the reasoning of past turns around OpenClaw's builder. The builder reads a signature as the name of the field that the
 * reasoning came in, drops reasoning without text, and reads a call's signature as JSON, so it would lose everything that the
 * component signs. The adapter takes reasoning out before the builder runs, and puts it into the builder's body afterwards, in
 * the form that the component reads. The component decides what goes back to which provider.
 */

import { createHash } from 'node:crypto';
import { modelBehind, traitsIn } from './models.js';

/** @typedef {import('./openclaw.js').Model} Model */
/** @typedef {import('./openclaw.js').Message} Message */
/** @typedef {import('./openclaw.js').AssistantMessage} AssistantMessage */
/** @typedef {AssistantMessage['content'][number]} Block */

/**
 * Marks an assistant message of the body with the number of its turn. The builder writes it there itself: as the field that
 * some reasoning came in. So a turn that it leaves out, or reduces to `role` and `content`, takes its mark along.
 */
const TURN = 'portkey_turn';

/**
 * Signatures that only name the field that unsigned reasoning came in, and the field that it goes back in. The last two are
 * OpenClaw's own client's, in a session that began with it. A map: a model signs as it likes, with `constructor` too.
 */
const FIELDS = new Map([
  ['reasoning_content', 'reasoning_content'],
  ['reasoning', 'reasoning'],
  ['reasoning_text', 'reasoning'],
  ['reasoning_details', 'reasoning'],
]);

/** Digests of signatures of calls that a model provider refused: a signature may be long. @type {Set<string>} */
const refused = new Set();

const digestOf = (/** @type {string} */ signature) => createHash('sha256').update(signature).digest('base64');

const isRefused = (/** @type {string} */ signature) => refused.size > 0 && refused.has(digestOf(signature));

/** Whether the model wrote the message: no other model gets its reasoning back. @param {Model} model @param {Message} message @returns {message is AssistantMessage} */
const isOf = (model, message) => message.role === 'assistant' && message.provider === model.provider && message.api === model.api
  && message.model === model.id && Array.isArray(message.content);

/**
 * Keeps the signatures that the model was sent with these messages' calls from going back: of a session whose reasoning is refused,
 * OpenClaw takes out the thinking alone.
 * @param {Model} model
 * @param {Message[]} messages
 */
export function refuseSignatures(model, messages) {
  if (refused.size > 1000) refused.clear();
  for (const message of messages) {
    if (isOf(model, message)) for (const block of message.content) if (block.type === 'toolCall' && block.thoughtSignature) refused.add(digestOf(block.thoughtSignature));
  }
}

/** @param {Block} block */
const isReplayed = (block) => block.type === 'thinking' || (block.type === 'toolCall' && Boolean(block.thoughtSignature));

/** @param {{ thinkingSignature?: string }} block */
const fieldOf = ({ thinkingSignature }) => FIELDS.get(thinkingSignature ?? '');

/** @param {Block} block */
const withoutSignature = (block) => (block.type === 'toolCall' ? { ...block, thoughtSignature: undefined } : block);

/** @param {Block} block @returns {object[]} */
function contentBlock(block) {
  switch (block.type) {
    case 'text':
      return block.text.trim() ? [{ type: 'text', text: block.text.toWellFormed() }] : [];
    case 'thinking':
      return [{ type: 'thinking', thinking: block.thinking, signature: block.thinkingSignature }];
    case 'toolCall':
      return [{ type: 'tool_call' }]; // its place: reasoning may follow it
  }
}

/** @param {Record<string, any>} message of the body @param {Block[]} content of its turn */
function putBack(message, content) {
  const thinking = content.filter((block) => block.type === 'thinking');
  const fields = thinking.map(fieldOf);
  if (fields.every(Boolean)) {
    const [field] = fields;
    if (field) message[field] = thinking.map((block) => block.thinking).join('\n');
  } else {
    message.content_blocks = content.flatMap(contentBlock);
  }
  content.filter((block) => block.type === 'toolCall').forEach(({ thoughtSignature: signature }, at) => {
    if (signature && !isRefused(signature) && message.tool_calls?.[at]) message.tool_calls[at].extra_content = { signature };
  });
}

/**
 * Families that want reasoning back which nobody signs, whatever a row says of their reasoning. Where signatures are kept, OpenClaw
 * would drop it from a session that it has made shorter.
 */
const UNSIGNED = ['deepseek', 'glm', 'kimi', 'mimo', 'minimax', 'qwen'];

/** Claude models that take their thinking back only behind the very messages that they thought about: OpenClaw's list. */
const BOUND = /claude-(opus-5-5|fable-5-1)(?=$|[^a-z0-9])/;

/** An id in one spelling, as OpenClaw reads it. @param {string} id */
const spelled = (id) => id.toLowerCase().replace(/[._\s]+/g, '-');

/**
 * OpenClaw's hook for what becomes of a session before it goes back: as it has it for this API, but that signed reasoning is the
 * provider's. Where the provider refuses it, OpenClaw asks again without it and takes it out of the session, which would
 * fail at each further turn.
 * @param {{ modelId?: string, model?: Model, config?: any }} context
 */
export function buildReplayPolicy({ modelId = '', model, config }) {
  const isUnsigned = UNSIGNED.includes(traitsIn(modelId, config).family ?? '');
  return {
    sanitizeToolCallIds: true,
    toolCallIdMode: /** @type {const} */ ('strict'),
    applyAssistantFirstOrderingFix: true,
    validateGeminiTurns: true,
    validateAnthropicTurns: true,
    dropReasoningFromHistory: !model?.reasoning && !isUnsigned,
    preserveSignatures: !isUnsigned,
    appendOnlyRuntimeContext: BOUND.test(spelled(modelBehind(modelId, config))),
  };
}

/**
 * The messages without what the builder would lose, and how to put it into the body that comes of them.
 * @param {Model} model
 * @param {Message[]} messages
 */
export function takeReasoning(model, messages) {
  /** @type {Block[][]} */ const turns = [];
  // another model's reasoning the builder makes text of; with `requiresThinkingAsText`, this one's too
  const isText = model.compat?.requiresThinkingAsText;
  return {
    messages: messages.map((message) => {
      if (isText || !isOf(model, message) || !message.content.some(isReplayed)) return message;
      const mark = { type: /** @type {const} */ ('thinking'), thinking: String(turns.push(message.content) - 1), thinkingSignature: TURN };
      return { ...message, content: [mark, ...message.content.filter(({ type }) => type !== 'thinking').map(withoutSignature)] };
    }),
    /** @param {Record<string, any>} body */
    putInto(body) {
      for (const message of body.messages) {
        if (message[TURN] === undefined) continue;
        const content = turns[message[TURN]];
        delete message[TURN];
        putBack(message, content);
      }
    },
  };
}
