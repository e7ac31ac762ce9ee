/**
 * OpenClaw's own modules and the adapter in this process, without OpenClaw's command line: imported before the adapter, it lets
 * the adapter's imports of OpenClaw's SDK lead to the installed OpenClaw.
 */
import http from 'node:http';
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, specifier.startsWith('openclaw/') ? { ...context, parentURL: import.meta.url } : context),
});

await import('openclaw/plugin-sdk/provider-transport-runtime'); // installs OpenClaw's fetch into its transports
const { createOpenAICompletionsTransportStreamFn } = await import('@openclaw/ai/transports');
const { streamFn } = await import('../src/chat.js');
const { normalizeResolvedModel } = await import('../src/models.js');

/** OpenClaw's own client, as an agent run has it. */
export const ownClient = createOpenAICompletionsTransportStreamFn();

/** Ours. @param {any} [config] OpenClaw's */
export const ourClient = (config = {}) => streamFn(config);

/** A model as OpenClaw resolves it under our plugin. @param {any} model @param {object} written what the user wrote of it */
export const ourModel = (model, written) =>
  normalizeResolvedModel({ model }, () => ({ models: { providers: { portkey: { models: [written] } } } }));

/** A gateway that notes the bodies that it is sent, and answers each with `events`. @param {string} events */
export async function startRecorder(events) {
  /** @type {any[]} */ const seen = [];
  const server = http.createServer(async (req, res) => {
    if (req.method === 'GET') return res.writeHead(404).end(); // a price
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    seen.push(JSON.parse(Buffer.concat(chunks).toString()));
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(events);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/v1`,
    seen,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
