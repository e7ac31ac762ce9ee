/** What an agent may ask of a model, by dimensions: the cases of the differential test. */
import { internal } from './internals.mjs';

/** @typedef {Record<string, any>} Json */

const BOUNDARY = '\n<!-- OPENCLAW_CACHE_BOUNDARY -->\n';
const RELOCATABLE = '\n<!-- OPENCLAW-RELOCATABLE-BOUNDARY -->\nfacts\n<!-- /OPENCLAW-RELOCATABLE-BOUNDARY -->';
const LONE_SURROGATE = 'half \ud83d a smile';

const FAMILIES = {
  claude: '@anthropic/claude-sonnet-4-5',
  'claude, adaptive': '@anthropic/claude-opus-4-6',
  'claude on Bedrock': '@bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  gpt: '@openai/gpt-5.2',
  'gpt without reasoning': '@openai/gpt-4o',
  o: '@openai/o3',
  gemini: '@google/gemini-2.5-pro',
  'gemini 3': '@google/gemini-3-pro-preview',
  deepseek: '@deepseek/deepseek-v4-pro',
  kimi: '@moonshot/kimi-k2.5',
  glm: '@zai/glm-4.6',
  qwen: '@dashscope/qwen3-max',
  grok: '@xai/grok-4',
  mistral: '@mistral/mistral-large-latest',
  llama: '@groq/llama-3.3-70b-versatile',
  alias: '@team/prod',
};

/** What a user wrote of the model beside its id. */
const ROWS = { nothing: {}, all: { reasoning: true, input: ['text', 'image'], contextWindow: 200_000, maxTokens: 32_000 } };

/** @type {Record<string, Json>} */
const COMPAT = {
  none: {},
  max_tokens: { maxTokensField: 'max_tokens' },
  markers: { cacheControlFormat: 'anthropic' },
  'long markers': { cacheControlFormat: 'anthropic', supportsLongCacheRetention: true },
  'cache key': { supportsPromptCacheKey: true },
  effort: { supportsReasoningEffort: true },
  'efforts of its own': { supportsReasoningEffort: true, supportedReasoningEfforts: ['low', 'high'] },
  openrouter: { thinkingFormat: 'openrouter' },
  qwen: { thinkingFormat: 'qwen' },
  'plain strings': { requiresStringContent: true },
  'role and content': { strictMessageKeys: true },
  'thinking as text': { requiresThinkingAsText: true },
  'names, and turns that alternate': { requiresToolResultName: true, requiresAssistantAfterToolResult: true },
  'no tools': { supportsTools: false },
  'no effort': { supportsReasoningEffort: false },
  'efforts by a map': { supportsReasoningEffort: true, reasoningEffortMap: { off: 'low', low: 'medium', high: 'max' } },
  'no usage': { supportsUsageInStreaming: false },
  'no strict tools': { supportsStrictMode: false },
  'an answer after results': { requiresAssistantAfterToolResult: true },
  'reasoning with each turn': { requiresReasoningContentOnAssistantMessages: true },
  'a turn that is not empty': { requiresNonEmptyUserOrAssistantMessage: true },
  'no keywords': { unsupportedToolSchemaKeywords: ['pattern', 'minLength'] },
  'no temperature': { supportsTemperature: false },
  'a temperature in any case': { supportsTemperature: true },
  'routes at OpenRouter': { thinkingFormat: 'openrouter', openRouterRouting: { order: ['anthropic'] } },
  'routes at Vercel': { vercelGatewayRouting: { order: ['anthropic'] } },
  'streamed tools of Z.AI': { zaiToolStream: true },
  "thinking in Z.AI's form": { thinkingFormat: 'zai' },
  "thinking in DeepSeek's form": { thinkingFormat: 'deepseek' },
  "thinking in Together's form": { thinkingFormat: 'together' },
  'thinking in a template': { thinkingFormat: 'qwen-chat-template' },
  'a profile of schemas': { toolSchemaProfile: 'xai' },
  'arguments in entities': { toolCallArgumentsEncoding: 'html-entities' },
  'tools in the form of Anthropic': { requiresOpenAiAnthropicToolPayload: true },
  'headers of a session': { sendSessionAffinityHeaders: true },
  'details that may be seen': { visibleReasoningDetailTypes: ['reasoning.text'] },
  'what is for other APIs': { codeMode: 'preferred', supportsInstructions: true, supportsResponsesContinuation: true },
  'markers and a key': { cacheControlFormat: 'anthropic', supportsPromptCacheKey: true },
  openai: {
    supportsStore: true,
    supportsDeveloperRole: true,
    supportsStrictMode: true,
    supportsJsonSchemaResponseFormat: true,
  },
};

/** @type {Record<string, Json>} */
const PARAMS = {
  none: {},
  sampling: { temperature: 0.5, topP: 0.9, seed: 7, frequencyPenalty: 0.1, presencePenalty: 0.2 },
  limit: { maxTokens: 500, stop: ['x'] },
  "a limit above the model's": { maxTokens: 10_000_000 },
  json: { responseFormat: { type: 'json_object' } },
  schema: { responseFormat: { type: 'object', properties: {} } },
  session: { sessionId: 's-1', promptCacheKey: 'k-1' },
  'a session without a key': { sessionId: 's-1' },
  'a temperature of nothing': { temperature: 0, topP: 0, seed: 0 },
  'many stops': { stop: ['a', 'b', 'c', 'd'] },
  'no stops': { stop: [] },
  'a schema by name': { responseFormat: { type: 'json_schema', json_schema: { name: 's', strict: true, schema: { type: 'object', properties: {}, additionalProperties: false } } } },
  'a limit of one': { maxTokens: 1 },
  'a hook that adds to it': { onPayload: (/** @type {Json} */ payload) => ({ ...payload, top_k: 5, user: 'ana' }) },
  'a tier, a transport and a request': { serviceTier: 'flex', transport: 'websocket', requestId: 'r-1', metadata: { a: 'b' } },
};

const LEVELS = { off: 'off', minimal: 'minimal', low: 'low', medium: 'medium', high: 'high', xhigh: 'xhigh', max: 'max' };

const RETENTIONS = { default: undefined, none: 'none', short: 'short', long: 'long' };

const READ = {
  name: 'read',
  description: 'Reads',
  parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
};
const LIST = { name: 'list', description: 'Lists', parameters: { type: 'object', properties: {} } };

const toolsOf = await internal('createOpenClawCodingTools', 'agent-tools-');
/** All that OpenClaw brings along, as it describes them. @type {Json[]} */
const OWN = (await toolsOf({ config: { tools: { profile: 'full' } }, sessionKey: 'agent:main:main', modelProvider: 'portkey', modelId: 'm' }))
  .map((/** @type {Json} */ { name, description, parameters }) => ({ name, description, parameters }));

/** @type {Record<string, { tools?: Json[], toolChoice?: unknown }>} */
const TOOLS = {
  none: {},
  empty: { tools: [] },
  two: { tools: [READ, LIST] },
  'one that must be called': { tools: [READ], toolChoice: 'required' },
  'one by name': { tools: [READ, LIST], toolChoice: { type: 'function', function: { name: 'list' } } },
  "all of OpenClaw's own": { tools: OWN },
  'without parameters': { tools: [{ name: 'list', description: 'Lists' }] },
  'one that may not be called': { tools: [READ], toolChoice: 'none' },
  'one by a name that is none': { tools: [READ], toolChoice: { type: 'function', function: { name: 'write' } } },
  'in no order': { tools: [READ, { name: 'a', description: '', parameters: { type: 'object', properties: { b: { type: 'string', pattern: '^x', minLength: 1 }, a: { anyOf: [{ type: 'string' }, { type: 'null' }] } }, required: ['b'] } }] },
};

const SYSTEM = {
  none: undefined,
  plain: 'Be brief.',
  'stable and volatile': `Be brief.${BOUNDARY}It is noon.`,
  empty: '',
  surrogate: LONE_SURROGATE,
  'volatile alone': `${BOUNDARY}It is noon.`,
  'with facts to move': `Be brief.${RELOCATABLE}${BOUNDARY}It is noon.`,
};

const image = (mimeType = 'image/png', data = 'AAEC') => ({ type: 'image', mimeType, data });
const text = (/** @type {string} */ text) => ({ type: 'text', text });

const USER = {
  string: 'Go on.',
  parts: [text('Go on.'), text('Now.')],
  image: [text('Look.'), image()],
  pdf: [text('Read.'), image('application/pdf')],
  document: [text('Read.'), { type: 'document', mimeType: 'application/pdf', data: 'AAEC' }],
  'image without data': [text('Look.'), image('image/png', '')],
  surrogate: LONE_SURROGATE,
  empty: '',
  'no parts': [],
  'images alone': [image(), image('image/jpeg')],
  'images between texts': [image(), text('Before.'), image('image/jpeg'), text('After.'), image('image/webp')],
  'a recording': [text('Listen.'), { type: 'audio', mimeType: 'audio/ogg', data: 'AAEC' }],
  'a task for a sub-agent': '[Subagent Context] You are running as a subagent (depth 1/1).\n\n[Subagent Task]: look',
  'a summary that is asked for': '<conversation>\n[User]: hi\n\n[Assistant]: hello\n</conversation>\n\nSummarize it.',
  'a heartbeat': 'Read HEARTBEAT.md if it exists. If nothing needs attention, reply HEARTBEAT_OK.',
};

const RESULTS = {
  text: [text('found')],
  nothing: [],
  image: [text('shot'), image()],
  'image alone': [image()],
  'image without data': [image('image/png', '')],
  surrogate: [text(LONE_SURROGATE)],
  'many texts': [text('a'), text(''), text('b')],
  'a document': [text('read'), image('application/pdf')],
  'images of many kinds': [image(), text('and'), image('image/gif'), image('image/webp')],
};

const call = (id = 'call_1', more = {}) => ({ type: 'toolCall', id, name: 'read', arguments: { path: '.' }, ...more });
const thinking = (/** @type {string} */ thinking, /** @type {string | undefined} */ thinkingSignature) => ({
  type: 'thinking',
  thinking,
  thinkingSignature,
});

/** The assistant's turn before a tool's result. @type {Record<string, Json[]>} */
const TURNS = {
  'call alone': [call()],
  'text and call': [text('Let me see.'), call()],
  'no signature': [thinking('hm', undefined), call()],
  reasoning_content: [thinking('hm', 'reasoning_content'), text('Let me see.'), call()],
  reasoning: [thinking('hm', 'reasoning'), call()],
  signed: [thinking('hm', 'c2lnbmF0dXJl'), text('Let me see.'), call()],
  omitted: [thinking('', 'c2lnbmF0dXJl'), call()],
  redacted: [thinking('', 'redacted_thinking:eA=='), call()],
  details: [thinking('hm', 'reasoning_details:[{"type":"reasoning.text","text":"hm"}]'), call()],
  'two calls': [call(), call('call_2', { arguments: {} })],
  'text of nothing': [text(''), text(' '), call()],
  'thoughts around a text': [thinking('hm', 'c2lnbmF0dXJl'), text('Let me see.'), thinking('so', 'c2ln'), call()],
  'a phase': [{ ...text('Let me see.'), textSignature: JSON.stringify({ v: 1, id: 'c', phase: 'commentary' }) }, call()],
  'large arguments': [call('call_1', { arguments: { path: 'x'.repeat(5000), at: [{ deep: null }] } })],
  'signed call': [text('Let me see.'), call('call_1', { thoughtSignature: 'c2lnbmVk' })],
};

/** What became of the history on its way. @type {Record<string, (messages: Json[]) => Json[]>} */
const DAMAGE = {
  none: (messages) => messages,
  "another model's": (messages) =>
    messages.map((message) => (message.role === 'assistant' ? { ...message, model: 'another' } : message)),
  'result lost': (messages) => messages.filter(({ role }) => role !== 'toolResult'),
  'call lost': (messages) => messages.filter(({ role }) => role !== 'assistant'),
  aborted: (messages) =>
    messages.map((message) => (message.role === 'assistant' ? { ...message, stopReason: 'aborted' } : message)),
  failed: (messages) =>
    messages.map((message) =>
      message.role === 'assistant' ? { ...message, stopReason: 'error', content: [text('Half')] } : message,
    ),
  'without content': (messages) =>
    messages.map((message) => (message.role === 'assistant' ? { ...message, content: null } : message)),
  'twice the same id': (messages) => [...messages.slice(0, 3), ...messages.slice(1)],
  'another API': (messages) =>
    messages.map((message) =>
      message.role === 'assistant' ? { ...message, api: 'anthropic-messages', provider: 'anthropic', model: 'claude-opus-4-6' } : message,
    ),
  'ids of the Responses API': (messages) => JSON.parse(JSON.stringify(messages).replaceAll('"call_1"', '"call_1|fc_1"')),
  'the result twice': (messages) => messages.flatMap((message) => (message.role === 'toolResult' ? [message, message] : [message])),
  'a result that failed': (messages) => messages.map((message) => (message.role === 'toolResult' ? { ...message, isError: true } : message)),
  'user twice': (messages) => [...messages, { role: 'user', content: 'And?', timestamp: 5 }],
  'assistant first': (messages) => messages.slice(1),
  'an answer at the end': (messages) => [...messages, { ...messages[1], content: [text('Half an ans')], stopReason: 'stop', timestamp: 5 }],
  'an empty answer': (messages) => [...messages, { ...messages[1], content: [], stopReason: 'stop', timestamp: 5 }, { role: 'user', content: 'Go on.', timestamp: 6 }],
  'after a compaction': (messages) => [
    { role: 'user', content: 'The conversation history before this point was compacted into the following summary:\n\n<summary>x</summary>', timestamp: 1 },
    ...messages.slice(1).map((message) => (message.role === 'assistant' && Array.isArray(message.content)
      ? { ...message, content: message.content.map(({ thinkingSignature: _, ...block }) => block) } : message)),
  ],
  'a result long after': (messages) => [messages[0], messages[1], messages[3], messages[2], messages[3]].filter(Boolean),
  'spaces in ids': (messages) => JSON.parse(JSON.stringify(messages).replaceAll('"call_1"', '" call_1 "')),
};

export const DIMENSIONS = {
  family: Object.keys(FAMILIES),
  row: Object.keys(ROWS),
  compat: Object.keys(COMPAT),
  params: Object.keys(PARAMS),
  level: Object.keys(LEVELS),
  retention: Object.keys(RETENTIONS),
  tools: Object.keys(TOOLS),
  system: Object.keys(SYSTEM),
  user: Object.keys(USER),
  result: Object.keys(RESULTS),
  turn: Object.keys(TURNS),
  damage: Object.keys(DAMAGE),
};

/**
 * @param {{ [K in keyof typeof DIMENSIONS]: string }} at
 * @param {string} baseUrl
 */
export function toCase(at, baseUrl) {
  const pick = (/** @type {any} */ from, /** @type {string} */ name) => from[name];
  const id = pick(FAMILIES, at.family);
  const compat = pick(COMPAT, at.compat);
  const written = { id, ...pick(ROWS, at.row), ...(at.compat !== 'none' && { compat }) };
  const model = {
    // as OpenClaw resolves it, with its defaults
    name: id,
    provider: 'portkey',
    api: 'openai-completions',
    baseUrl,
    reasoning: false,
    input: ['text'],
    contextWindow: 200_000,
    maxTokens: 8192,
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    ...written,
  };
  const usage = {
    input: 1,
    output: 1,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: 2,
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
  };
  const messages = pick(
    DAMAGE,
    at.damage,
  )([
    { role: 'user', content: 'What is here?', timestamp: 1 },
    {
      role: 'assistant',
      content: pick(TURNS, at.turn),
      provider: 'portkey',
      api: 'openai-completions',
      model: id,
      stopReason: 'toolUse',
      usage,
      timestamp: 2,
    },
    {
      role: 'toolResult',
      toolCallId: 'call_1',
      toolName: 'read',
      content: pick(RESULTS, at.result),
      isError: false,
      timestamp: 3,
    },
    { role: 'user', content: pick(USER, at.user), timestamp: 4 },
  ]);
  const { tools, toolChoice } = pick(TOOLS, at.tools);
  return {
    written,
    model,
    context: { systemPrompt: pick(SYSTEM, at.system), messages, tools },
    options: {
      apiKey: 'K',
      reasoning: pick(LEVELS, at.level),
      cacheRetention: pick(RETENTIONS, at.retention),
      toolChoice,
      ...pick(PARAMS, at.params),
    },
  };
}
