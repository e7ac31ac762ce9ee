/**
 * How our request for a turn may differ from that of OpenClaw's own client, and why nobody loses by it. Each kind removes its
 * own differences from both bodies; what is left must be equal.
 */
import { isDeepStrictEqual } from 'node:util';

/** @typedef {Record<string, any>} Json */
/** @typedef {{ own: Json, ours: Json, at: Record<string, string>, isGeneric: boolean }} Pair */

const REASONING = ['content_blocks', 'reasoning_details', 'reasoning_content', 'reasoning'];
const LIMITS = ['max_tokens', 'max_completion_tokens'];
const THINKING = ['reasoning_effort', 'thinking', 'reasoning', 'enable_thinking', 'chat_template_kwargs'];
/** What Google's API knows of a schema: `Schema` in its reference. */
const GOOGLE = ['type', 'format', 'title', 'description', 'nullable', 'enum', 'items', 'minItems', 'maxItems', 'properties', 'required', 'minProperties', 'maxProperties', 'minLength', 'maxLength', 'pattern', 'minimum', 'maximum', 'anyOf', 'default', 'example', 'propertyOrdering'];
/**
 * The schema in Google's terms: all that it says, but for the members that Google does not know, at any depth. A bound includes its
 * value, choices are texts, and a null is a word of its own.
 * @param {Json} schema @returns {Json}
 */
function toGoogle(schema) {
  const { const: only, exclusiveMinimum: minimum, exclusiveMaximum: maximum } = schema;
  const told = { ...(only !== undefined && { enum: [only] }), ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }), ...schema };
  const { enum: choices, properties, items, anyOf = [], ...rest } = Object.fromEntries(Object.entries(told).filter(([name]) => GOOGLE.includes(name)));
  const variants = anyOf.filter((/** @type {Json} */ { type }) => type !== 'null');
  return {
    ...rest,
    ...(choices && { enum: choices.map(String), type: 'string' }),
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, toGoogle(schema)])) }),
    ...(items && { items: toGoogle(items) }),
    ...(variants.length > 1 && { anyOf: variants.map(toGoogle) }),
    ...(variants.length === 1 && toGoogle(variants[0])),
    ...(variants.length < anyOf.length && { nullable: true }),
  };
}
const NO_IMAGE = '(image without data)';
const OMITTED = /\((image without data|see attached image|(tool )?image omitted: model does not support images)\)/g;

const isClaude = (/** @type {Pair} */ { at }) => at.family.startsWith('claude');
const isGemini = (/** @type {Record<string, string>} */ at) => at.family.startsWith('gemini');
/** Families that want unsigned reasoning back, and ids of which nothing is known. */
const wantsReasoning = (/** @type {Pair} */ { at }) => ['deepseek', 'kimi', 'glm', 'qwen', 'alias'].includes(at.family);
const of = (/** @type {Json} */ body, /** @type {string} */ role) =>
  body.messages.filter((/** @type {Json} */ message) => message.role === role);
/** The parts of what the user says. */
const parts = (/** @type {Json} */ body) => of(body, 'user').flatMap(({ content }) => (Array.isArray(content) ? content : []));
const system = (/** @type {Json} */ { messages: [first] }) =>
  first.role === 'system' || first.role === 'developer' ? first : undefined;
const limitOf = (/** @type {Json} */ body) => body.max_tokens ?? body.max_completion_tokens;

/** @param {Json} from @param {string[]} names @returns whether there was one of them */
function drop(from, names) {
  const found = names.filter((name) => from[name] !== undefined);
  for (const name of found) delete from[name];
  return found.length > 0;
}

/** @param {Json} body @returns {Json[]} what can carry a marker */
const markable = (body) => [
  ...(body.tools ?? []),
  ...body.messages.flatMap((/** @type {Json} */ message) => [
    ...(Array.isArray(message.content) ? message.content : []),
    ...(message.content_blocks ?? []),
    ...(message.tool_calls ?? []),
  ]),
];
const marks = (/** @type {Json} */ body) =>
  markable(body).flatMap(({ cache_control }) => (cache_control ? [cache_control] : []));

/** Joins a content of texts alone. The builder leaves the line break out where it cuts the system text. @param {Json} message */
function flatten(message) {
  const { content } = message;
  if (!Array.isArray(content) || content.some(({ type }) => type !== 'text')) return;
  if (content.length > 1 && message.role !== 'system' && message.role !== 'developer') return;
  message.content = content.map(({ text }) => text.replace(/\n$/, '')).join('\n');
}

/** Takes away all markers, and what they kept apart. @param {Json[]} bodies */
function unmark(...bodies) {
  for (const body of bodies) {
    for (const part of markable(body)) delete part.cache_control;
    body.messages.forEach(flatten);
  }
}

/** @type {{ name: string, fact: string, take: (pair: Pair) => boolean }[]} */
export const KINDS = [
  {
    name: 'a PDF is no image',
    fact:
      'Mistral takes one as `document_url` alone (its documentation, "Document QnA"; 0xPlaygrounds/rig#2331). Kimi, Grok and Groq ' +
      'have no part for it (felinics/twilight#46): it is named to them.',
    take: ({ ours, at }) => {
      const isTold = ['kimi', 'grok', 'llama'].includes(at.family);
      const found = parts(ours).filter(({ type, text }) => (
        at.family === 'mistral' ? type === 'document_url' : isTold && text === '(file that this model cannot take: application/pdf)'));
      for (const part of found) {
        const image_url = { url: part.document_url ?? 'data:application/pdf;base64,AAEC' };
        drop(part, ['document_url', 'text']);
        Object.assign(part, { type: 'image_url', image_url });
      }
      return found.length > 0;
    },
  },
  {
    name: 'no strict tool for Claude',
    fact: 'Gateway 2.2.3 hands it on without the `additionalProperties` that goes with it, which Anthropic refuses (vercel/ai#20681).',
    take: ({ own, ours, at }) => {
      if (!at.family.startsWith('claude') || !own.tools || !ours.tools) return false;
      const strict = own.tools.filter((/** @type {Json} */ tool) => tool.function?.strict !== undefined);
      if (ours.tools.some((/** @type {Json} */ tool) => tool.function?.strict !== undefined)) return false;
      for (const tool of strict) delete tool.function.strict;
      return strict.length > 0;
    },
  },
  {
    name: 'JSON is asked for in words too',
    fact:
      'Gateway 1.15.2 keeps the format from Claude, and each version from Mistral and Kimi; Bedrock, DeepSeek, GLM, and Gemini 2.5 ' +
      'beside tools, refuse it, and OpenAI does where nobody speaks of JSON.',
    take: ({ own, ours }) => {
      if (!own.response_format) return false;
      let isMet = JSON.stringify(ours.response_format) !== JSON.stringify(own.response_format);
      ours.response_format = own.response_format;
      const without = (/** @type {string} */ text) => {
        const rest = text.replace(/(\n\n)?Answer in JSON alone: an object, [^.]*\.(\nThe schema:\n.*)?$/, '');
        isMet ||= rest !== text;
        return rest;
      };
      ours.messages = ours.messages.filter((/** @type {Json} */ message) => {
        if (message.role !== 'system' && message.role !== 'developer') return true;
        if (!Array.isArray(message.content)) return (message.content = without(message.content)) !== '';
        message.content = message.content.filter((/** @type {Json} */ part) => (part.text = without(part.text)) !== '');
        return message.content.length > 0;
      });
      return isMet;
    },
  },
  {
    name: 'what is said beside a call is a turn before it for Gemini',
    fact: 'Gateway 1.15.2 hands a call on to Gemini without what was said beside it, and makes one turn of two.',
    take: ({ ours, at }) => {
      if (!isGemini(at)) return false;
      const { messages } = ours;
      ours.messages = messages.filter((/** @type {Json} */ { role, content, tool_calls }, /** @type {number} */ i) => {
        const next = messages[i + 1];
        const isApart = role === 'assistant' && !tool_calls && next?.role === 'assistant' && next.tool_calls && !next.content;
        if (isApart) next.content = content;
        return !isApart;
      });
      return ours.messages.length < messages.length;
    },
  },
  {
    name: 'a user who says nothing is left out, or says that it goes on',
    fact: 'Anthropic and Bedrock refuse an empty text, and most providers a conversation without a user.',
    take: ({ own, ours }) => {
      const isEmpty = (/** @type {Json} */ { role, content }) => role === 'user' && (content === '' || content?.length === 0);
      const isFiller = (/** @type {Json} */ { role, content }) => role === 'user' && /^\((go on|the conversation goes on)\)$/.test(content?.[0]?.text ?? content);
      const [empty, kept, fillers] = [own.messages.filter(isEmpty), ours.messages.filter(isEmpty), ours.messages.filter(isFiller)];
      if (kept.length > 1 || (kept.length >= empty.length && !fillers.length)) return false; // the last one stays
      if (fillers.some(({ content }) => Array.isArray(content))) unmark(own, ours); // such a one is gone, and its marker with it
      own.messages = own.messages.filter((/** @type {Json} */ message) => !isEmpty(message));
      ours.messages = ours.messages.filter((/** @type {Json} */ message) => !isFiller(message) && !isEmpty(message));
      return true;
    },
  },
  {
    name: 'a tool without a description has none',
    fact: 'Bedrock refuses an empty one (at least one character).',
    take: ({ own, ours }) => {
      const bare = (own.tools ?? []).filter((/** @type {Json} */ { function: own }, /** @type {number} */ i) =>
        own.description === '' && ours.tools?.[i]?.function.description === undefined);
      return bare.filter((/** @type {Json} */ tool) => drop(tool.function, ['description'])).length > 0;
    },
  },
  {
    name: "a schema in Google's terms",
    fact: 'Google refuses a schema for one member that it does not know (`const`, `additionalProperties`, a type of null: "Unknown name"), and with it the request.',
    take: ({ own, ours, at }) => {
      if (!isGemini(at)) return false;
      const told = (own.tools ?? []).filter((/** @type {Json} */ { function: own }, /** @type {number} */ i) => {
        const mine = ours.tools?.[i]?.function.parameters;
        if (!mine || isDeepStrictEqual(mine, own.parameters) || !isDeepStrictEqual(mine, toGoogle(own.parameters ?? {}))) return false;
        own.parameters = mine;
        return true;
      });
      return told.length > 0;
    },
  },
  {
    name: 'no line break before the system text',
    fact: 'Where only its volatile half is there.',
    take: ({ own, ours }) => {
      const [theirs, mine] = [system(own), system(ours)];
      const [before, after] = [theirs, mine].map((message) =>
        Array.isArray(message?.content) && message.content.length === 1 ? message.content[0].text : message?.content);
      if (theirs?.content === mine?.content || after !== 'It is noon.' || String(before).trim() !== after) return false;
      if (Array.isArray(mine.content) && Array.isArray(theirs.content)) theirs.content[0].text = after;
      else theirs.content = mine.content;
      return true;
    },
  },
  {
    name: 'an image without data',
    fact: 'Its client sends an empty data URL, which Anthropic and OpenAI refuse: the session could not go on. We send a text.',
    take: ({ own, ours }) => {
      const empty = (/** @type {any} */ part) => part.type === 'image_url' && part.image_url.url.endsWith('base64,');
      const taken = parts(own).filter(empty);
      const text = parts(ours).filter((part) => part.text === NO_IMAGE);
      if (!taken.length || taken.length !== text.length) return false;
      for (const part of taken) Object.assign(part, { type: 'text', text: NO_IMAGE, image_url: undefined });
      for (const part of text) part.image_url = undefined;
      return true;
    },
  },
  {
    name: 'no empty text beside a call',
    fact: 'Where turns must alternate its client sends "", which Anthropic and Bedrock refuse; null says the same.',
    take: ({ own, ours }) => {
      const silent = of(own, 'assistant').filter(({ content, tool_calls }, i) =>
        tool_calls && content === '' && of(ours, 'assistant')[i]?.content === null);
      for (const message of silent) message.content = null;
      return silent.length > 0;
    },
  },
  {
    name: 'a turn that says nothing is left out',
    fact: 'With `strictMessageKeys`, which removes calls, its client sends messages whose content is null. OpenAI refuses them.',
    take: ({ own, ours }) => {
      const says = (/** @type {Json} */ message) => message.role !== 'assistant' || message.content || message.tool_calls;
      if (own.messages.every(says) || !ours.messages.every(says)) return false;
      own.messages = own.messages.filter(says);
      return true;
    },
  },
  {
    name: 'a result without its call is told by the user',
    fact:
      'Its client sends it as a result, which OpenAI ("must be a response to a preceding message with `tool_calls`") and ' +
      'Anthropic ("unexpected `tool_use_id`") refuse: the session could not go on.',
    take: ({ own, ours }) => {
      let found = false;
      /** @type {Set<string>} */ let calls = new Set();
      for (const message of own.messages) {
        if (message.role !== 'tool') calls = new Set(message.tool_calls?.map((/** @type {Json} */ { id }) => id));
        else if (!calls.delete(message.tool_call_id)) {
          message.role = 'user';
          drop(message, ['tool_call_id', 'name']);
          found = true;
        }
      }
      // it comes behind the results that have a call
      own.messages.forEach((/** @type {Json} */ message, /** @type {number} */ i) => {
        if (found && message.role === 'tool' && own.messages[i - 1].role === 'user' && ours.messages[i - 1]?.role === 'tool') own.messages.splice(i - 1, 2, message, own.messages[i - 1]);
      });
      return found;
    },
  },
  {
    name: 'reasoning goes back',
    fact:
      'Its client has no place for signatures: it drops them, or sends them as the name of a member. Claude refuses the second ' +
      'step of a tool loop without them (400, "Expected `thinking`"), and Kimi and DeepSeek refuse one without their reasoning ' +
      '(400, "reasoning_content is missing").',
    take: ({ own, ours }) => {
      let found = false;
      for (const message of of(own, 'assistant')) {
        found =
          drop(
            message,
            Object.keys(message).filter((name) => !['role', 'content', 'tool_calls', ...REASONING].includes(name)),
          ) || found;
      }
      of(ours, 'assistant').forEach((message, i) => {
        const theirs = of(own, 'assistant')[i] ?? {};
        if (
          REASONING.every(
            (name) => message[name] === undefined || JSON.stringify(message[name]) === JSON.stringify(theirs[name]),
          )
        )
          return;
        found = drop(message, REASONING) || found;
        drop(theirs, REASONING);
      });
      return found;
    },
  },
  {
    name: 'reasoning goes back to those alone who want it',
    fact: 'OpenAI refuses `reasoning_content` (400), Claude and Gemini get their own form, and the rest have no use for it.',
    take: (pair) => {
      if (wantsReasoning(pair)) return false;
      const lost = of(pair.own, 'assistant').filter((message, i) =>
        REASONING.some((name) => message[name] !== undefined && of(pair.ours, 'assistant')[i]?.[name] === undefined),
      );
      lost.forEach((message) => drop(message, REASONING));
      return lost.length > 0;
    },
  },
  {
    name: 'the signature of a call goes back',
    fact: "Its client returns signatures to Google's own endpoint only. Gemini 3 refuses its own calls without them (400).",
    take: ({ own, ours }) => {
      const of = (/** @type {Json} */ body) => body.messages.flatMap((/** @type {Json} */ message) => message.tool_calls ?? []);
      if (of(own).some((/** @type {Json} */ call) => call.function.thought_signature)) return false;
      return of(ours).filter((/** @type {Json} */ call) => drop(call.function, ['thought_signature'])).length > 0;
    },
  },
  {
    name: "a tool's result has the tool's name",
    fact: 'Without one the gateway hands it to Gemini under a made-up name (1.15.2 and 2.2.3).',
    take: ({ own, ours, at }) =>
      isGemini(at) &&
      of(ours, 'tool').filter((message, i) => of(own, 'tool')[i]?.name === undefined && drop(message, ['name'])).length > 0,
  },
  {
    name: 'what Mistral thought stands among the parts',
    fact: '"Do not strip `ThinkChunk` from assistant messages" (its documentation, "Reasoning"). Its client has no place for it.',
    take: ({ own, ours, at }) => {
      if (at.family !== 'mistral') return false;
      const thought = of(ours, 'assistant').filter(({ content }) => Array.isArray(content) && content[0]?.type === 'thinking');
      for (const message of thought) {
        const theirs = of(own, 'assistant')[of(ours, 'assistant').indexOf(message)];
        const said = message.content.slice(1).map((/** @type {Json} */ { text }) => text);
        message.content = said.length ? said.join('') : (theirs?.content ?? null);
      }
      return thought.length > 0;
    },
  },
  {
    name: 'for Grok only a user has a name',
    fact: 'xAI refuses another ("Only messages of role \'user\' can have a name.": BerriAI/litellm#9720).',
    take: ({ own, at }) =>
      at.family === 'grok' &&
      own.messages.filter((/** @type {Json} */ message) => message.role !== 'user' && drop(message, ['name'])).length > 0,
  },
  {
    name: 'facts stay in a system text that is cached',
    fact:
      'Without markers its client moves them to the first user message, so that the system text stays the same. With markers ' +
      'it does as we do.',
    take: ({ own, ours }) => {
      if (
        system(own)?.content === system(ours)?.content ||
        !JSON.stringify(system(ours)?.content ?? '').includes('facts') ||
        JSON.stringify(system(own)?.content).includes('facts')
      )
        return false;
      for (const body of [own, ours]) body.messages = JSON.parse(JSON.stringify(body.messages).replace(/(\\n)+facts/, ''));
      return true;
    },
  },
  {
    name: 'no markers where nothing can be kept',
    fact: 'Anthropic keeps nothing below 1,024 tokens. A short text without tools goes out as it is, unless a time was asked for.',
    take: (pair) => {
      const { own, ours, at } = pair;
      if (!isClaude(pair) || at.retention !== 'default' || ours.tools?.length || marks(ours).length) return false;
      const texts = ours.messages.flatMap((/** @type {Json} */ { content }) =>
        typeof content === 'string' ? [content] : (content ?? []).map((/** @type {Json} */ part) => part.text ?? ''),
      );
      if (Buffer.byteLength(texts.join('')) >= 1024) return false;
      unmark(own, ours);
      return true;
    },
  },
  {
    name: 'cache markers where they count',
    fact:
      'The gateway drops a marker on a string, and puts one on a tool result where Anthropic refuses it. A second marker in the ' +
      'conversation finds what the request before has kept. Without markers each turn costs the whole prompt again ' +
      '(14,100 tokens, where 14,065 could be read from the cache; measured).',
    take: (pair) => {
      const { own, ours } = pair;
      if (
        !(isClaude(pair) || pair.at.compat === 'markers and a key' || ours.messages.some((/** @type {Json} */ { tool_calls }) => tool_calls?.some((/** @type {Json} */ call) => call.cache_control))) ||
        (JSON.stringify(marks(own)) === JSON.stringify(marks(ours)) &&
          JSON.stringify(own.messages) === JSON.stringify(ours.messages))
      )
        return false;
      if (marks(ours).length < Math.min(marks(own).length, 3) || marks(ours).length > 4) return false;
      if ((pair.at.retention === 'none') !== (marks(ours).length === 0)) return false;
      const is = marks(ours).length > 0;
      unmark(own, ours);
      return is;
    },
  },
  {
    name: 'one system text for Gemini',
    fact: 'Of a system text in parts the gateway hands Gemini the first one only (1.15.2 and 2.2.3). It knows no markers.',
    take: ({ own, ours, at }) => {
      if (!isGemini(at) || !Array.isArray(system(own)?.content) || typeof system(ours)?.content !== 'string')
        return false;
      flatten(system(own));
      return true;
    },
  },
  {
    name: 'a line break between the halves of the system text',
    fact: 'Its client takes it away where it cuts the text, and so it is gone where the gateway or the model joins them.',
    take: ({ own, ours }) => {
      const [theirs, mine] = [system(own)?.content, system(ours)?.content];
      if (!Array.isArray(theirs) || !Array.isArray(mine) || mine.length < 2) return false;
      mine.slice(0, -1).forEach((part) => {
        part.text = part.text.replace(/\n$/, '');
      });
      return true;
    },
  },
  {
    name: "a key for OpenAI's prompt cache",
    fact:
      'It brings requests that begin alike to one machine. Where OpenClaw has no session, the beginning tells agents apart. ' +
      'Its client sends no key to a gateway.',
    take: ({ own, ours, at }) =>
      /^(gpt|o$)/.test(at.family) && own.prompt_cache_key === undefined && drop(ours, ['prompt_cache_key']),
  },
  {
    name: "a day in OpenAI's prompt cache, where the model has it",
    fact: 'Asked for with `cacheRetention: long`. Its client asks any model, and GPT-4o refuses `prompt_cache_retention`.',
    take: ({ own, ours, at }) =>
      at.retention === 'long' &&
      own.prompt_cache_retention !== ours.prompt_cache_retention &&
      [own, ours].filter((body) => drop(body, ['prompt_cache_retention'])).length > 0,
  },
  {
    name: "reasoning in Claude's own terms",
    fact:
      'Claude up to 4.5 refuses an effort (400, "adaptive thinking is not supported"), and gateway 1.15.2 drops it for all of ' +
      'Claude. Beside thinking, Anthropic takes no temperature and no forced tool, and wants the limit above the budget.',
    take: (pair) => {
      const { own, ours } = pair;
      if (!isClaude(pair) || own.thinking || !THINKING.some((name) => JSON.stringify(own[name]) !== JSON.stringify(ours[name])))
        return false;
      const isForced = ours.tool_choice?.type === 'function' || ours.tool_choice === 'required';
      const isOff = pair.at.level === 'off' && pair.at.compat !== 'efforts by a map'; // which makes `low` of it
      if (Boolean(ours.thinking) !== (!isOff && !isForced && ours.reasoning === undefined)) return false;
      if (ours.thinking) {
        if (limitOf(ours) <= (ours.thinking.budget_tokens ?? 0) || drop(ours, LIMITS) !== drop(own, LIMITS)) return false;
        drop(own, ['temperature']);
      }
      for (const body of [own, ours]) drop(body, THINKING);
      return true;
    },
  },
  {
    name: 'no top_p beside a temperature for Claude',
    fact:
      'Anthropic refuses the two together since Opus 4.1 (400, "`temperature` and `top_p` cannot both be specified for this ' +
      'model"), and a top_p below 0.95 beside thinking.',
    take: (pair) => isClaude(pair) && pair.ours.top_p === undefined && drop(pair.own, ['top_p']),
  },
  {
    name: 'no temperature where the row says so',
    fact: '`supportsTemperature: false` is heard by its client for the Responses API alone.',
    take: ({ own, ours, at }) => at.compat === 'no temperature' && ours.temperature === undefined && drop(own, ['temperature']),
  },
  {
    name: 'no thinking is asked of a model that has none',
    fact: 'Groq refuses `reasoning` ("property \'reasoning\' is unsupported").',
    take: ({ own, ours, at }) => at.family === 'llama' && ours.reasoning === undefined && drop(own, ['reasoning']),
  },
  {
    name: "reasoning in OpenAI's own terms, and in Claude's",
    fact:
      'OpenAI refuses `reasoning` on chat completions (400, "Unknown parameter: \'reasoning\'"), and the gateway drops it for Claude. ' +
      'OpenClaw\'s builder writes it where `compat` says that the model is at OpenRouter or Together. A model without reasoning is ' +
      'asked for none.',
    take: ({ own, ours, at, ...pair }) => {
      const { reasoning } = own;
      const isOpenai = at.family === 'gpt' || at.family === 'o';
      const isTheirs = isOpenai || at.family === 'gpt without reasoning' || isClaude({ own, ours, at, ...pair });
      if (!isTheirs || reasoning === undefined || ours.reasoning !== undefined) return false;
      if (isOpenai && own.reasoning_effort === undefined) {
        if (ours.reasoning_effort !== (reasoning.effort ?? 'medium')) return false;
        delete ours.reasoning_effort;
      }
      return drop(own, ['reasoning']);
    },
  },
  {
    name: 'a budget for Gemini beside what is meant for Together',
    fact: "Neither gateway hands Google a `reasoning` (1.15.2 and 2.2.3): without a budget the user's level would be lost.",
    take: ({ own, ours, at }) =>
      at.family === 'gemini' && at.compat === "thinking in Together's form" && own.reasoning_effort === undefined &&
      own.thinking === undefined && drop(ours, ['thinking']),
  },
  {
    name: 'no temperature and no penalties where the model refuses them',
    fact:
      'OpenAI refuses them while a model reasons (400, "Only the default (1) value is supported", "is not supported with this ' +
      'model"). Its client for the Responses API leaves the temperature out too, and its client for completions knows no model.',
    take: ({ own, ours, at }) => {
      if (at.family !== 'o' && !(at.family === 'gpt' && ![undefined, 'none'].includes(ours.reasoning_effort ?? ours.reasoning?.effort))) return false;
      const names = ['temperature', 'top_p', 'frequency_penalty', 'presence_penalty'];
      return names.every((name) => ours[name] === undefined) && drop(own, names);
    },
  },
  {
    name: 'no parameters that the provider refuses whatever their value',
    fact:
      'OpenAI refuses `stop` where a model reasons ("Unsupported parameter": huggingface/smolagents#1671), xAI penalties and `stop` ' +
      '("Argument not supported on this model": n8n-io/n8n#14581, BerriAI/litellm#12635), Kimi since K2.5 a temperature and a top_p ' +
      '("only 1 is allowed for this model": HKUDS/nanobot#4967), and Groq `store` and `prompt_cache_key` ("is unsupported": ' +
      'fanenr/chatbot#21, sipeed/picoclaw#1196).',
    take: ({ own, ours, at }) => {
      const refused = /** @type {Record<string, string[]>} */ ({
        gpt: ['stop'],
        o: ['stop', 'parallel_tool_calls'],
        grok: ['stop', 'presence_penalty', 'frequency_penalty'],
        kimi: ['temperature', 'top_p'],
        llama: ['store', 'prompt_cache_key'],
      })[at.family];
      return drop(own, (refused ?? []).filter((name) => ours[name] === undefined));
    },
  },
  {
    name: 'no forced call of a model that always thinks',
    fact:
      'Z.AI ("Tool choice must be auto": vectorize-io/hindsight#4246), DeepSeek V4 and Kimi since K2.5 refuse it ("Thinking mode does not support this tool_choice": deepseek-ai/DeepSeek-V3#1376; ' +
      '"incompatible with thinking enabled": can1357/oh-my-pi#1077), and gateway 1.15.2 does not pass on what would switch thinking off.',
    take: ({ own, ours, at }) => {
      const isForced = own.tool_choice === 'required' || own.tool_choice?.type === 'function';
      if (!['deepseek', 'kimi', 'glm'].includes(at.family) || !isForced || ours.tool_choice !== 'auto') return false;
      own.tool_choice = 'auto';
      return true;
    },
  },
  {
    name: 'no tools for Bedrock and Z.AI where none may be called, but for those that the history has calls of',
    fact:
      'Neither has a word for it: Converse knows `auto`, `any` and `tool` (ToolChoice, in the reference of its API), Z.AI `auto` alone ' +
      '(vectorize-io/hindsight#4246).',
    take: ({ own, ours, at }) =>
      (at.family === 'glm' || at.family.includes('Bedrock')) && own.tool_choice === 'none' && ours.tool_choice === undefined &&
      drop(own, ours.tools ? ['tool_choice', 'parallel_tool_calls'] : ['tools', 'tool_choice', 'parallel_tool_calls']),
  },
  {
    name: 'what a model cannot take is named, and not sent',
    fact:
      'Gateway 1.15.2 makes a document of a GIF for Bedrock (it is not among `imagesMimeTypes`), which Converse refuses, and Gemini ' +
      'knows no GIF. DeepSeek V4 Pro and Qwen3 Max take texts alone ("unknown variant `image_url`, expected `text`": ' +
      'nesquena/hermes-webui#2297; "Invalid value: file": QwenLM/qwen-code#1888).',
    take: ({ own, at }) => {
      const refused = at.family.includes('Bedrock') || isGemini(at) ? /^data:(image\/gif);/
        : ['deepseek', 'qwen'].includes(at.family) ? /^data:(image\/\w+|application\/pdf);/ : undefined;
      if (!refused) return false;
      const named = parts(own).filter((part) => {
        const type = refused.exec(part.image_url?.url)?.[1];
        if (!type) return false;
        drop(part, ['image_url']);
        const what = type.startsWith('image/') ? 'image_url' : 'file';
        Object.assign(part, { type: 'text', text: `(${what} that this model cannot take: ${type})` });
        return true;
      });
      return named.length > 0;
    },
  },
  {
    name: 'a PDF is a file for OpenAI and Z.AI',
    fact: 'Chat completions take a PDF as `file` alone (OpenAI\'s documentation, "File inputs"): as an image it is "unsupported".',
    take: ({ own, ours, at }) => {
      const pdfs = (/** @type {Json} */ body, /** @type {(part: Json) => string | undefined} */ url) => (
        parts(body).filter((part) => url(part)?.startsWith('data:application/pdf')));
      const images = pdfs(own, (part) => part.image_url?.url);
      if (!/^(gpt|o$|glm)/.test(at.family) || !images.length || images.length !== pdfs(ours, (part) => part.file?.file_data).length) return false;
      for (const part of images) {
        const file = { file_data: part.image_url.url, filename: 'file' };
        drop(part, ['image_url']);
        Object.assign(part, { type: 'file', file });
      }
      return true;
    },
  },
  {
    name: 'a tool without parameters for Gemini',
    fact: 'Google refuses those of a tool that takes none ("should be non-empty for OBJECT type": crmne/ruby_llm#61).',
    take: ({ own, ours, at }) => {
      if (!isGemini(at)) return false;
      const takesNothing = ({ parameters = {} }) => Object.keys(parameters.properties ?? {}).length === 0;
      const bare = (own.tools ?? []).filter((/** @type {Json} */ { function: own }, /** @type {number} */ i) =>
        takesNothing(own) && ours.tools?.[i]?.function.parameters === undefined);
      return bare.filter((/** @type {Json} */ tool) => drop(tool.function, ['parameters'])).length > 0;
    },
  },
  {
    name: "an answer between a tool's results and the user's words",
    fact:
      'Mistral refuses a history without one ("Unexpected role \'user\' after role \'tool\'": onyx-dot-app/onyx#6458). Its client ' +
      'writes one, in the same words, only where `requiresAssistantAfterToolResult` says so.',
    take: ({ own, ours, at }) => {
      const isAnswer = (/** @type {Json} */ { content }) => content === 'I have processed the tool results.';
      if (at.family !== 'mistral' || own.messages.some(isAnswer) || !ours.messages.some(isAnswer)) return false;
      ours.messages = ours.messages.filter((/** @type {Json} */ message) => !isAnswer(message));
      return true;
    },
  },
  {
    name: 'ids of calls that the provider takes',
    fact:
      'A session may go on with another model. Anthropic refuses ids with other characters than letters, digits, `_` and `-` ' +
      "(400, \"String should match pattern '^[a-zA-Z0-9_-]+$'\"), and Mistral all but nine letters and digits.",
    take: ({ own, ours, at }) => {
      const ids = (/** @type {Json} */ body) =>
        body.messages.flatMap((/** @type {Json} */ message) => [
          ...(message.tool_calls ?? []).map((/** @type {Json} */ { id }) => id),
          ...(message.tool_call_id === undefined ? [] : [message.tool_call_id]),
        ]);
      const [theirs, mine] = [ids(own), ids(ours)];
      if (!/claude|mistral/.test(at.family) || theirs.length !== mine.length) return false;
      const isFitted = (/** @type {string} */ id, /** @type {number} */ i) => id !== mine[i] && /^[a-z0-9]{9}$/.test(mine[i]);
      if (!theirs.some(isFitted)) return false;
      let next = 0;
      for (const message of ours.messages) {
        for (const call of message.tool_calls ?? []) call.id = isFitted(theirs[next], next) ? theirs[next++] : mine[next++];
        if (message.tool_call_id === undefined) continue;
        message.tool_call_id = isFitted(theirs[next], next) ? theirs[next++] : mine[next++];
      }
      return true;
    },
  },
  {
    name: 'past tools are offered to Bedrock again',
    fact: 'It refuses calls in a history without tools (400, "The toolConfig field must be defined").',
    take: ({ own, ours, at }) => at.family.includes('Bedrock') && !own.tools?.length && drop(ours, ['tools']),
  },
  {
    name: 'reasoning of Gemini 2.5 by a budget',
    fact: 'Gateway 1.15.2 hands no effort on to Gemini. Both 1.15.2 and 2.2.3 hand on a budget.',
    take: ({ own, ours, at }) => {
      if (at.family !== 'gemini' || own.reasoning_effort === undefined || !ours.thinking) return false;
      for (const body of [own, ours]) drop(body, THINKING);
      return true;
    },
  },
  {
    name: 'reasoning is asked for',
    fact: 'Its client asks a gateway for none, whatever the thinking level, unless `compat` says that the model takes an effort.',
    take: ({ own, ours, isGeneric }) => isGeneric && THINKING.every((name) => own[name] === undefined) && drop(ours, THINKING),
  },
  {
    name: 'an effort that the model has',
    fact: 'Providers refuse a word that the model does not know (`Unsupported value`), and any where the model does not reason.',
    take: ({ own, ours, at }) => {
      const efforts = [own, ours].map((body) => body.reasoning_effort ?? body.reasoning?.effort);
      if (at.family === 'alias' || efforts[0] === efforts[1]) return false;
      const hasOne = ['gpt', 'o', 'gemini', 'gemini 3', 'deepseek'].includes(at.family) && at.level !== 'off';
      if (hasOne && efforts[1] === undefined) return false;
      return [own, ours].filter((body) => drop(body, ['reasoning_effort', 'reasoning'])).length > 0;
    },
  },
  {
    name: 'the limit by the name and the size that the model has',
    fact:
      "OpenAI's reasoning models refuse `max_tokens`, and every provider refuses a limit above its own. OpenClaw's default, " +
      '8,192, cuts off longer answers.',
    take: ({ own, ours, at, isGeneric }) => {
      const named = at.compat === 'max_tokens';
      if (
        LIMITS.every((name) => own[name] === ours[name]) ||
        (named && ours.max_tokens === undefined) ||
        limitOf(ours) === undefined
      )
        return false;
      if (limitOf(ours) < limitOf(own) && !(isGeneric || ['gpt without reasoning', 'mistral', 'o'].includes(at.family)))
        return false;
      for (const body of [own, ours]) drop(body, LIMITS);
      return true;
    },
  },
  {
    name: '`developer` for OpenAI alone',
    fact: 'The other providers know no such role.',
    take: ({ own, ours, at }) => {
      const [theirs, mine] = [system(own), system(ours)];
      if (/^(gpt|o$|alias)/.test(at.family) || theirs?.role !== 'developer' || mine?.role !== 'system') return false;
      theirs.role = 'system';
      return true;
    },
  },
  {
    name: 'images reach models that take them',
    fact: 'Where the user wrote only the id of a model, OpenClaw takes it for one without image input, and leaves images out.',
    take: ({ own, ours, isGeneric, at }) => {
      const shows = (/** @type {Json} */ body) => /image_url|file_data|\(image without data\)/.test(JSON.stringify(body.messages));
      if (!isGeneric || at.row !== 'nothing' || !shows(ours) || shows(own)) return false;
      const isOfTool = (/** @type {Json} */ { content }) =>
        Array.isArray(content) && String(content[0].text).startsWith('Image(s) from tool result');
      const isAfterwards = (/** @type {Json} */ { content }) => content === 'I have processed the tool results.';
      for (const body of [own, ours]) {
        body.messages = body.messages.filter((/** @type {Json} */ message) => !isOfTool(message) && !isAfterwards(message));
        for (const message of body.messages) {
          const parts = Array.isArray(message.content) ? message.content : [{ text: message.content ?? '' }];
          message.content = parts
            .map((/** @type {Json} */ { text = '' }) => text.replace(OMITTED, '').trim())
            .filter(Boolean)
            .join('\n');
        }
      }
      return true;
    },
  },
];
