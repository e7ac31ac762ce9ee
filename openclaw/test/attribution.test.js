/** Ids of agents' calls: bounded, in ASCII, and never over what the user set. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributed, bounded } from '../src/attribution.js';

const CALL = { agentId: 'main', sessionId: 's-1', requestId: 'run-7:model:2' };
const IDS = { openclaw_agent: 'main', openclaw_session: 's-1', openclaw_turn: 'run-7', openclaw_call: 'run-7:model:2' };

/** @param {[string, string][]} headers @param {object} [call] @param {string[]} [hidden] @returns {Record<string, any>} */
function sent(headers, call = CALL, hidden = []) {
  const { 'x-portkey-metadata': metadata, ...rest } = Object.fromEntries(attributed(headers, hidden, call).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...rest, ...(metadata && { metadata: JSON.parse(metadata) }) };
}

test('all ids go along', () => {
  assert.deepEqual(sent([['x-portkey-config', 'pc-1']]), { 'x-portkey-config': 'pc-1', metadata: IDS, 'x-portkey-trace-id': 'run-7', 'x-portkey-span-id': 'run-7:model:2' });
  const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  assert.equal(sent([], { ...CALL, headers })['x-portkey-trace-id'], 'a'.repeat(32));
  assert.deepEqual(sent([], {}), {});
});

test('what the user set stays', () => {
  const own = /** @type {[string, string][]} */ ([['X-Portkey-Metadata', '{"_user":"ana","openclaw_agent":"mine"}'], ['x-portkey-trace-id', 'nightly']]);
  const before = structuredClone(own);
  assert.deepEqual(sent(own), { metadata: { ...IDS, openclaw_agent: 'mine', _user: 'ana' }, 'x-portkey-trace-id': 'nightly' });
  assert.deepEqual(own, before, 'the connection is one that others use too');
  for (const headers of [{ 'X-Portkey-Metadata': '{}', 'x-portkey-trace-id': 'h' }]) assert.deepEqual(sent([], { ...CALL, headers }), {});
  assert.deepEqual(sent([['x-portkey-span-id', 'mine']])['x-portkey-span-id'], 'mine');
  // what is filled in later, and what is no object, is left as it is
  assert.deepEqual(attributed([['x-portkey-metadata', 'mark']], ['x-portkey-metadata'], CALL)[0], ['x-portkey-metadata', 'mark']);
  assert.deepEqual(attributed([['x-portkey-metadata', '[1']], [], CALL)[0], ['x-portkey-metadata', '[1']);
});

test('what stands beside the user\'s own words is a header still, in ASCII and on one line', () => {
  for (const own of ['{"team":"\\u65e5\\u672c \\ud83d\\ude00"}', '{"a":"x\\r\\ny","b":"\\u0000\\u007f\\u2028"}']) {
    const value = /** @type {[string, string]} */ (attributed([['x-portkey-metadata', own]], [], CALL)[0])[1];
    assert.match(value, /^[\x20-\x7e]+$/);
    assert.deepEqual(JSON.parse(value), { ...IDS, ...JSON.parse(own) });
  }
});

test('no id is a member of another, of a header or of JavaScript', () => {
  for (const id of ['","_user":"root', 'a\r\nx-portkey-api-key: mine', '__proto__', 'constructor', '${PORTKEY_API_KEY}', '\ud800', 'x'.repeat(1 << 20)]) {
    const given = sent([], { agentId: id, sessionId: id, requestId: id });
    assert.deepEqual(Object.keys(given.metadata), Object.keys(IDS), id);
    for (const value of [...Object.values(given.metadata), given['x-portkey-trace-id']]) assert.match(value, /^[\x20-\x7e]{1,128}$/);
  }
  assert.deepEqual(sent([['x-portkey-metadata', '{"__proto__":{"openclaw_agent":"mine"}}']]).metadata.openclaw_agent, 'main');
  assert.equal(sent([], { ...CALL, headers: { traceparent: `00-${'a'.repeat(32)}\r\nx: y-` } })['x-portkey-trace-id'], 'run-7');
});

test('an id is bounded, and in ASCII', () => {
  assert.equal(bounded(' main '), 'main');
  for (const id of ['x'.repeat(129), 'Zoë', 'a\nb', '日本'.repeat(100)]) {
    assert.match(/** @type {string} */ (bounded(id)), /^[\x20-\x7e]{1,128}$/);
    assert.match(/** @type {string} */ (bounded(id)), /~[0-9a-f]{16}$/);
  }
  assert.notEqual(bounded('Zoë'), bounded('Zoé'));
  for (const none of ['', '  ', undefined, 7]) assert.equal(bounded(none), undefined);
});
