/** OpenClaw's SDK entries, as far as the adapter uses them: the package itself is only installed for the end-to-end tests. */

declare module 'openclaw/plugin-sdk/plugin-entry' {
  interface Api {
    logger: { warn: (message: string) => void };
    runtime: { modelAuth: unknown };
    registerProvider(provider: any): void;
    registerImageGenerationProvider(provider: any): void;
    registerEmbeddingProvider(provider: any): void;
    registerSpeechProvider(provider: any): void;
    registerMediaUnderstandingProvider(provider: any): void;
    registerModelCatalogProvider(provider: any): void;
  }
  export function definePluginEntry(entry: { id: string; name: string; description: string; register(api: Api): void }): unknown;
}

declare module 'openclaw/plugin-sdk/provider-auth' {
  /** Whether OpenClaw's store has a key of the provider's, for that agent or else the default one. */
  export function isProviderAuthProfileConfigured(asked: { provider: string; cfg?: any; agentDir?: string }): boolean;
  interface Method {
    run(context: any): Promise<unknown>;
    runNonInteractive?(context: any): Promise<unknown>;
  }
  export function createProviderApiKeyAuthMethod(options: {
    providerId: string;
    methodId: string;
    label: string;
    hint?: string;
    optionKey: string;
    flagName: `--${string}`;
    envVar: string;
    promptMessage: string;
    noteTitle?: string;
    noteMessage?: string;
    defaultModel?: string;
    preserveExistingPrimary?: boolean;
    applyConfig?: (config: any) => any;
    wizard?: object;
  }): Method;
}

declare module 'openclaw/plugin-sdk/ssrf-runtime' {
  interface Policy { allowedOrigins?: string[] }
  export function fetchWithSsrFGuard(request: {
    url: string; init?: RequestInit; signal?: AbortSignal; maxRedirects?: number; policy?: Policy; mode?: 'trusted_env_proxy';
  }): Promise<{ response: Response; release: () => Promise<void> }>;
  export function ssrfPolicyFromHttpBaseUrlAllowedOrigin(baseUrl: string): Policy | undefined;
}

declare module 'openclaw/plugin-sdk/runtime-config-snapshot' {
  export function getRuntimeConfigSourceSnapshot(): any;
}
