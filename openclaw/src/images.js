/** Image generation and editing, as OpenClaw's image generation provider. */
import { descriptor } from '../component/descriptor.js';
import { call } from './call.js';
import { toError } from './errors.js';
import { bodyUpTo } from './host.js';

/** @typedef {import('../component/interfaces/openclaw-provider-images.js').Image} Image */
/** @typedef {import('../component/interfaces/openclaw-provider-types.js').Media} Media */

/**
 * @typedef {object} ImageRequest OpenClaw's
 * @property {string} [model]
 * @property {string} prompt
 * @property {any} cfg
 * @property {string} [agentDir]
 * @property {any} [authStore]
 * @property {number} [timeoutMs]
 * @property {number} [count]
 * @property {string} [size]
 * @property {string} [quality]
 * @property {string} [outputFormat]
 * @property {string} [background]
 * @property {{ buffer: Buffer, mimeType?: string }[]} [inputImages]
 * @property {Record<string, any>} [providerOptions]
 * @property {any} [ssrfPolicy]
 */

/** @typedef {import('./call.js').ModelAuth} ModelAuth */

const TIMEOUT_MS = 180_000;
const MAX_DOWNLOAD_BYTES = 50 * 1024 * 1024;

/** All images of an answer together: they are fetched at the same time. */
const MAX_BYTES = 128 * 1024 * 1024;

/** No model draws more at once. A gateway may name as many places as it likes, and each would be called. */
const MAX_IMAGES = 16;

/** The storage of some providers redirects once or twice. Each hop is checked as the first. */
const MAX_DOWNLOAD_HOPS = 5;

/** How images begin, and how files of them end. @type {[mediaType: string, ending: string, start: RegExp][]} */
const KINDS = [
  ['image/png', 'png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', 'jpg', /^\xff\xd8\xff/],
  ['image/gif', 'gif', /^GIF8[79]a/],
  ['image/webp', 'webp', /^RIFF[^]{4}WEBP/],
  ['image/bmp', 'bmp', /^BM/],
  ['image/tiff', 'tif', /^(II\*\0|MM\0\*)/],
  ['image/avif', 'avif', /^[^]{4}ftypavi[fs]/],
  ['image/heif', 'heif', /^[^]{4}ftyp(heic|heix|mif1|msf1)/],
];

/** What the bytes are, whatever is said of them. @param {Buffer} data */
const kindOf = (data) => KINDS.find(([, , start]) => start.test(data.toString('latin1', 0, 16)));

/** An image that the answer points to: it belongs to no one's gateway, so it is fetched without any credential. @param {string} url @param {AbortSignal} signal @param {{ left: number }} room */
async function download(url, signal, room) {
  const { fetchWithSsrFGuard } = await import('openclaw/plugin-sdk/ssrf-runtime');
  const { response, release } = await fetchWithSsrFGuard({ url, signal, maxRedirects: MAX_DOWNLOAD_HOPS });
  const place = `The image at ${new URL(url).origin}`; // the rest of the URL may be signed
  try {
    if (!response.ok) throw new Error(`${place} could not be downloaded: HTTP ${response.status}`);
    const data = await bodyUpTo(response, MAX_DOWNLOAD_BYTES, room);
    if (!data) throw new Error(room.left < 0 ? `The images of the answer are larger than ${MAX_BYTES} bytes` : `${place} is larger than ${MAX_DOWNLOAD_BYTES} bytes`);
    if (!kindOf(data)) throw new Error(`${place} is no image: its type is ${response.headers.get('content-type') ?? 'unknown'}`);
    return data;
  } finally {
    await release();
  }
}

/** Its name and type are the host's to say, by its bytes. @param {Image} image @param {number} at @param {(url: string) => Promise<Buffer>} fetched */
async function toGenerated({ source, revisedPrompt }, at, fetched) {
  const given = source.tag === 'inline' ? source.val.data : await fetched(source.val);
  const buffer = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const [mimeType, ending] = kindOf(buffer) ?? ['application/octet-stream', 'bin'];
  return { buffer, mimeType, fileName: `image-${at + 1}.${ending}`, ...(revisedPrompt && { revisedPrompt }) };
}

/** @param {() => ModelAuth} modelAuth @returns {any} OpenClaw's ImageGenerationProvider */
export function imageProvider(modelAuth) {
  const { defaultModel, maxCount, maxInputImages, sizes, qualities, outputFormats, backgrounds } = /** @type {NonNullable<typeof descriptor.images>} */ (descriptor.images);
  const mode = { maxCount, supportsSize: true, supportsAspectRatio: false, supportsResolution: false };
  return {
    id: descriptor.id,
    label: descriptor.label,
    defaultModel,
    defaultTimeoutMs: TIMEOUT_MS,
    models: [defaultModel],
    capabilities: {
      generate: mode,
      edit: { ...mode, enabled: true, maxInputImages },
      geometry: { sizes: [...sizes] },
      output: { qualities: [...qualities], formats: [...outputFormats], backgrounds: [...backgrounds] },
    },
    /** @param {{ cfg?: any, agentDir?: string }} context */
    isConfigured: (context) => modelAuth().isProviderApiKeyConfigured({ provider: descriptor.id, ...context }),
    /** @param {ImageRequest} request */
    async generateImage(request) {
      const failed = new AbortController();
      try {
        const signal = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
        const options = request.providerOptions?.[descriptor.id];
        const wanted = {
          model: request.model, prompt: request.prompt, count: request.count, size: request.size, quality: request.quality,
          background: request.background, outputFormat: request.outputFormat, extraJson: options && JSON.stringify(options),
        };
        /** @type {Media[]} */
        const inputs = (request.inputImages ?? []).map(({ buffer, mimeType }) => ({ mediaType: mimeType ?? 'image/png', data: buffer }));
        const answer = await call(modelAuth(), request, signal, async ({ images }, connection) => (
          inputs.length ? images.edit(connection, wanted, inputs, undefined) : images.generate(connection, wanted)));
        const { images } = answer;
        if (images.length > MAX_IMAGES) throw new Error(`The answer holds ${images.length} images, and ${MAX_IMAGES} are the most that are taken`);
        const room = { left: MAX_BYTES };
        const needed = AbortSignal.any([signal, failed.signal]);
        const fetched = (/** @type {string} */ url) => download(url, needed, room);
        return { images: await Promise.all(images.map((image, at) => toGenerated(image, at, fetched))), model: answer.model };
      } catch (thrown) {
        failed.abort(thrown); // of the images that come beside it nothing is used
        throw toError(thrown);
      }
    },
  };
}
