/** The wasi:http error code for what `fetch` threw. */

/** An error and what caused it. @param {any} e @returns {any[]} */
export function causes(e) {
  const all = [];
  for (let cause = e; cause && all.length < 8; cause = cause.cause) all.push(cause);
  return all;
}

/** @param {any} e @param {import('./mask.js').Mask} mask */
export function failure(e, mask) {
  if (e?.tag) return typeof e.val === 'string' ? { ...e, val: mask.text(e.val).slice(0, 200) } : e;
  for (const cause of causes(e)) {
    switch (cause.code) {
      case 'ECONNREFUSED': return { tag: 'connection-refused' };
      case 'ENOTFOUND': case 'EAI_AGAIN': return { tag: 'DNS-error', val: { rcode: cause.code, infoCode: undefined } };
      case 'ECONNRESET': case 'EPIPE': case 'UND_ERR_SOCKET': return { tag: 'connection-terminated' };
      case 'ETIMEDOUT': case 'UND_ERR_CONNECT_TIMEOUT': return { tag: 'connection-timeout' };
      case 'UND_ERR_HEADERS_TIMEOUT': return { tag: 'HTTP-response-timeout' };
      case 'UND_ERR_BODY_TIMEOUT': return { tag: 'connection-read-timeout' };
      case 'CERT_HAS_EXPIRED': case 'DEPTH_ZERO_SELF_SIGNED_CERT': case 'SELF_SIGNED_CERT_IN_CHAIN':
      case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': case 'ERR_TLS_CERT_ALTNAME_INVALID': return { tag: 'TLS-certificate-error' };
    }
    // TLS where the other side speaks none, or another version.
    if (String(cause.code).startsWith('ERR_SSL_')) return { tag: 'TLS-protocol-error' };
    if (cause.name === 'SsrFBlockedError') return { tag: 'destination-IP-prohibited' };
    if (cause.name === 'TimeoutError') return { tag: 'HTTP-response-timeout' };
  }
  // fetch itself says no more than `fetch failed`
  const said = causes(e).flatMap(({ message }) => message || []).join(': ') || String(e);
  return { tag: 'internal-error', val: e?.name === 'AbortError' ? 'aborted' : mask.text(said) };
}
