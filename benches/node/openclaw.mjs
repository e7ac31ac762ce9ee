/**
 * The bodies that OpenClaw's own client sends: `node openclaw.mjs MODULE`. Each line of standard input is the arguments of
 * its builder, and each line of the answer what it builds. MODULE is `@openclaw/ai/dist/transports.mjs`, from which OpenClaw
 * exports the builder on as `openclaw/plugin-sdk/provider-transport-runtime`.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { buildOpenAICompletionsParams } = await import(pathToFileURL(process.argv[2]).href);

for await (const line of createInterface({ input: process.stdin })) {
  const { model, context, options } = JSON.parse(line);
  console.log(JSON.stringify(buildOpenAICompletionsParams(model, context, options)));
}
