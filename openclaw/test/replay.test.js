/** Reasoning of past turns, around a builder that would lose it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeReasoning } from '../src/replay.js';
import { buildOpenAICompletionsParams } from './builder.mjs';

const model = /** @type {any} */ ({ id: 'm', provider: 'portkey', api: 'openai-completions' });
const turn = (/** @type {any[]} */ content, from = {}) =>
  /** @type {any} */ ({ role: 'assistant', provider: 'portkey', api: 'openai-completions', model: 'm', content, ...from });
const text = (/** @type {string} */ text) => ({ type: 'text', text });
const thinking = (/** @type {string} */ thinking, /** @type {string | undefined} */ thinkingSignature) => ({
  type: 'thinking',
  thinking,
  thinkingSignature,
});
const call = (/** @type {string | undefined} */ thoughtSignature) => ({
  type: 'toolCall',
  id: 'c',
  name: 'f',
  arguments: {},
  thoughtSignature,
});

/** The messages of the body, but for `role`. @param {any[]} messages */
function written(messages, to = model) {
  const { messages: left, putInto } = takeReasoning(to, messages);
  const body = buildOpenAICompletionsParams(to, { messages: left, systemPrompt: undefined, tools: undefined }, {});
  putInto(body);
  return body.messages.map((/** @type {any} */ { role: _, ...rest }) => rest);
}

const CALL = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };

/** @type {[name: string, content: any[], expected: object][]} */
const TURNS = [
  [
    'signed, in the order of the turn',
    [thinking('hm', 's1'), text('a'), thinking('so', 's2'), text(' '), text('b')],
    {
      content: 'a\nb',
      content_blocks: [
        { type: 'thinking', thinking: 'hm', signature: 's1' },
        { type: 'text', text: 'a' },
        { type: 'thinking', thinking: 'so', signature: 's2' },
        { type: 'text', text: 'b' },
      ],
    },
  ],
  [
    'omitted: a signature alone',
    [thinking('', 's1'), text('a')],
    {
      content: 'a',
      content_blocks: [
        { type: 'thinking', thinking: '', signature: 's1' },
        { type: 'text', text: 'a' },
      ],
    },
  ],
  [
    'redacted, before a call',
    [thinking('', 'redacted_thinking:x'), call(undefined)],
    {
      content: null,
      tool_calls: [CALL],
      content_blocks: [{ type: 'thinking', thinking: '', signature: 'redacted_thinking:x' }, { type: 'tool_call' }],
    },
  ],
  [
    'between two calls',
    [thinking('hm', 's1'), call(undefined), thinking('so', 's2'), call(undefined)],
    {
      content: null,
      tool_calls: [CALL, CALL],
      content_blocks: [
        { type: 'thinking', thinking: 'hm', signature: 's1' },
        { type: 'tool_call' },
        { type: 'thinking', thinking: 'so', signature: 's2' },
        { type: 'tool_call' },
      ],
    },
  ],
  [
    'encrypted details',
    [thinking('hm', 'reasoning_details:[{"type":"reasoning.encrypted"}]'), text('a')],
    {
      content: 'a',
      content_blocks: [
        { type: 'thinking', thinking: 'hm', signature: 'reasoning_details:[{"type":"reasoning.encrypted"}]' },
        { type: 'text', text: 'a' },
      ],
    },
  ],
  [
    'unsigned, in the field that it came in',
    [thinking('hm', 'reasoning_content'), text('a')],
    { content: 'a', reasoning_content: 'hm' },
  ],
  [
    'unsigned, in several pieces',
    [thinking('hm', 'reasoning'), text('a'), thinking('so', 'reasoning')],
    { content: 'a', reasoning: 'hm\nso' },
  ],
  [
    'unsigned beside signed',
    [thinking('hm', 'reasoning'), thinking('so', 's'), text('a')],
    {
      content: 'a',
      content_blocks: [
        { type: 'thinking', thinking: 'hm', signature: 'reasoning' },
        { type: 'thinking', thinking: 'so', signature: 's' },
        { type: 'text', text: 'a' },
      ],
    },
  ],
  ["of OpenClaw's own client", [thinking('hm', 'reasoning_details'), text('a')], { content: 'a', reasoning: 'hm' }],
  [
    'without a signature',
    [thinking('hm', undefined), text('a')],
    {
      content: 'a',
      content_blocks: [
        { type: 'thinking', thinking: 'hm', signature: undefined },
        { type: 'text', text: 'a' },
      ],
    },
  ],
  [
    'calls alike, of which one is signed',
    [call(undefined), call('3')],
    { content: null, tool_calls: [CALL, { ...CALL, extra_content: { signature: '3' } }] },
  ],
];

for (const [name, content, expected] of TURNS) test(name, () => assert.deepEqual(written([turn(content)]), [expected]));

test('a turn that is left out keeps the others in place', () => {
  const messages = [
    turn([thinking('lost', 's0'), text('x')]),
    { role: 'user', content: 'u' },
    turn([thinking('kept', 's1'), text('a')]),
  ];
  const { messages: left, putInto } = takeReasoning(model, messages);
  const body = buildOpenAICompletionsParams(model, { messages: left.slice(1), systemPrompt: undefined, tools: undefined }, {});
  putInto(body);
  assert.deepEqual(
    body.messages.map((/** @type {any} */ { content_blocks }) => content_blocks?.[0].thinking),
    [undefined, 'kept'],
  );
});

test("another model's turn, and one whose reasoning is to be text, are the builder's", () => {
  const messages = [turn([thinking('hm', 's'), text('a')], { model: 'other' })];
  assert.equal(takeReasoning(model, messages).messages[0], messages[0]);
  const own = [turn([thinking('hm', 's'), text('a')])];
  assert.equal(takeReasoning({ ...model, compat: { requiresThinkingAsText: true } }, own).messages[0], own[0]);
  assert.notEqual(takeReasoning(model, own).messages[0], own[0]);
});

test('a signature that is a member of JavaScript is a signature', () => {
  for (const signature of ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'portkey_turn', 'content', 'role', 'tool_calls']) {
    const turn = { role: 'assistant', provider: 'portkey', api: 'openai-completions', model: 'm', content: [{ type: 'thinking', thinking: 'hm', thinkingSignature: signature }, { type: 'text', text: 'x' }] };
    const { messages, putInto } = takeReasoning(model, /** @type {any} */ ([turn]));
    const mark = /** @type {any} */ (messages[0]).content[0];
    const body = { messages: [{ role: 'assistant', content: 'x', [mark.thinkingSignature]: mark.thinking }] };
    putInto(body);
    assert.deepEqual(body.messages, [{ role: 'assistant', content: 'x', content_blocks: [{ type: 'thinking', thinking: 'hm', signature }, { type: 'text', text: 'x' }] }], signature);
  }
});
