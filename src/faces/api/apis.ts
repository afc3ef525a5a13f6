import type { DialectName } from "../../../protocol/dialects.ts";

/** One vendor's way to ask for an answer over HTTP. */
export interface Api {
  /** The face's name in logs, metrics and the ledger. */
  readonly name: string;
  readonly path: string;
  /** The dialect of its bodies, events and errors: a route must speak the same. */
  readonly dialect: DialectName;
  /** Request headers by which a client switches the provider's behaviour; they go upstream. */
  readonly switches: readonly string[];
  /** What a side call adds to the dialect's own path: it answers with one JSON value and counts as a request alone. */
  readonly below?: string;
}

const ANTHROPIC = {
  dialect: "anthropic-messages",
  switches: ["anthropic-version", "anthropic-beta"],
} as const satisfies Partial<Api>;
const RESPONSES = { dialect: "openai-responses", switches: ["openai-beta"] } as const satisfies Partial<Api>;

export const APIS: readonly Api[] = [
  { ...ANTHROPIC, name: "messages", path: "/v1/messages" },
  { name: "chat-completions", path: "/v1/chat/completions", dialect: "openai-chat", switches: ["openai-beta"] },
  { ...RESPONSES, name: "responses", path: "/v1/responses" },
  { ...ANTHROPIC, name: "count-tokens", path: "/v1/messages/count_tokens", below: "/count_tokens" },
  { ...RESPONSES, name: "input-tokens", path: "/v1/responses/input_tokens", below: "/input_tokens" },
  { ...RESPONSES, name: "compact", path: "/v1/responses/compact", below: "/compact" },
];
