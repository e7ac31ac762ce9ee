/**
 * Cases in which every two values of different dimensions meet at least once: a fault that takes two of them is found, and one
 * that takes three mostly. The same at every run.
 * @template {Record<string, readonly string[]>} D
 * @param {D} dimensions
 * @returns {{ [K in keyof D]: string }[]}
 */
export function pairwise(dimensions) {
  const names = Object.keys(dimensions);
  const key = (/** @type {string} */ a, /** @type {string} */ x, /** @type {string} */ b, /** @type {string} */ y) =>
    `${a}=${x}&${b}=${y}`;
  /** @type {Map<string, [string, string, string, string]>} */ const missing = new Map();
  names.forEach((a, i) =>
    names.slice(i + 1).forEach((b) => {
      for (const x of dimensions[a]) for (const y of dimensions[b]) missing.set(key(a, x, b, y), [a, x, b, y]);
    }),
  );
  const cases = [];
  for (let [next] = missing.values(); next; [next] = missing.values()) {
    const [a, x, b, y] = next;
    /** @type {Record<string, string>} */ const row = { [a]: x, [b]: y };
    for (const name of names) {
      if (name in row) continue;
      // the value that meets most of the others for the first time
      const gain = (/** @type {string} */ value) =>
        names.filter(
          (other) =>
            other in row &&
            missing.has(
              names.indexOf(name) < names.indexOf(other)
                ? key(name, value, other, row[other])
                : key(other, row[other], name, value),
            ),
        ).length;
      const at = cases.length % dimensions[name].length; // of several that are as good, each has its turn
      const values = [...dimensions[name].slice(at), ...dimensions[name].slice(0, at)];
      row[name] = values.reduce((best, value) => (gain(value) > gain(best) ? value : best));
    }
    names.forEach((c, i) => names.slice(i + 1).forEach((d) => missing.delete(key(c, row[c], d, row[d]))));
    cases.push(/** @type {any} */ (row));
  }
  return cases;
}
