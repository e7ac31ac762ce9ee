/** Answers of no success, and errors in streams, with the bodies that Portkey and model providers send. */
import { chunk, DONE, end, event, head } from './replies.mjs';

const json = (/** @type {string} */ status, /** @type {unknown} */ body, more = '') =>
  head(status, 'application/json', more) + (typeof body === 'string' ? body : JSON.stringify(body));
const openai = (/** @type {string} */ message, /** @type {any} */ type = 'invalid_request_error', /** @type {any} */ code = null) => ({
  error: { message, type, param: null, code },
});
/** As the gateway writes a model provider's error. */
const by = (/** @type {string} */ provider, /** @type {string} */ message, more = {}) => ({
  error: { message: `${provider} error: ${message}`, type: null, param: null, code: null, ...more },
  provider,
});
/** As the hosted gateway writes its own. */
const hosted = (/** @type {string} */ message, /** @type {string} */ code) => ({
  status: 'failure',
  message,
  error: { message, code },
});
const html = (/** @type {string} */ title) =>
  `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
const text = (/** @type {string} */ content) => chunk({ content });

/** @type {Record<string, string>} */
export const FAILURES = {
  // keys
  '401: Portkey, no key': json('401 Unauthorized', hosted('Portkey Error: API Key is missing', '02')),
  '401: Portkey, an expired key': json('401 Unauthorized', hosted('Portkey Error: API Key expired. Error Code: 01', '01')),
  '401: Google': json('401 Unauthorized', by('google', 'API keys are not supported by this API. Expected OAuth2 access token', { code: 'UNAUTHENTICATED' })),
  '400: Google, a wrong key': json('400 Bad Request', by('google', 'API key not valid. Please pass a valid API key.', { code: 'INVALID_ARGUMENT' })),
  '403: Google, a leaked key': json('403 Forbidden', by('google', 'Your API key was reported as leaked. Please use another API key.', { code: 'PERMISSION_DENIED' })),
  '403: Bedrock, a wrong token': json('403 Forbidden', by('bedrock', 'The security token included in the request is invalid.', { type: 'UnrecognizedClientException' })),
  '403: Bedrock, an expired token': json('403 Forbidden', by('bedrock', 'The security token included in the request is expired', { type: 'ExpiredTokenException' })),
  '403: Bedrock, no access to the model': json('403 Forbidden', by('bedrock', "You don't have access to the model with the specified model ID.", { type: 'AccessDeniedException' })),
  '403: Anthropic': json('403 Forbidden', by('anthropic', 'Your API key does not have permission to use the specified resource.', { type: 'permission_error' })),
  '403: Portkey, a missing scope': json('403 Forbidden', hosted('You do not have enough permissions to execute this request', '033')),
  '403: Cloudflare': head('403 Forbidden', 'text/html') + html('Attention Required! | Cloudflare'),
  '401: OpenAI, an organisation': json('401 Unauthorized', openai('You must be a member of an organization to use the API', 'invalid_request_error', null)),
  '401: a page': head('401 Unauthorized', 'text/html') + html('401 Authorization Required'),
  '401: no words': head('401 Unauthorized', 'application/json'),
  // money
  '402: Together': json('402 Payment Required', by('together-ai', 'Credit limit exceeded. Please add credits.', { type: 'credit_limit', code: 'credit_limit' })),
  '402: no words': head('402 Payment Required', 'application/json'),
  '403: OpenRouter, a limit of the key': json('403 Forbidden', by('openrouter', 'Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys', { code: 403 })),
  '403: xAI, no credits': json('403 Forbidden', by('x-ai', "Your newly created team doesn't have any credits yet.", { code: 'The caller does not have permission to execute the specified operation' })),
  '429: Moonshot, balance': json('429 Too Many Requests', by('moonshot', 'Your account is suspended, please check your plan and billing details', { type: 'exceeded_current_quota_error' })),
  '429: Zhipu, balance': json('429 Too Many Requests', by('zhipu', '余额不足或无可用资源包,请充值。', { code: '1113' })),
  '400: DashScope, arrears': json('400 Bad Request', by('dashscope', 'Access denied, please make sure your account is in good standing.', { code: 'Arrearage' })),
  '412: Portkey, the workspace': json('412 Precondition Failed', hosted('Portkey Workspace Usage Limit Exceeded', '05')),
  '412: Portkey, the provider': json('412 Precondition Failed', { error: { message: 'The provider has exhausted its usage limits', type: 'virtual_key_exhaust_error' } }),
  '429: OpenAI, a hard limit': json('429 Too Many Requests', openai('Billing hard limit has been reached', 'invalid_request_error', 'billing_hard_limit_reached')),
  '429: Google, a free tier': json('429 Too Many Requests', by('google', 'You exceeded your current quota, please check your plan and billing details. Please retry in 41s.', { code: 'RESOURCE_EXHAUSTED' })),
  // time
  '408: Portkey': json('408 Request Timeout', { error: { message: 'Request exceeded the timeout sent in the request: 30000ms', type: 'timeout_error', param: null, code: null } }),
  '409: a conflict': json('409 Conflict', openai('The resource is locked by another request', 'conflict_error')),
  '499: closed': json('499 Client Closed Request', openai('Client closed request')),
  '504: Azure': json('504 Gateway Timeout', { error: { code: '504', message: 'Operation timed out.' } }),
  '524: Cloudflare': head('524 x', 'text/html') + html('524: A timeout occurred'),
  // size
  '413: nginx': head('413 Request Entity Too Large', 'text/html') + html('413 Request Entity Too Large'),
  '413: Portkey': json('413 Payload Too Large', { status: 'failure', message: 'Payload size exceeds the limit' }),
  '413: Groq, tokens': json('413 Payload Too Large', by('groq', 'Request too large for model `llama-3.3-70b-versatile` in organization `org` service tier `on_demand` on tokens per minute (TPM): Limit 12000, Requested 33000, please reduce your message size and try again.', { type: 'tokens', code: 'rate_limit_exceeded' })),
  '429: OpenAI, one request above the limit': json('429 Too Many Requests', openai('Request too large for gpt-4o in organization org on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.', 'tokens', 'rate_limit_exceeded')),
  '400: Azure, context': json('400 Bad Request', by('azure-openai', "This model's maximum context length is 16385 tokens. However, you requested 20000 tokens (16000 in the messages, 4000 in the completion).", { code: 'context_length_exceeded', type: 'invalid_request_error' })),
  '400: Cohere, context': json('400 Bad Request', by('cohere', 'too many tokens: size limit exceeded by 5000 tokens. Try using shorter or fewer inputs.')),
  '400: Fireworks, context': json('400 Bad Request', by('fireworks-ai', 'The prompt is too long: 140000, model maximum context length: 131071', { type: 'invalid_request_error' })),
  '400: Zhipu, context': json('400 Bad Request', by('zhipu', 'Prompt exceeds max length', { code: '1261' })),
  '400: Vertex, context': json('400 Bad Request', by('vertex-ai', 'Unable to submit request because the input token count is 1100000 but model only supports up to 1048576. Reduce the input token count and try again.', { code: 'INVALID_ARGUMENT' })),
  '500: Ollama, context': json('500 Internal Server Error', openai('the input length exceeds the context length', 'api_error')),
  '400: SGLang, context': json('400 Bad Request', openai("The input (40000 tokens) is longer than the model's context length (32768 tokens).", 'BadRequest', 400)),
  // content
  '446: Portkey, after the answer': json('446 Hooks Failed', { error: { message: 'The guardrail checks defined in the config failed.', type: 'hooks_failed', param: null, code: null }, hook_results: { after_request_hooks: [{ verdict: false, id: 'g', checks: [] }] } }),
  '400: OpenAI, policy': json('400 Bad Request', openai('Your request was rejected as a result of our safety system.', 'invalid_request_error', 'content_policy_violation')),
  '400: DashScope, inspection': json('400 Bad Request', by('dashscope', 'Input data may contain inappropriate content.', { code: 'data_inspection_failed' })),
  '400: DeepSeek, risk': json('400 Bad Request', by('deepseek', 'Content Exists Risk', { type: 'invalid_request_error' })),
  '403: xAI, guidelines': json('403 Forbidden', by('x-ai', 'Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO', { code: 'permission_denied' })),
  // requests
  '400: Anthropic, pairs of tools': json('400 Bad Request', by('anthropic', 'messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_01. Each `tool_use` block must have a corresponding `tool_result` block in the next message.', { type: 'invalid_request_error' })),
  '400: Anthropic, a result without its call': json('400 Bad Request', by('anthropic', 'messages.0.content.1: unexpected `tool_use_id` found in `tool_result` blocks: toolu_01.', { type: 'invalid_request_error' })),
  '400: OpenAI, pairs of tools': json('400 Bad Request', openai("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1")),
  '400: Anthropic, thinking that was changed': json('400 Bad Request', by('anthropic', 'messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.', { type: 'invalid_request_error' })),
  '400: Anthropic, thinking is missing': json('400 Bad Request', by('anthropic', 'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.', { type: 'invalid_request_error' })),
  '400: OpenAI, sealed reasoning of another': json('400 Bad Request', openai('The encrypted content gAAA could not be verified. Reason: Encrypted content could not be decrypted or parsed.', 'invalid_request_error', 'invalid_encrypted_content')),
  '400: Google, a thought signature': json('400 Bad Request', by('google', 'Thought signature is not valid.', { code: 'INVALID_ARGUMENT' })),
  '400: Google, a corrupted thought signature': json('400 Bad Request', by('google', 'Corrupted thought signature.', { code: 'INVALID_ARGUMENT' })),
  '400: Google, a missing thought signature': json('400 Bad Request', by('google', 'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly', { code: 'INVALID_ARGUMENT' })),
  '400: DeepSeek, reasoning is missing': json('400 Bad Request', by('deepseek', 'Missing `reasoning_content` field in the assistant message at message index 1.', { type: 'invalid_request_error' })),
  '400: Anthropic, images of many': json('400 Bad Request', by('anthropic', 'messages.4.content.1.image.source.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels', { type: 'invalid_request_error' })),
  '400: Anthropic, an image that is none': json('400 Bad Request', by('anthropic', 'messages.0.content.1.image.source.base64.data: Could not process image', { type: 'invalid_request_error' })),
  '400: OpenAI, an image that is none': json('400 Bad Request', openai('You uploaded an unsupported image. Please make sure your image is valid.', 'invalid_request_error', 'invalid_image_format')),
  '404: OpenRouter, no images': json('404 Not Found', by('openrouter', 'No endpoints found that support image input', { code: 404 })),
  '400: Bedrock, no tools': json('400 Bad Request', by('bedrock', "This model doesn't support tool use.", { type: 'ValidationException' })),
  '404: OpenRouter, no tools': json('404 Not Found', by('openrouter', 'No endpoints found that support tool use. Try disabling "read".', { code: 404 })),
  '400: Google, a schema': json('400 Bad Request', by('google', "Invalid JSON payload received. Unknown name \"patternProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.", { code: 'INVALID_ARGUMENT' })),
  '400: OpenAI, an effort': json('400 Bad Request', openai("Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'low', 'medium', and 'high'.", 'invalid_request_error', 'unsupported_value')),
  '400: OpenRouter, reasoning is mandatory': json('400 Bad Request', by('openrouter', 'Reasoning is mandatory for this endpoint and cannot be disabled.', { code: 400 })),
  '400: Anthropic, prefill': json('400 Bad Request', by('anthropic', 'This model does not support assistant message prefill. The conversation must end with a user message.', { type: 'invalid_request_error' })),
  '400: Mistral, roles': json('400 Bad Request', by('mistral-ai', "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant", { type: 'invalid_request_message_order' })),
  '400: OpenAI, Responses only': json('404 Not Found', openai('This model is only supported in v1/responses and not in v1/chat/completions.', 'invalid_request_error', null)),
  '422: Mistral, a list': json('422 Unprocessable Entity', { object: 'error', message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'store'], msg: 'Extra inputs are not permitted', input: false }] }, type: 'invalid_request_error' }),
  '400: Portkey, a wrong slug': json('400 Bad Request', { status: 'failure', message: 'Following keys are not valid: openai-prod' }),
  '400: Portkey, a wrong config': json('400 Bad Request', { status: 'failure', message: 'Invalid config id passed.' }),
  // models
  '404: Bedrock, a model': json('404 Not Found', by('bedrock', 'This model version has reached the end of its life.', { type: 'ResourceNotFoundException' })),
  '400: Bedrock, a model': json('400 Bad Request', by('bedrock', 'The provided model identifier is invalid.', { type: 'ValidationException' })),
  '404: Google, a model': json('404 Not Found', by('google', 'models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.', { code: 'NOT_FOUND' })),
  '400: Groq, a model': json('400 Bad Request', by('groq', 'The model `x` has been decommissioned and is no longer supported.', { type: 'invalid_request_error', code: 'model_decommissioned' })),
  '400: OpenRouter, a model': json('400 Bad Request', by('openrouter', 'x/y is not a valid model ID', { code: 400 })),
  '404: Azure, a deployment': json('404 Not Found', by('azure-openai', 'The API deployment for this resource does not exist.', { code: 'DeploymentNotFound' })),
  // load
  '429: no words': head('429 Too Many Requests', 'text/plain'),
  '429: Bedrock': json('429 Too Many Requests', by('bedrock', 'Too many tokens, please wait before trying again.', { type: 'ThrottlingException' })),
  '429: Groq, a wait in words': json('429 Too Many Requests', by('groq', 'Rate limit reached for model `x` on tokens per day (TPD): Limit 100000, Used 99900, Requested 500. Please try again in 5m45.6s.', { type: 'tokens', code: 'rate_limit_exceeded' })),
  '429: a wait of nothing': json('429 Too Many Requests', openai('Rate limit reached', 'requests', 'rate_limit_exceeded'), 'retry-after: 0\r\n'),
  '429: a wait that is no number': json('429 Too Many Requests', openai('Rate limit reached', 'requests', 'rate_limit_exceeded'), 'retry-after: soon\r\n'),
  '429: two waits': json('429 Too Many Requests', openai('Rate limit reached', 'requests', 'rate_limit_exceeded'), 'retry-after-ms: 1500\r\nretry-after: 2\r\n'),
  '429: a monthly limit': json('429 Too Many Requests', by('mistral-ai', 'Monthly usage limit reached.', { code: '3505' })),
  '429: Portkey, requests': json('429 Too Many Requests', hosted('Portkey Error: Rate limit exceeded for this API key', '06'), 'retry-after: 12\r\n'),
  '500: with a wait': json('500 Internal Server Error', openai('Internal error', 'server_error'), 'retry-after: 4\r\n'),
  '500: Portkey': json('500 Internal Server Error', { status: 'failure', message: 'Something went wrong' }),
  '500: Anthropic': json('500 Internal Server Error', by('anthropic', 'Internal server error', { type: 'api_error' })),
  '500: Google': json('500 Internal Server Error', by('google', 'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting', { code: 'INTERNAL' })),
  '501: not implemented': json('501 Not Implemented', openai('Not implemented', 'server_error')),
  '502: Portkey': json('502 Bad Gateway', by('openai', 'Bad gateway')),
  '503: Google': json('503 Service Unavailable', by('google', 'The model is overloaded. Please try again later.', { code: 'UNAVAILABLE' })),
  '503: a page': head('503 Service Unavailable', 'text/html') + html('503 Service Temporarily Unavailable'),
  '503: Groq, capacity': json('503 Service Unavailable', by('groq', 'The model is currently at capacity.', { type: 'service_unavailable' })),
  '507: storage': json('507 Insufficient Storage', openai('No space', 'server_error')),
  '529: no words': head('529 x', 'text/plain'),
  '530: Cloudflare': head('530 x', 'text/html') + html('Error 1033'),
  '424: Bedrock, a model that failed': json('424 Failed Dependency', by('bedrock', 'The model returned an error while processing the request.', { type: 'ModelErrorException' })),
  '429: Bedrock, a model that is not ready': json('429 Too Many Requests', by('bedrock', 'Model is not ready for inference. Please wait and try your request again.', { type: 'ModelNotReadyException' })),
};

const error = (/** @type {unknown} */ error) => event({ error });

/** Errors in a stream that began well. @type {Record<string, string>} */
export const BROKEN = {
  'an error behind reasoning': chunk({ reasoning_content: 'hm' }) + error({ message: 'The server had an error', type: 'server_error' }),
  'an error behind a call': chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] }) + error({ message: 'The server had an error', type: 'server_error' }),
  'an error of its number': error({ message: 'Provider returned error', code: 502 }),
  'an error of a number as text': error({ message: 'Rate limit reached', code: '429' }),
  'an error of a rate limit by its code': error({ message: 'Slow down', type: 'requests', code: 'rate_limit_exceeded' }),
  'an error of a quota': error({ message: 'You exceeded your current quota, please check your plan and billing details.', type: 'insufficient_quota', code: 'insufficient_quota' }),
  'an error of a key': error({ message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' }),
  'an error of a filter': error({ message: 'The response was filtered', type: 'invalid_request_error', code: 'content_filter' }),
  'an error of a filter behind text': text('x') + error({ message: 'The response was filtered', type: 'invalid_request_error', code: 'content_filter' }),
  'an error of time': error({ message: 'Request timed out', type: 'timeout_error' }),
  "Anthropic's error of overload": event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  "Anthropic's error behind text": text('x') + event({ type: 'error', error: { type: 'api_error', message: 'Internal server error' } }),
  "Portkey's error": event({ status: 'failure', message: 'Something went wrong' }),
  "Bedrock's error": text('x') + event({ message: 'The model is unable to process your request', type: 'modelStreamErrorException' }),
  'a detail in place of a choice': event({ detail: 'Internal Server Error' }),
  'an error that is null': event({ error: null, id: 'c', model: 'm', choices: [{ index: 0, delta: { content: 'x' } }] }) + end(),
  'an error that is empty': text('x') + error({}) + end(),
  'an error beside a choice': event({ error: { message: 'Upstream error', code: 502 }, id: 'c', model: 'm', choices: [{ index: 0, delta: { content: 'x' }, finish_reason: 'error' }] }) + DONE,
  'an error behind the end': text('x') + chunk({}, 'stop') + error({ message: 'The server had an error', type: 'server_error' }) + DONE,
  'a page behind text': `${text('x')}<html><body>502 Bad Gateway</body></html>`,
};
