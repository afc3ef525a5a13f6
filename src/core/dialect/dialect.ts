import type { JsonObject, JsonValue } from "../kernel/json.ts";
import type { TokenCounts } from "../usage/usage.ts";

/** How an upstream speaks. Values in, values out: a dialect never sees a socket. */
export interface Dialect {
  readonly name: string;
  /** The stream has no last event of its own: a clean end of the body is its end. */
  readonly endsAtEof: boolean;
  /** Path below the route's base URL, and the headers that carry the key. */
  address(key: string | undefined): { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  /** The body as the provider wants it, for a stream or a whole answer: `stream`, and what the dialect insists on. */
  body(request: BodyRequest): JsonObject;
  /** A conversation, in the provider's own request body. Throws GatewayError `unsupported` for parts it cannot carry. */
  conversation(turn: Conversation): JsonObject;
  /** The most tokens a request lets the model write, in all its answers; undefined when it does not say. */
  outputLimit(body: JsonObject): number | undefined;
  /** The same request with no higher limit than this. A dialect without one certain name for it lowers only what is there. */
  limited(body: JsonObject, outputTokens: number): JsonObject;
  /** How the usage of a stream is asked for, in a dialect that does not report it unasked. */
  readonly usageRequest?: UsageRequest;
  /** A new decoder for one answer to `asked`, the caller's body. `hidesUsage`: an event for the usage alone is hidden. */
  decoder(asked?: JsonObject, hidesUsage?: boolean): Decoder;
}

/** What the gateway adds to a request so that it learns the usage. */
export interface UsageRequest {
  /** Whether the caller's body does not ask for the usage, so that only the gateway does. */
  isAdded(asked: JsonObject): boolean;
  /** Whether an upstream's refusal, as it was read, names what was added. */
  isRefusedBy(refusal: string): boolean;
  /** The provider's body without what was added. */
  without(body: JsonObject): JsonObject;
}

export interface BodyRequest {
  /** What the caller asked for, in the provider's own words. */
  readonly body: JsonObject;
  /** The upstream's model id; undefined when the caller named a route and chose the model in the body. */
  readonly model: string | undefined;
  /** The answer is wanted as one JSON value, not as a stream. */
  readonly whole?: boolean | undefined;
  /** False where the upstream refuses to be asked for usage; then it is estimated. */
  readonly includeUsage?: boolean | undefined;
}

/** A provider-neutral request: what chat faces produce. */
export interface Conversation {
  readonly system?: string;
  readonly messages: readonly Message[];
  /** "off", "low", "medium", "high"; undefined leaves it to the provider. */
  readonly thinking?: string;
}

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly Part[];
}

export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly base64: string }
  | { readonly type: "thinking"; readonly text: string; readonly signature?: string };

/** Reads the events of one stream in order and keeps what must be remembered between them. */
export interface Decoder {
  /**
   * What one event means; a whole answer is read as the only event. `value` is the parsed data, undefined when it is not JSON (or too deep). Unknown events
   * mean nothing (`{}`); no input makes it throw.
   */
  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta;
  /**
   * How the provider would have ended the answer here, had its limit been reached. Undefined before it began, and where
   * nothing of it is understood.
   */
  cutShort(outputTokens: number): CutShort | undefined;
}

/** A clean ending in the provider's own words. */
export interface CutShort {
  /** What the provider says when a limit is reached. */
  readonly finish: string;
  readonly events: readonly { readonly name: string | undefined; readonly data: string }[];
}

/**
 * `open`: something is missing; said only of an answer that had finished, or that has finished in part. `at_end`: whole if the body ends here in
 * order. `whole`: nothing is missing, whatever becomes of the connection, though more events (usage, `[DONE]`) may follow.
 * `now`: this was the last event.
 */
export type Completeness = "open" | "at_end" | "whole" | "now";

export interface Delta {
  readonly text?: string;
  readonly thinking?: string;
  /** Signature of the thinking that just ended: must go back verbatim with it. */
  readonly thinkingSignature?: string;
  readonly toolCalls?: readonly ToolCallDelta[];
  /** How long the texts are that it brought of further answers, of which nothing else is told. */
  readonly otherCharacters?: number;
  /** Cumulative counts: of each the largest holds; they are never added up. */
  readonly usage?: TokenCounts;
  /** The provider's own finish or stop reason. */
  readonly finish?: string;
  /** The provider says that the stream failed; it ends with this event. */
  readonly error?: ProviderError;
  /** How complete the answer is from this event on; undefined where that has not changed. */
  readonly complete?: Completeness;
  /** The gateway asked for this event, not the client: it counts, and no reader sees it. */
  readonly hidden?: true;
}

export interface ToolCallDelta {
  /** Position of the call in the answer; deltas with the same index belong together. */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  /** The next piece of the arguments' JSON text. */
  readonly arguments?: string;
}

/** What a provider says went wrong, in its own words, each fit to be shown. */
export interface ProviderError {
  /** Its type, or its code where it gives no type, such as `overloaded_error`. */
  readonly type?: string;
  /** Its code, such as `context_length_exceeded`; an HTTP status is not repeated here. */
  readonly code?: string;
  /** What in the request is wrong, such as `messages.0.content`. */
  readonly param?: string;
  readonly message?: string;
  /** The HTTP status that it names in its words, 400 to 599. */
  readonly status?: number;
  /** How long it asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

export const NOTHING: Delta = Object.freeze({});

/** Whether there is something in it that a reader would see. */
export const hasContent = ({ text, thinking, toolCalls }: Delta): boolean =>
  Boolean(text) || Boolean(thinking) || toolCalls !== undefined;
