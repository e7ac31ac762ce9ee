/**
 * Tells Portkey's logs who makes a call: OpenClaw's own ids of agent, session, turn and call. They go into the metadata and the
 * trace headers, unless the user set the same name there or turned the option `attribution` off.
 */
import { createHash } from 'node:crypto';
import { headerJson, parsed } from './secrets.js';

/** @typedef {[name: string, value: string]} Header */

/**
 * @typedef {object} Call
 * @property {string} [agentId]
 * @property {string} [sessionId]
 * @property {string} [requestId] of this call: the run's, and behind it the number of the call
 * @property {Record<string, string>} [headers] for this call
 */

/** The longest value of metadata that Portkey takes. Source: Portkey docs, "Metadata". */
const LONGEST = 128;
const HASH = 16;

const METADATA = 'x-portkey-metadata';
const TRACE = 'x-portkey-trace-id';
const SPAN = 'x-portkey-span-id';

/** In printable ASCII, and no longer than Portkey takes: what is changed for it ends in its digest, so that no two become one. @param {unknown} id */
export function bounded(id) {
  const text = typeof id === 'string' ? id.trim() : '';
  if (!text) return undefined;
  const safe = text.replace(/[^\x20-\x7e]/gu, '_');
  if (safe === text && text.length <= LONGEST) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, HASH);
  return `${safe.slice(0, LONGEST - HASH - 1)}~${digest}`;
}

/** @param {readonly (readonly [string, string])[]} headers @param {string} wanted */
const valueOf = (headers, wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];

/** @param {string | undefined} text @returns {any} none where it is no object of JSON */
function objectIn(text) {
  const json = text === undefined ? {} : parsed(text);
  return Array.isArray(json) ? undefined : json;
}

/**
 * The headers of a call with its ids in them. What the user set stays, and what is hidden from the component is left alone.
 * @param {readonly Header[]} headers of the connection
 * @param {readonly string[]} hidden names of those that are filled in later, or attached beside
 * @param {Call} call
 * @returns {Header[]}
 */
export function attributed(headers, hidden, { agentId, sessionId, requestId, headers: extra = {} }) {
  const out = headers.map((header) => /** @type {Header} */ ([...header]));
  const given = [...out, ...Object.entries(extra)];
  const isFree = (/** @type {string} */ name) => valueOf(given, name) === undefined && !hidden.includes(name);

  const turn = requestId?.replace(/:model:\d+$/, '');
  const ids = Object.entries({ openclaw_agent: agentId, openclaw_session: sessionId, openclaw_turn: turn, openclaw_call: requestId })
    .flatMap(([name, id]) => { const value = bounded(id); return value ? [[name, value]] : []; });
  const at = out.findIndex(([name]) => name.toLowerCase() === METADATA);
  const own = hidden.includes(METADATA) || valueOf(Object.entries(extra), METADATA) !== undefined ? undefined : objectIn(out[at]?.[1]);
  if (own && ids.length) {
    const header = /** @type {Header} */ ([METADATA, headerJson(JSON.stringify({ ...Object.fromEntries(ids), ...own }))]);
    if (at < 0) out.push(header);
    else out[at] = header;
  }
  // the trace that OpenClaw's own log and its telemetry know the call by, else the turn
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(valueOf(Object.entries(extra), 'traceparent') ?? '')?.[1] ?? bounded(turn);
  const span = bounded(requestId);
  if (trace && isFree(TRACE)) {
    out.push([TRACE, trace]);
    // a span is one of a trace, and of the user's traces OpenClaw knows nothing
    if (span && isFree(SPAN)) out.push([SPAN, span]);
  }
  return out;
}
