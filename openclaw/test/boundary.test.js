/** The boundary's rules, by the fixtures that the Rust host is tested with too. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withoutTakenAliases } from '../src/aliases.js';
import { Mask } from '../src/mask.js';
import { checkMerge } from '../src/merge-check.js';
import { originOf, samePlace } from '../src/origin.js';
import { namesASecret, secretsIn } from '../src/secrets.js';
import { View } from '../src/view.js';

const KEY = 'pk-boundary-5f0c9a71b2e4';
const configured = (/** @type {object} */ entry) => ({ models: { providers: { portkey: { baseUrl: 'http://127.0.0.1:9/v1', ...entry } } } });

/** @param {string} name @returns {any} */
const fixture = (name) => JSON.parse(readFileSync(new URL(`../../tests/fixtures/boundary/${name}.json`, import.meta.url), 'utf8'));

test('what is secret is known by its name', () => {
  const { secret, plain } = fixture('names');
  for (const name of secret) assert.ok(namesASecret(name), name);
  for (const name of plain) assert.ok(!namesASecret(name), name);
});

test('what is looked for in answers', () => {
  const { cases, ordinary } = fixture('values');
  for (const { value, secrets } of cases) {
    const found = secretsIn(value);
    for (const secret of secrets) assert.ok(found.includes(secret), `${secret} in ${JSON.stringify(found)}, of ${value}`);
  }
  for (const { value, not } of ordinary) for (const word of not) assert.ok(!secretsIn(value).includes(word), `${word} of ${value}`);
});

/** @param {Mask} made @param {Buffer} text @param {number[]} cuts */
function inPieces(made, text, cuts) {
  const mask = Object.assign(new Mask([]), { ...made }); // forms are the same for all cuts
  const out = [];
  let from = 0;
  for (const to of [...cuts, text.length]) {
    out.push(Buffer.from(mask.push(text.subarray(from, to))));
    from = to;
  }
  out.push(mask.finish());
  return Buffer.concat(out).toString();
}

test('a secret is masked however it is written and wherever the answer is cut', () => {
  const { cases, header_names } = fixture('masks');
  for (const { secrets, text, masked } of cases) {
    const mask = new Mask(secrets);
    assert.equal(mask.text(text), masked);
    const bytes = Buffer.from(text);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) assert.equal(inPieces(mask, bytes, [first, second]), masked, `cut at ${first} and ${second}`);
    }
    assert.equal(inPieces(mask, bytes, Array.from(bytes, (_, at) => at)), masked, 'byte by byte');
  }
  for (const { secrets, name, kept } of header_names) assert.equal(new Mask(secrets).isIn(name), !kept, name);
});

test('an origin is the same however it is written, and no other', () => {
  const { same, different, refused, no_addresses } = fixture('origins');
  for (const { a, b } of same) assert.equal(originOf(a), originOf(b), `${a} and ${b}`);
  for (const { a, b } of different) assert.ok(!samePlace(a, b), `${a} and ${b}`);
  for (const url of [...refused, ...no_addresses]) {
    assert.throws(() => originOf(url), (/** @type {any} */ error) => error.type === 'invalid-config' && !error.message.includes('hunter22'), url);
  }
});

/** @param {any} document @param {any[]} edits */
function edited(document, edits) {
  let root = structuredClone(document);
  for (const { set, to, remove } of edits) {
    const steps = (set ?? remove).split('/').slice(1).map((/** @type {string} */ step) => step.replaceAll('~1', '/'));
    const last = steps.pop();
    if (last === undefined) {
      root = to;
      continue;
    }
    const place = steps.reduce((/** @type {any} */ at, /** @type {string} */ step) => at[step] ??= {}, root);
    if (set === undefined) delete place[last];
    else Object.defineProperty(place, last, { value: to, enumerable: true, configurable: true, writable: true });
  }
  return root;
}

test('an alias that another model goes by is left out', () => {
  const { id, model, alias, cases } = fixture('aliases');
  for (const { name, kept, config } of cases) {
    const defaults = config.agents?.defaults ?? {};
    const written = (/** @type {any} */ added) => ({ ...config, agents: { ...config.agents, defaults: { ...defaults, models: { ...defaults.models, [model]: { params: { seed: 1 }, ...added } } } } });
    const [before, merged] = [structuredClone(config), written({ alias })];
    assert.deepEqual(withoutTakenAliases(config, merged, id), written(kept && { alias }), name);
    assert.deepEqual([config, merged], [before, written({ alias })], `${name}: what was given is left alone`);
  }
});

test('hidden values are put back as long as there is room', () => {
  const config = configured({ params: { note: 'x'.repeat(40_000) } });
  for (const [copies, isRefused] of /** @type {[number, boolean][]} */ ([[2, false], [1_000, true]])) {
    const view = new View(config, 'portkey');
    const document = structuredClone(view.document);
    const entry = document.models.providers.portkey;
    entry.headers = Object.fromEntries(Array.from({ length: copies }, (_, name) => [name, entry.params]));
    const merge = () => view.mergeBack(config, JSON.stringify(document));
    if (isRefused) assert.throws(merge, /named hidden values/);
    else assert.deepEqual(merge().models.providers.portkey.headers[1], { note: 'x'.repeat(40_000) });
  }
});

test('what is null is made where a component adds to it', () => {
  const answer = { models: { providers: { portkey: {} } }, agents: { defaults: { model: 'portkey/m' } } };
  for (const config of [{ models: null, agents: null }, { models: { providers: null }, agents: { defaults: null } }]) {
    const view = new View(config, 'portkey');
    assert.deepEqual(view.mergeBack(config, view.json()), config);
    assert.deepEqual(view.mergeBack(config, JSON.stringify(answer)), answer);
  }
});

test('what is hidden, wherever it stands, is masked', () => {
  const { id, texts, plain, configs } = fixture('views');
  const option = (/** @type {any} */ config) => ({ plugins: { entries: { [id]: { config: { config } } } } });
  const places = (/** @type {string} */ text) => [{ models: { providers: { [id]: { headers: { 'x-up': text } } } } }, option(text), option({ a: text })];
  for (const { text, hidden, masked, not = [] } of texts) {
    for (const config of places(text)) {
      const view = new View(config, id);
      for (const secret of hidden) assert.ok(!view.json().includes(secret), view.json());
      for (const secret of masked) assert.ok(view.secrets.includes(secret), `${secret} in ${JSON.stringify(view.secrets)}, of ${text}`);
      for (const word of not) assert.ok(!view.secrets.includes(word), `${word} in ${JSON.stringify(view.secrets)}`);
      assert.deepEqual(view.mergeBack(config, view.json()), config);
    }
  }
  for (const text of plain) for (const config of places(text)) assert.deepEqual(new View(config, id).document, config);
  for (const { config, hidden } of configs) {
    const view = new View(config, id);
    for (const secret of hidden) assert.ok(!view.json().includes(secret), view.json());
    assert.deepEqual(view.mergeBack(config, view.json()), config);
  }
});

test('what is meant as JSON and is none is hidden, but for its first sign', () => {
  const json = '{"api_key":"inline-secret"}';
  for (const text of [json.slice(0, -1), `'${json}'`, JSON.stringify(json), ` " [${json}`]) {
    const { models, plugins } = new View({ ...configured({ headers: { a: text } }), plugins: { entries: { portkey: { config: { config: text } } } } }, 'portkey').document;
    const sign = text.trim()[0];
    assert.deepEqual([models.providers.portkey.headers, plugins.entries.portkey.config], [{ a: `${sign}SEALED_1` }, { config: `${sign}SEALED_2` }]);
  }
  assert.match(new View(configured({ headers: { a: '"pc-1"' } }), 'portkey').json(), /pc-1/);
});

test('of what a component makes of the configuration only its own part is taken, with every secret in its place', () => {
  const { id, default_base_url, env_vars, config: base, hidden, shown, cases } = fixture('merges');
  const seen = new View(base, id).json();
  for (const text of hidden) assert.ok(!seen.includes(text), `${text} in ${seen}`);
  for (const text of shown) assert.ok(seen.includes(text), `${text} not in ${seen}`);
  const descriptor = { id, defaultBaseUrl: default_base_url, credentials: [{ envVars: env_vars }] };
  for (const { name, refused, config = base, edits = [], edits_move = [], answer, choices = {}, grow, hidden: inside = [] } of cases) {
    const before = structuredClone(config);
    const view = new View(config, id);
    for (const text of inside) assert.ok(!view.json().includes(text), `${name}: ${text} in ${view.json()}`);
    const document = edited(view.document, edits);
    for (const [from, to] of edits_move) {
      const entry = document.models.providers[from.split('/').at(-1)];
      document.models.providers = { [to.split('/').at(-1)]: entry };
    }
    if (grow) document.models.providers[id].name = 'x'.repeat(grow);
    const merge = () => {
      const merged = view.mergeBack(config, answer ?? JSON.stringify(document));
      checkMerge(config, merged, descriptor, { baseUrl: choices.base_url, apiKeyReference: choices.api_key_reference });
      return merged;
    };
    if (refused) {
      assert.throws(merge, (/** @type {any} */ error) => error.type === 'invalid-config' && !hidden.some((/** @type {string} */ text) => error.message.includes(text)), name);
    } else {
      const merged = merge();
      assert.ok(!JSON.stringify(merged).includes(view.mark), name);
      if (!edits.length && !edits_move.length && !answer) assert.deepEqual(merged, before, name);
      for (const edit of edits) assert.deepEqual(edited(merged, [edit]), merged, `${name}: ${edit.set ?? edit.remove}`);
      assert.equal(JSON.stringify(merged).includes('pk-literal-key'), JSON.stringify(before).includes('pk-literal-key') && !edits.some((/** @type {any} */ { set }) => set?.endsWith('/apiKey')), name);
    }
    assert.deepEqual(config, before, `${name}: the configuration that was given is left alone`);
  }
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
});

test('a secret in letters of Latin-1 is masked as bytes of it, too', () => {
  const secret = 'schl\u00fcssel-geheim';
  const inBytes = Buffer.from(new Mask([secret]).push(Buffer.from(`a ${secret} b`, 'latin1'))).toString('latin1');
  assert.ok(!inBytes.includes('geheim'), inBytes);
  // fetch reads a header's bytes as Latin-1, whatever they are
  const header = new Mask([secret]).text(Buffer.from(secret).toString('latin1'));
  assert.ok(!header.includes('geheim'), header);
});

/** What SECURITY.md says is not promised: a code that no server writes of itself. Here so that nobody believes otherwise. */
test('a server that means to tell the key can', () => {
  const mask = new Mask([KEY]);
  for (const code of [
    Buffer.from(KEY).toString('hex'), Array.from(KEY).reverse().join(''), Buffer.from(KEY, 'utf16le').toString('latin1'), Array.from(KEY, (c) => `%25${c.charCodeAt(0).toString(16)}`).join(''), Array.from(KEY, (c) => `&#${c.charCodeAt(0)};`).join(''),
    Array.from(KEY, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`).join(''), Array.from(KEY, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''), Buffer.from(Buffer.from(KEY).toString('base64')).toString('base64'), KEY.toUpperCase(), Array.from(KEY).join('\u00ad'),
  ]) assert.equal(mask.text(code), code);
  assert.notEqual(mask.text(KEY), KEY);
});

test('names and values of any length take no time by the square', { timeout: 60_000 }, () => {
  assert.ok(!namesASecret(`x-portkey-${'1'.repeat(1 << 20)}a`));
  assert.ok(namesASecret(`x-portkey-key${'1'.repeat(1 << 20)}`));
  assert.deepEqual(secretsIn(`${';'.repeat(1 << 20)}x`), [`${';'.repeat(1 << 20)}x`, 'x']);
  const ended = `a:b${'\n'.repeat(1 << 20)}x`;
  assert.deepEqual(secretsIn(`Basic ${Buffer.from(ended).toString('base64')}`).slice(-2), [ended, ended.slice(2)]);
  assert.equal(new Mask([`${'é'.repeat(1 << 17)}€`]).text('é'), 'é');
});

test('a merge holds no number that JSON has none for', () => {
  const config = configured({ models: [{ id: 'm', contextWindow: 5 }] });
  for (const number of ['1e999', '-1e999']) {
    const answer = JSON.stringify(config).replace(':5', `:${number}`);
    assert.throws(() => new View(config, 'portkey').mergeBack(config, answer), /a number that is none/, number);
  }
});

// Each spelling copied all before it: 12,000 took minutes.
test('a merge of any number of spellings, headers, models and long names ends', () => {
  const id = 'portkey';
  const config = { models: { providers: { portkey: { baseUrl: 'https://a.example/v1' } } } };
  const each = (/** @type {(at: number) => [string, any]} */ member) => Object.fromEntries(Array.from({ length: 12_000 }, (_, at) => member(at)));
  /** @param {number} at @returns {string} in other capitals, and with other spaces before and behind it */
  const spelled = (at) => ' '.repeat((at >> 7) % 10) + id.replace(/./g, (letter, bit) => ((at >> bit) & 1 ? letter.toUpperCase() : letter)) + ' '.repeat(at / 1280);
  const descriptor = { id, defaultBaseUrl: 'https://a.example/v1', credentials: [{ envVars: ['KEY'] }] };
  const own = config.models.providers.portkey;
  for (const [name, more, refused] of /** @type {[string, any, RegExp?][]} */ ([
    ['spellings of the provider', { models: { providers: { ...each((at) => [spelled(at), {}]), portkey: own } } }, /another name/],
    ['spellings of the plugin', { ...config, plugins: { entries: each((at) => [spelled(at), { config: {} }]) } }],
    ['headers', { models: { providers: { portkey: { ...own, headers: each((at) => [`h${at}`, 'v']) } } } }, /`headers`/],
    ['models', { models: { providers: { portkey: { ...own, models: Object.values(each((at) => [`${at}`, { id: `m${at}` }])) } } } }],
    ['members below a long name', { models: { providers: { portkey: { ...own, models: [{ id: 'm', compat: { ['x'.repeat(5e5)]: each((at) => [`${at}`, 1]) } }] } } } }],
    ['references below a long name', { models: { providers: { portkey: { ...own, models: [{ id: 'm', compat: { ['x'.repeat(5e5)]: each((at) => [`${at}`, '${KEY}']) } }] } } } }, /other settings of the model `m`/],
    ['options with a secret', { ...config, plugins: { entries: { portkey: { config: each((at) => [`o${at}`, { apiKey: `sk-${at}` }]) } } } }, /an option/],
    ['models below a long spelling', { models: { providers: { portkey: own, [`portkey${' '.repeat(5e5)}`]: { models: Object.values(each((at) => [`${at}`, { id: 'm' }])) } } } }, /another name/],
    ['beginnings of references', { models: { providers: { portkey: { ...own, name: '${'.repeat(4e5) } } } }],
  ])) {
    const view = new View(config, id);
    const merge = () => checkMerge(config, withoutTakenAliases(config, view.mergeBack(config, JSON.stringify(more)), id), descriptor, {});
    if (refused) assert.throws(merge, refused, name);
    else merge();
    const users = new View(more, id); // and as the user's own
    const options = Object.values(users.document.plugins?.entries?.[id]?.config ?? {});
    for (const shown of options) assert.match(users.fill(JSON.stringify(shown)) ?? '', /sk-/); // and in a call
    const again = () => checkMerge(more, users.mergeBack(more, users.json()), descriptor, {});
    if (name === 'spellings of the provider') assert.throws(again, /another spelling/);
    else again();
  }
});
