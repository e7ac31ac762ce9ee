/** OpenAI's own client as the referee of the made-up answers in `tests/answers`: what is spelled as OpenAI spells it, it reads as the generator says it is; and whatever it reads so, the component reads the same. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import OpenAI from 'openai';

let answers, server, client;

before(async () => {
  // It checks that the component's decoder reads each as it was made, before it prints it.
  const made = await promisify(execFile)('cargo', ['test', '-q', '--test', 'plugin', 'answers_for_a_referee', '--', '--ignored', '--nocapture'], { cwd: new URL('../..', import.meta.url), maxBuffer: 1 << 30 });
  answers = made.stdout.split('\n').filter((line) => line.includes('answer {')).map((line) => JSON.parse(line.slice(line.indexOf('{'))));
  server = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const { streamed, body: bytes } = answers[Number(JSON.parse(body).model)];
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' }).end(Buffer.from(bytes));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: 'none', maxRetries: 0, logLevel: 'off' });
});
after(() => server?.close());

/** What the client makes of an answer, in the generator's terms. */
async function read(model, streamed) {
  const request = { model, messages: [{ role: /** @type {const} */ ('user'), content: 'hello' }] };
  const got = { text: '', refusal: '', calls: [], finish: '', usage: null };
  const take = (message, reason) => {
    got.text += message?.content ?? '';
    got.refusal += message?.refusal ?? '';
    got.finish = reason ?? got.finish;
  };
  const use = (usage) => { if (usage?.total_tokens) got.usage = [usage.prompt_tokens, usage.completion_tokens]; };
  if (!streamed) {
    const whole = await client.chat.completions.create(request);
    take(whole.choices[0].message, whole.choices[0].finish_reason);
    got.calls = (whole.choices[0].message.tool_calls ?? []).map((call) => ({ id: call.id, ...call.function }));
    use(whole.usage);
    return got;
  }
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    const choice = chunk.choices?.[0];
    take(choice?.delta, choice?.finish_reason);
    for (const { index, id, function: piece } of choice?.delta?.tool_calls ?? []) {
      const call = got.calls[index] ??= { id: null, name: '', arguments: '' };
      call.id ??= id;
      call.name += piece.name ?? '';
      call.arguments += piece.arguments ?? '';
    }
    use(chunk.usage);
  }
  return got;
}

test('what is spelled as OpenAI spells it is what the generator says it is', async () => {
  const count = { plain: 0, right: 0, all: answers.length };
  for (const [number, answer] of answers.entries()) {
    const { streamed, plain, body: _, ...right } = answer;
    let got;
    try {
      got = await read(String(number), streamed);
    } catch (error) {
      assert.ok(!plain, `${number}: ${error}\n${Buffer.from(answer.body)}`);
      continue;
    }
    if (plain) {
      count.plain += 1;
      assert.deepEqual(got, right, `${number}\n${Buffer.from(answer.body)}`);
    }
    try {
      assert.deepEqual(got, right);
      count.right += 1;
    } catch {}
  }
  console.log(`OpenAI's client read ${count.right} of ${count.all} dressed answers right, ${count.plain} of them in its own dress`);
  assert.ok(count.plain > 50);
});
