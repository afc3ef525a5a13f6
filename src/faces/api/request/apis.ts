import type { DialectName } from "../../../../protocol/dialects.ts";
import type { JsonObject } from "../../../core/kernel/json.ts";
import { askedOf } from "./google-path.ts";

/** One HTTP endpoint of a vendor's API. */
export interface Api {
  /** The face's name in logs, metrics and the ledger. */
  readonly name: string;
  /** As people read it, if `asked` decides. */
  readonly path: string;
  /** What a path says that other APIs say in the body: `model` and `stream`. Undefined for paths of other endpoints. */
  readonly asked?: (path: string) => JsonObject | undefined;
  /** The dialect of its bodies, events and errors; the model's route must speak it. */
  readonly dialect: DialectName;
  /** Request headers that switch the provider's behaviour; they are forwarded upstream. */
  readonly switches: readonly string[];
  /** Set for a side call: the path below the dialect's own, or another method. It returns one JSON value and counts as a request without tokens. */
  readonly below?: string;
}

const ANTHROPIC = {
  dialect: "anthropic-messages",
  switches: ["anthropic-version", "anthropic-beta"],
} as const satisfies Partial<Api>;
const RESPONSES = { dialect: "openai-responses", switches: ["openai-beta"] } as const satisfies Partial<Api>;

const GOOGLE = { dialect: "google-gemini", switches: [] } as const satisfies Partial<Api>;

/** The Responses API, which is served as a WebSocket at the same path as well. */
export const RESPONSES_API: Api = { ...RESPONSES, name: "responses", path: "/v1/responses" };

/** Every endpoint, generation endpoints first. */
export const APIS: readonly Api[] = [
  { ...ANTHROPIC, name: "messages", path: "/v1/messages" },
  { name: "chat-completions", path: "/v1/chat/completions", dialect: "openai-chat", switches: ["openai-beta"] },
  RESPONSES_API,
  {
    ...GOOGLE,
    name: "generate-content",
    path: "/v1beta/models/{model}:streamGenerateContent",
    asked: askedOf({ generateContent: { stream: false }, streamGenerateContent: { stream: true } }),
  },
  {
    ...GOOGLE,
    name: "gemini-count-tokens",
    path: "/v1beta/models/{model}:countTokens",
    asked: askedOf({ countTokens: {} }),
    below: ":countTokens",
  },
  { ...ANTHROPIC, name: "count-tokens", path: "/v1/messages/count_tokens", below: "/count_tokens" },
  { ...RESPONSES, name: "input-tokens", path: "/v1/responses/input_tokens", below: "/input_tokens" },
  { ...RESPONSES, name: "compact", path: "/v1/responses/compact", below: "/compact" },
];
