/** How upstreams speak, by name: what a route of the configuration may say. */
export const DIALECTS = [
  "anthropic-messages",
  "openai-chat",
  "openai-responses",
  "google-gemini",
  "plain-sse",
] as const;

export type DialectName = (typeof DIALECTS)[number];
