/** Translates the component's typed errors into those that OpenClaw understands. */

/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Error} ComponentError */

/** OpenClaw's reason for trying another model or key. A kind that is not here is left to OpenClaw's own reading of the message. */
const FAILOVER = /** @type {const} */ ({
  'missing-credential': 'auth',
  unauthorized: 'auth',
  forbidden: 'auth',
  'quota-exceeded': 'billing',
  'rate-limited': 'rate_limit',
  'not-found': 'model_not_found',
  overloaded: 'server_error',
  timeout: 'timeout',
  transport: 'timeout',
  truncated: 'timeout',
  other: 'server_error',
  'model-refused': 'rate_limit', // the one reason that shows our words and rests this model alone, or the key if another fails meanwhile
});

/** Whether earlier reasoning is refused, which a model provider signed or sealed. Google says that a signature is missing of calls that have none. @param {ComponentError} error */
const isOfReasoning = ({ code, message }) => code === 'invalid_encrypted_content' || /encrypted content/i.test(message)
  || (/thought.?signature/i.test(message) && !/missing/i.test(message));

/** Kinds for which OpenClaw rests a key, for all its models. */
const OF_KEYS = ['unauthorized', 'forbidden', 'quota-exceeded'];

/** The component's own words where the gateway refuses one model or one provider. */
const OF_A_MODEL = /^(Allow this model|The budget of this provider)/;

/**
 * Whether a model provider's key or budget is at fault. Portkey's key is good, then, and other models answer: the fallbacks that
 * OpenClaw would skip.
 * @param {ComponentError} error
 */
const isOfModel = ({ kind, origin, hint }) => OF_KEYS.includes(kind) && (origin === 'upstream' || OF_A_MODEL.test(hint ?? ''));

/** OpenClaw shows no longer words of a `rate_limit`, but "API rate limit reached. Please try again later". */
const LONGEST_SHOWN = 300;

/** A longer trace id is not one. */
const LONGEST_TRACE = 100;

/** @param {string} text @param {number} length */
const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1).trimEnd()}…`.toWellFormed() : text);

/** A failed call. `type` is the component's error kind, or `model-refused`. */
export class PortkeyError extends Error {
  /** @param {ComponentError} error */
  constructor(error) {
    const { kind, status, message, hint, traceId, retryAfterMs } = error;
    const ofModel = isOfModel(error);
    // By these words OpenClaw does not wait and ask again, up to nine times; and of a `rate_limit` it shows only texts with words like them.
    const note = kind === 'quota-exceeded' ? ' (out of budget or quota)' : ofModel ? ' (or see its plan and subscription)' : '';
    const end = note + (traceId && traceId.length <= LONGEST_TRACE ? ` (trace id ${traceId})` : '');
    // OpenClaw ends it with a full stop.
    const say = (/** @type {string} */ words) => [words, hint].filter(Boolean).map((text) => String(text).replace(/[^.!?…]$/, '$&.')).join(' ').replace(/\.$/, '');
    let words = say(message);
    const over = words.length + end.length - LONGEST_SHOWN;
    if (ofModel && over > 0) words = cut(say(cut(message, Math.max(50, message.length - over))), LONGEST_SHOWN - end.length);
    const sentences = words + end;
    const ofReasoning = isOfReasoning(error);
    // Of what is used up OpenClaw would take it for a short while.
    const isUsedUp = ofModel || kind === 'quota-exceeded';
    const wait = retryAfterMs === undefined || isUsedUp ? '' : `; Retry-After: ${Number(retryAfterMs) / 1000} seconds`;
    // A stream may fail after a good head. By a status or a code OpenClaw would take it for the key's, whatever we say.
    const refusal = status !== undefined && status >= 300 && !ofModel ? status : undefined;
    // in these words OpenClaw knows that it may ask again without the thinking of earlier turns
    super((refusal ? `${refusal}: ${sentences}` : sentences) + (ofReasoning ? ' (invalid thinking)' : '') + wait);
    this.name = 'PortkeyError';
    this.ofReasoning = ofReasoning;
    this.type = ofModel ? 'model-refused' : kind;
    this.status = status;
    this.code = ofModel ? undefined : error.code ?? refusal?.toString();
  }
}

/**
 * What was thrown, as an Error: the component's own as a PortkeyError.
 * @param {any} thrown
 * @returns {Error & { type?: string, ofReasoning?: boolean, code?: string, errorCode?: string, status?: number }}
 */
export function toError(thrown) {
  const error = thrown?.payload ?? thrown;
  if (error instanceof Error) return error;
  return error?.kind ? new PortkeyError(error) : new Error(String(error?.message ?? error));
}

/**
 * Who refused, in OpenClaw's terms: it then says so to the user, and asks nobody again. From a refusal with another status it turns to
 * another model.
 * @param {{ type?: string, status?: number }} error
 */
export function refusalOf({ type, status = 200 }) {
  if (type !== 'content-blocked') return undefined;
  return status === 446 ? 'guardrail' : status < 300 ? 'content_filter' : undefined;
}

/** Words of a service that is overloaded. Any other that failed is broken, which is another reason to OpenClaw. */
const OVERLOADED = /overload|at capacity|unavailable|high (demand|load)/i;

/** The component's own words for a conversation that is too long, whatever the model provider's are. */
const TOO_LONG = "longer than the model's context";

/** @typedef {{ errorMessage?: string, errorType?: string, status?: number, code?: string }} Failure a failed call, as OpenClaw knows it */

/** @param {Failure} failure @returns {typeof FAILOVER[keyof typeof FAILOVER] | 'overloaded' | undefined} */
export function classifyFailoverReason({ errorMessage = '', errorType, status, code }) {
  if (errorType === 'overloaded' && OVERLOADED.test(errorMessage)) return 'overloaded';
  // OpenClaw's own reading is finer: a revoked key and a wrong one, a bad certificate and a broken connection
  if (!errorType?.startsWith('model-') && (status === 401 || status === 403 || (errorType === 'transport' && code))) return undefined;
  return FAILOVER[/** @type {keyof typeof FAILOVER} */ (errorType)];
}

/** Whether OpenClaw is to make the conversation shorter. @param {Failure} failure */
export const matchesContextOverflowError = ({ errorMessage = '', errorType }) => errorType === 'invalid-request' && errorMessage.includes(TOO_LONG);
