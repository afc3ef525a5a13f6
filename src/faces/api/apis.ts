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
}

export const APIS: readonly Api[] = [
  {
    name: "messages",
    path: "/v1/messages",
    dialect: "anthropic-messages",
    switches: ["anthropic-version", "anthropic-beta"],
  },
  { name: "chat-completions", path: "/v1/chat/completions", dialect: "openai-chat", switches: ["openai-beta"] },
  { name: "responses", path: "/v1/responses", dialect: "openai-responses", switches: ["openai-beta"] },
];
