/** The name of a model as OpenClaw reads it: the same as `host-harness/boundary/src/model_name.rs`. */

/** What may stand behind an `@` and is part of the name: a date, and a quantization (`q4_k_m`, `8bit`). */
const VERSIONS = [/^\d{8}$/, /^(?:\d+bit|i?q\d+(?:_[a-z\d]+)*)$/i];

/** `provider/model@profile` as two: the profile is one of the user's keys. @param {string} name @returns {[model: string, profile?: string]} */
export function splitProfile(name) {
  name = name.trim();
  const next = (/** @type {number} */ from) => name.indexOf('@', from);
  let sign = next(name.lastIndexOf('/') + 1);
  for (const version of VERSIONS) {
    if (sign > 0 && version.test(name.slice(sign + 1).split('@', 1)[0])) sign = next(sign + 1);
  }
  const [model, profile] = [name.slice(0, sign).trim(), name.slice(sign + 1).trim()];
  return sign <= 0 || !model || !profile ? [name] : [model, profile];
}
