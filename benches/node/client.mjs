/**
 * An official client, driven from standard input: `node client.mjs openai|portkey-ai BASE_URL KEY`. Each line asks for so
 * many calls, one after the other; the answer is what one of them took, of the clock the median.
 */
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { Portkey } from 'portkey-ai';

const [, , name, baseURL, key] = process.argv;
const client = name === 'openai'
  ? new OpenAI({ baseURL, apiKey: 'unused', defaultHeaders: { 'x-portkey-api-key': key } })
  : new Portkey({ baseURL, apiKey: key });

/** @returns {Promise<string | number>} the text, or how many characters of it came */
async function call({ kind, model, messages, tools }) {
  const request = { model, messages, ...(tools.length > 0 && { tools }) };
  if (kind === 'chat') return (await client.chat.completions.create(request)).choices[0].message.content;
  if (kind !== 'stream') throw new Error(`no such call: ${kind}`);
  let characters = 0;
  for await (const event of await client.chat.completions.create({ ...request, stream: true })) {
    characters += event.choices[0]?.delta?.content?.length ?? 0;
  }
  return characters;
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const expected = asked.kind === 'chat' ? asked.text : asked.characters;
  const times = [];
  const before = process.cpuUsage();
  for (let i = 0; i < asked.calls; i++) {
    const start = performance.now();
    const given = await call(asked);
    times.push((performance.now() - start) * 1000);
    if (given !== expected) throw new Error(`${name}: ${given} instead of ${expected}`);
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ us: times[times.length >> 1], cpu_us: (user + system) / asked.calls }));
}
