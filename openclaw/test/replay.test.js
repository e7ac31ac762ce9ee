/** Reasoning of past turns, around a builder that would lose it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeReasoning } from '../src/replay.js';
import { buildOpenAICompletionsParams } from './builder.mjs';

const model = /** @type {any} */ ({ id: 'm', provider: 'portkey', api: 'openai-completions' });
const turn = (/** @type {any[]} */ content, from = {}) =>
  /** @type {any} */ ({ role: 'assistant', provider: 'portkey', api: 'openai-completions', model: 'm', content, ...from });
const text = (/** @type {string} */ text) => ({ type: 'text', text });
const thinking = (/** @type {string} */ thinking, /** @type {string | undefined} */ thinkingSignature) => ({ type: 'thinking', thinking, thinkingSignature });
const call = (/** @type {string} */ thoughtSignature = /** @type {any} */ (undefined)) => ({ type: 'toolCall', id: 'c', name: 'f', arguments: {}, thoughtSignature });

/** The messages of the body, but for `role`. @param {any[]} messages */
function written(messages, to = model) {
  const { messages: left, putInto } = takeReasoning(to, messages);
  const body = buildOpenAICompletionsParams(to, { messages: left, systemPrompt: undefined, tools: undefined }, {});
  putInto(body);
  return body.messages.map((/** @type {any} */ { role: _, ...rest }) => rest);
}

const CALL = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
const CALL_BLOCK = { type: 'tool_call' };
const block = (/** @type {string} */ thinking, /** @type {string | undefined} */ signature) => ({ type: 'thinking', thinking, signature });
const details = 'reasoning_details:[{"type":"reasoning.encrypted"}]';

/** @type {[name: string, content: any[], expected: object][]} */
const TURNS = [
  ['signed, in the order of the turn', [thinking('hm', 's1'), text('a'), thinking('so', 's2'), text(' '), text('b')],
    { content: 'a\nb', content_blocks: [block('hm', 's1'), text('a'), block('so', 's2'), text('b')] }],
  ['omitted: a signature alone', [thinking('', 's1'), text('a')], { content: 'a', content_blocks: [block('', 's1'), text('a')] }],
  ['redacted, before a call', [thinking('', 'redacted_thinking:x'), call()],
    { content: null, tool_calls: [CALL], content_blocks: [block('', 'redacted_thinking:x'), CALL_BLOCK] }],
  ['between two calls', [thinking('hm', 's1'), call(), thinking('so', 's2'), call()],
    { content: null, tool_calls: [CALL, CALL], content_blocks: [block('hm', 's1'), CALL_BLOCK, block('so', 's2'), CALL_BLOCK] }],
  ['encrypted details', [thinking('hm', details), text('a')], { content: 'a', content_blocks: [block('hm', details), text('a')] }],
  ['unsigned, in the field that it came in', [thinking('hm', 'reasoning_content'), text('a')], { content: 'a', reasoning_content: 'hm' }],
  ['unsigned, in several pieces', [thinking('hm', 'reasoning'), text('a'), thinking('so', 'reasoning')], { content: 'a', reasoning: 'hm\nso' }],
  ['unsigned beside signed', [thinking('hm', 'reasoning'), thinking('so', 's'), text('a')],
    { content: 'a', content_blocks: [block('hm', 'reasoning'), block('so', 's'), text('a')] }],
  ["of OpenClaw's own client", [thinking('hm', 'reasoning_details'), text('a')], { content: 'a', reasoning: 'hm' }],
  ['without a signature', [thinking('hm', undefined), text('a')], { content: 'a', content_blocks: [block('hm', undefined), text('a')] }],
  ['calls alike, of which one is signed', [call(), call('3')], { content: null, tool_calls: [CALL, { ...CALL, extra_content: { signature: '3' } }] }],
];

for (const [name, content, expected] of TURNS) test(name, () => assert.deepEqual(written([turn(content)]), [expected]));

test('a turn that is left out keeps the others in place', () => {
  const messages = [turn([thinking('lost', 's0'), text('x')]), { role: 'user', content: 'u' }, turn([thinking('kept', 's1'), text('a')])];
  const { messages: left, putInto } = takeReasoning(model, messages);
  const body = buildOpenAICompletionsParams(model, { messages: left.slice(1), systemPrompt: undefined, tools: undefined }, {});
  putInto(body);
  assert.deepEqual(body.messages.map((/** @type {any} */ { content_blocks }) => content_blocks?.[0].thinking), [undefined, 'kept']);
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
    const { messages, putInto } = takeReasoning(model, [turn([thinking('hm', signature), text('x')])]);
    const mark = /** @type {any} */ (messages[0]).content[0];
    const body = { messages: [{ role: 'assistant', content: 'x', [mark.thinkingSignature]: mark.thinking }] };
    putInto(body);
    assert.deepEqual(body.messages, [{ role: 'assistant', content: 'x', content_blocks: [block('hm', signature), text('x')] }], signature);
  }
});
