/** What OpenClaw's user reads where a call fails, before the real Portkey gateway. [needs dist/] */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenClaw, freePort, startPortkey, through } from './host.mjs';
import { startUpstream } from './upstream.mjs';

const KEY = 'pk-e2e-errors-secret';

/** @type {Awaited<ReturnType<typeof startUpstream>>} */ let upstream;
/** @type {Awaited<ReturnType<typeof startPortkey>>} */ let portkey;
/** @type {OpenClaw} */ let claw;
/** @type {ReturnType<typeof through>} */ let route;

before(async () => {
  [upstream, portkey] = await Promise.all([startUpstream(), startPortkey()]);
  route = through(portkey, upstream);
  claw = new OpenClaw();
  await claw.install();
});

after(async () => {
  await claw?.close();
  portkey?.close();
  upstream?.close();
});

/** @param {string} name @param {{ model?: string, to?: () => ReturnType<typeof route> | Promise<ReturnType<typeof route>>, env?: Record<string, string>, says: RegExp[] }} failure */
const fails = (name, { model = 'gpt-echo', to = () => route(), env = { PORTKEY_API_KEY: KEY }, says }) => test(name, async () => {
  claw.configure(await to());
  const { code, stdout, stderr } = await claw.run(['infer', 'model', 'run', '--local', '--model', `portkey/@openai/${model}`, '--prompt', 'ping', '--json'], env);
  assert.notEqual(code, 0);
  for (const part of says) assert.match(stdout + stderr, part);
  assert.ok(!(stdout + stderr).includes(KEY));
});
const hosted = (/** @type {string} */ refusal) => () => route({ baseUrl: `${upstream.url}/${refusal}/v1` });

fails('no key', { env: {}, says: [/Portkey API key missing/] });
fails('a bad key', { to: hosted('bad-key'), says: [/401/, /Invalid API Key/i, /PORTKEY_API_KEY|Portkey/] });
fails('an unknown model', { model: 'err-404', says: [/404/, /does not exist/] });
fails('too many requests', { model: 'err-429', says: [/429/, /Rate limit/i] });
fails('a used-up budget', { to: hosted('no-budget'), says: [/412/, /Usage Limit/i] });
fails('the provider\'s own 401', { model: 'err-401', says: [/Incorrect API key/, /refused its own key/] });
fails('a denied guardrail', { says: [/446/, /guardrail/i], to: () => route({}, { provider: undefined, customHost: undefined,
  config: { provider: 'openai', api_key: 'sk', custom_host: `${upstream.url}/v1`, input_guardrails: [{ 'default.contains': { operator: 'none', words: ['ping'] }, deny: true }] } }) });
fails('a cut stream', { model: 'cut', says: [/not the whole answer/] });
fails('an address that OpenClaw does not allow', { to: () => route({ request: { allowPrivateNetwork: false } }), says: [/policy refused/] });
fails('a refused connection', { to: async () => route({ baseUrl: `http://127.0.0.1:${await freePort()}/v1` }), says: [/refused/i] });
