/** Our requests against those of OpenClaw's own client, over the cases that an agent meets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DIMENSIONS, toCase } from './cases.mjs';
import { KINDS } from './differences.mjs';
import { ourClient, ourModel, ownClient, startRecorder } from './modules.mjs';
import { pairwise } from './pairwise.mjs';

/** @type {Awaited<ReturnType<typeof startRecorder>>} */ let gateway;

before(async () => {
  const chunk = (/** @type {object} */ delta, finish_reason = /** @type {string | null} */ (null)) =>
    `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  gateway = await startRecorder(`${chunk({ content: 'hi' })}${chunk({}, 'stop')}data: [DONE]\n\n`);
});
after(() => gateway.close());

/** What a client sends, or why it sends nothing. @param {any} client @param {any} model @param {ReturnType<typeof toCase>} from */
async function sent(client, model, { context, options }) {
  const { stopReason, errorMessage } = await client(model, structuredClone(context), { ...options }).result();
  const body = gateway.seen.pop();
  assert.equal(stopReason, body ? 'stop' : 'error', errorMessage);
  return body ?? { refused: errorMessage };
}

/** Beside the pairs: what decides most about a family, each before all of them. */
const PLAIN = {
  row: 'all',
  compat: 'none',
  params: 'none',
  level: 'low',
  retention: 'default',
  tools: 'two',
  system: 'stable and volatile',
  user: 'string',
  result: 'text',
  turn: 'text and call',
  damage: 'none',
};
const PLAIN_CASES = DIMENSIONS.family.flatMap((family) => [
  ...DIMENSIONS.turn.map((turn) => ({ ...PLAIN, family, turn })),
  ...DIMENSIONS.compat.map((compat) => ({ ...PLAIN, family, compat })),
  ...DIMENSIONS.level.map((level) => ({ ...PLAIN, family, level })),
]);
const CASES = [...pairwise(DIMENSIONS), ...PLAIN_CASES];

/** @type {Set<string>} */ const met = new Set();
/** What ours sends of each case: it is put beside both. @type {Map<object, any>} */ const oursOf = new Map();

for (const [name, isGeneric] of /** @type {const} */ ([
  ['as the generic provider has it', true],
  ['with the compat that ours sets', false],
])) {
  describe(`OpenClaw's own client, ${name}`, () => {
    test(`${CASES.length} requests differ in what is meant alone`, async () => {
      assert.ok(CASES.length >= 80);
      /** @type {string[]} */ const wrong = [];
      for (const at of CASES) {
        const from = toCase(at, gateway.url);
        const model = ourModel(from.model, from.written);
        const ourConfig = { models: { providers: { portkey: { baseUrl: gateway.url, models: [from.written] } } } };
        const own = await sent(ownClient, isGeneric ? from.model : model, from);
        if (!oursOf.has(at)) oursOf.set(at, await sent(ourClient(ourConfig), model, from));
        const ours = structuredClone(oursOf.get(at));
        const isSent = own.messages && ours.messages;
        for (const { name: kind, take } of KINDS) if (isSent && take({ own, ours, at, isGeneric })) met.add(kind);
        try {
          assert.deepEqual(JSON.parse(JSON.stringify(ours)), JSON.parse(JSON.stringify(own)));
        } catch (error) {
          wrong.push(`${JSON.stringify(at)}\n${/** @type {Error} */ (error).message}`);
        }
      }
      assert.equal(wrong.length, 0, `${wrong.length} of ${CASES.length}:\n${wrong.slice(0, Number(process.env.SHOW ?? 5)).join('\n')}`);
    });
  });
}

test('every kind of difference was met', () => {
  assert.deepEqual(
    KINDS.map(({ name }) => name).filter((name) => !met.has(name)),
    [],
  );
});

test("usage is asked for at Portkey's own address too", async () => {
  // its client asks for it at addresses that it knows, and on loopback
  const from = toCase(PLAIN_CASES[0], 'https://api.portkey.ai/v1');
  /** @type {any[]} */ const seen = [];
  const onPayload = (/** @type {any} */ payload) => {
    seen.push(payload);
    throw new Error('seen enough');
  };
  for (const client of [ownClient, ourClient()])
    await client(from.model, from.context, { ...from.options, onPayload }).result();
  assert.deepEqual(
    seen.map(({ stream_options }) => stream_options),
    [undefined, { include_usage: true }],
  );
});
