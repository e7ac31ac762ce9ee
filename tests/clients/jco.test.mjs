/** The gateway on `jco serve`: that it runs there, no more. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { KEY, TOKEN, startJco, startStub, stopAll } from './servers.mjs';

after(stopAll);

test('a whole chat, a stream and a refusal on jco', async () => {
  const stub = await startStub('--token-delay', '0', '--require', `x-portkey-api-key: ${KEY}`);
  const baseURL = await startJco({ GATEWAY_TOKEN: TOKEN, GATEWAY_BASE_URL: stub.url, CREDENTIAL_X_PORTKEY_API_KEY: KEY });
  const client = new OpenAI({ baseURL, apiKey: TOKEN, maxRetries: 0 });
  const request = { model: '@openai/gpt-5-mini', messages: [{ role: 'user', content: 'tell me of ships' }] };
  const whole = await client.chat.completions.create(request);
  let text = '';
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) text += chunk.choices[0].delta.content ?? '';
  assert.ok(text.length > 0);
  assert.equal(text, whole.choices[0].message.content);
  await assert.rejects(client.chat.completions.create({ ...request, model: 'fault/429' }), OpenAI.RateLimitError);
});
