/** Stands in for OpenClaw's builder of request bodies in the unit tests. The real one is in the end-to-end tests. */

/** @param {any} part */
const toPart = ({ type, text, mimeType, data }) => (
  type === 'text' ? { type, text } : { type: 'image_url', image_url: { url: `data:${mimeType};base64,${data}` } });

/** @param {any} message */
function toMessage({ role, content, toolCallId }) {
  if (role === 'toolResult')
    return { role: 'tool', tool_call_id: toolCallId, content: content.map((/** @type {any} */ part) => part.text).join('') };
  if (role === 'user') return { role, content: typeof content === 'string' ? content : content.map(toPart) };
  const of = (/** @type {string} */ type) => content.filter((/** @type {any} */ block) => block.type === type);
  const thinking = of('thinking').filter((/** @type {any} */ block) => block.thinking.trim());
  const calls = of('toolCall').map((/** @type {any} */ { id, name, arguments: args }) => (
    { id, type: 'function', function: { name, arguments: JSON.stringify(args) } }));
  const texts = of('text').map((/** @type {any} */ block) => block.text).filter((/** @type {string} */ text) => text.trim());
  return {
    role,
    content: texts.join('\n') || null,
    // as the real one does: a signature is the name of the field
    ...(thinking[0]?.thinkingSignature && { [thinking[0].thinkingSignature]: thinking.map((/** @type {any} */ block) => block.thinking).join('\n') }),
    ...(calls.length && { tool_calls: calls }),
  };
}

/** @param {any} model @param {any} context @param {any} options */
export function buildOpenAICompletionsParams(model, { systemPrompt, messages, tools }, options) {
  return {
    model: model.id,
    stream: true,
    messages: [...(systemPrompt ? [{ role: 'system', content: systemPrompt }] : []), ...messages.map(toMessage)],
    tools: tools?.map((/** @type {any} */ tool) => ({ type: 'function', function: tool })),
    temperature: options.temperature,
    max_completion_tokens: options.maxTokens,
    prompt_cache_key: options.promptCacheKey,
    reasoning_effort: model.reasoning && options.reasoning !== 'off' ? options.reasoning : undefined,
  };
}
