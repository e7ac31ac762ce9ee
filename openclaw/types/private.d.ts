/** Private to OpenClaw, which gives it no types: see src/host.js. */
declare module 'openclaw/plugin-sdk/provider-stream-shared';
declare module 'openclaw/plugin-sdk/provider-transport-runtime';
