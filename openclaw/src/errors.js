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
  overloaded: 'overloaded',
  timeout: 'timeout',
  transport: 'timeout',
  truncated: 'timeout',
});

/** A failed call. `type` is the component's error kind. */
export class PortkeyError extends Error {
  /** @param {ComponentError} error */
  constructor(error) {
    const { status, message, hint, traceId, retryAfterMs } = error;
    // OpenClaw ends it with a full stop.
    const sentences = [message, hint].filter(Boolean).map((text) => String(text).replace(/[^.!?]$/, '$&.')).join(' ').replace(/\.$/, '')
      + (traceId ? ` (trace id ${traceId})` : '');
    const wait = retryAfterMs === undefined ? '' : `; Retry-After: ${Math.ceil(Number(retryAfterMs) / 1000)} seconds`;
    super((status === undefined ? sentences : `${status}: ${sentences}`) + wait);
    this.name = 'PortkeyError';
    this.type = error.kind;
    this.status = status;
    this.code = error.code ?? status?.toString();
  }
}

/**
 * What was thrown, as an Error: the component's own as a PortkeyError.
 * @param {any} thrown
 * @returns {Error & { type?: string, code?: string, status?: number }}
 */
export function toError(thrown) {
  const error = thrown?.payload ?? thrown;
  if (error instanceof Error) return error;
  return error?.kind ? new PortkeyError(error) : new Error(String(error?.message ?? error));
}

/** @param {{ errorType?: string }} context @returns {typeof FAILOVER[keyof typeof FAILOVER] | undefined} */
export const classifyFailoverReason = ({ errorType }) => FAILOVER[/** @type {keyof typeof FAILOVER} */ (errorType)];
