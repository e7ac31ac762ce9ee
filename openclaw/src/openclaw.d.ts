/** The shapes of OpenClaw 2026.9.6 that the adapter uses. `npm run check:e2e` compares them with the real ones. */

export interface Model {
  id: string;
  name: string;
  api: string;
  provider: string;
  baseUrl: string;
  reasoning: boolean;
  input: string[];
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number };
  contextWindow?: number;
  maxTokens?: number;
  headers?: Record<string, string>;
  thinkingLevelMap?: Record<string, string | null | undefined>;
  compat?: any;
}

export interface TextContent { type: 'text'; text: string; textSignature?: string }
export interface ImageContent { type: 'image'; data: string; mimeType: string }
export interface ThinkingContent { type: 'thinking'; thinking: string; thinkingSignature?: string }
export interface ToolCall { type: 'toolCall'; id: string; name: string; arguments: Record<string, unknown>; thoughtSignature?: string }

export interface UserMessage { role: 'user'; content: string | (TextContent | ImageContent)[]; timestamp: number }
export interface ToolResultMessage {
  role: 'toolResult';
  toolCallId: string;
  toolName: string;
  content: (TextContent | ImageContent)[];
  isError: boolean;
  timestamp: number;
}

export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoningTokens?: number;
  totalTokens: number;
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
}

export interface AssistantMessage {
  role: 'assistant';
  content: (TextContent | ThinkingContent | ToolCall)[];
  api: string;
  provider: string;
  model: string;
  responseModel?: string;
  responseId?: string;
  openclawDelivery?: { textPhaseRequiresTerminal?: true };
  diagnostics?: { type: string; timestamp: number; details?: Record<string, unknown> }[];
  usage: Usage;
  stopReason: 'stop' | 'length' | 'toolUse' | 'error' | 'aborted';
  errorMessage?: string;
  errorCode?: string;
  errorType?: string;
  timestamp: number;
}

export type Message = UserMessage | AssistantMessage | ToolResultMessage;

export interface Tool { name: string; description: string; parameters: object }

export interface Context { systemPrompt?: string; messages: Message[]; tools?: Tool[] }

export type AssistantMessageEvent =
  | { type: 'start'; partial: AssistantMessage }
  | { type: 'text_start' | 'thinking_start' | 'toolcall_start'; contentIndex: number; partial: AssistantMessage }
  | { type: 'text_delta'; contentIndex: number; delta: string; partial?: AssistantMessage }
  | { type: 'thinking_delta' | 'toolcall_delta'; contentIndex: number; delta: string; partial: AssistantMessage }
  | { type: 'text_end' | 'thinking_end'; contentIndex: number; content: string; partial: AssistantMessage }
  | { type: 'toolcall_end'; contentIndex: number; toolCall: ToolCall; partial: AssistantMessage }
  | { type: 'done'; reason: 'stop' | 'length' | 'toolUse'; message: AssistantMessage }
  | { type: 'error'; reason: 'aborted' | 'error'; error: AssistantMessage };

export interface StreamOptions {
  temperature?: number;
  topP?: number;
  seed?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  maxTokens?: number;
  stop?: string[];
  responseFormat?: Record<string, any>;
  toolChoice?: any;
  reasoning?: string;
  cacheRetention?: 'none' | 'short' | 'long';
  promptCacheKey?: string;
  apiKey?: string;
  headers?: Record<string, string>;
  sessionId?: string;
  requestId?: string;
  /** Ours, put there by `ofAgent`. */
  agentId?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
  firstEventTimeoutMs?: number;
  onFirstEventTimeout?: (error: Error) => void;
  onPayload?: (payload: unknown, model: any) => unknown;
  onResponse?: (response: { status: number; headers: Record<string, string> }, model: any) => void | Promise<void>;
}
