import type { JsonObject, JsonValue } from "../kernel/json.ts";
import type { TokenCounts } from "../usage/usage.ts";

/** How an upstream speaks. Pure functions: a dialect never sees a socket. */
export interface Dialect {
  readonly name: string;
  /** The stream has no terminal event: it ends where its body ends cleanly. */
  readonly endsAtEof: boolean;
  /**
   * The path below the route's base URL, with a query if it needs one, and the headers that carry the key. Without a `call` only
   * the headers count. Throws `bad_request` if the path needs a model and the call names none.
   */
  address(
    key: string | undefined,
    call?: Addressed,
  ): { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  /** The body as the provider wants it: with `stream`, and with what the dialect requires. */
  body(request: BodyRequest): JsonObject;
  /** A conversation as the provider's request body. Throws `unsupported` for parts it cannot carry. */
  conversation(turn: Conversation): JsonObject;
  /** The most output tokens a request allows, in all its answers together; undefined if it sets no limit. */
  outputLimit(body: JsonObject): number | undefined;
  /** The same request, limited to this many output tokens. If servers disagree about the field's name, only a field that is there is lowered. */
  limited(body: JsonObject, outputTokens: number): JsonObject;
  /** How to request the usage of a stream, if the dialect reports it only on request. */
  readonly usageRequest?: UsageRequest;
  /** The address names the model, so that the body must not. */
  readonly modelInPath?: true;
  /** A new decoder for one answer to `asked`, the caller's body. With `hidesUsage`, events that only carry the usage are hidden. */
  decoder(asked?: JsonObject, hidesUsage?: boolean): Decoder;
}

/** What some providers want to know from the address of a request. */
export interface Addressed {
  /** The upstream's model id, if the request names one. */
  readonly model: string | undefined;
  /** The answer is wanted as one JSON value. */
  readonly unary?: boolean | undefined;
}

/** The parameter the gateway adds to a request to learn its usage. */
export interface UsageRequest {
  /** Whether the caller's body leaves the parameter out, so that the gateway adds it. */
  isAdded(asked: JsonObject): boolean;
  /** Whether the body of an upstream's refusal names the parameter. */
  isRefusedBy(refusal: string): boolean;
  /** The provider's body without the parameter. */
  without(body: JsonObject): JsonObject;
}

/** What `Dialect.body` makes a request body from. */
export interface BodyRequest {
  /** The caller's body, in the provider's own terms. */
  readonly body: JsonObject;
  /** The upstream's model id; undefined if the caller named a route and set the model in the body. */
  readonly model: string | undefined;
  /** The answer is wanted as one JSON value (`stream: false`). */
  readonly unary?: boolean | undefined;
  /** False if the upstream rejects `stream_options`; usage is then estimated. */
  readonly includeUsage?: boolean | undefined;
}

/** A provider-neutral request, as chat faces produce it. */
export interface Conversation {
  readonly system?: string;
  readonly messages: readonly Message[];
  /** "off", "low", "medium", "high"; undefined leaves it to the provider. */
  readonly thinking?: string;
  /** The tools that the model may call. */
  readonly tools?: readonly ToolDefinition[];
}

/** A tool that the client runs. `parameters` is a JSON schema of an object. */
export interface ToolDefinition {
  readonly name: string;
  readonly description?: string;
  readonly parameters: JsonObject;
}

/** One message of a conversation. */
export interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly (Part | ToolPart)[];
}

/** A piece of a message. Files are base64 without a prefix, documents are PDF; a signature must go back unchanged. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly mimeType: string; readonly base64: string; readonly fileName?: string }
  | {
      readonly type: "document";
      readonly mimeType: "application/pdf";
      readonly base64: string;
      readonly fileName: string;
    }
  | { readonly type: "thinking"; readonly text: string; readonly signature?: string };

/** A tool call (`arguments`: JSON; a signature must go back unchanged to the provider that gave it) stands in an assistant's message, its result in the user's message after it. */
export type ToolPart =
  | {
      readonly type: "toolCall";
      readonly id: string;
      readonly name: string;
      readonly arguments: string;
      readonly signature?: string;
    }
  | { readonly type: "toolResult"; readonly id: string; readonly text: string; readonly isError?: boolean };

/** Reads the events of one stream in order, and keeps state between them. */
export interface Decoder {
  /**
   * Reads one event; a unary answer is a single event. `value` is the parsed data, undefined if it is not JSON or nests too
   * deep. Returns `NOTHING` for unknown events. Never throws.
   */
  read(name: string | undefined, value: JsonValue | undefined, data: string): Delta;
  /**
   * The events with which the provider would end the answer here if its output limit were reached. Undefined before the
   * answer begins, and for dialects that are not understood. `last`: the data of the last event, which may not have been read.
   */
  cutShort(outputTokens: number, last: string): CutShort | undefined;
}

/** A clean ending in the provider's own form. */
export interface CutShort {
  /** The provider's finish reason for a reached limit. */
  readonly finish: string;
  readonly events: readonly { readonly name: string | undefined; readonly data: string }[];
}

/**
 * `open`: the answer continues, although all or some of it had finished. `at_end`: complete if the body ends cleanly here.
 * `whole`: complete even if the connection breaks, though usage or `[DONE]` may follow. `now`: this was the last event.
 */
export type Completeness = "open" | "at_end" | "whole" | "now";

/** What one event adds to the answer. */
export interface Delta {
  readonly text?: string;
  readonly thinking?: string;
  /** The signature of the thinking that just ended. It must go back verbatim with that thinking. */
  readonly thinkingSignature?: string;
  readonly toolCalls?: readonly ToolCallDelta[];
  /** Results of tools that ran at the provider. */
  readonly toolResults?: readonly ToolResult[];
  /** What the answer is based on. Providers may name a source more than once. */
  readonly sources?: readonly Source[];
  /** Whole files that the model has made. */
  readonly files?: readonly MadeFile[];
  /** Characters of further answers (`n` above 1), whose text is not decoded. */
  readonly otherCharacters?: number;
  /** Cumulative counts: take the largest of each, never their sum. */
  readonly usage?: TokenCounts;
  /** The provider's finish or stop reason. */
  readonly finish?: string;
  /** The provider reports that the stream failed. The stream ends with this event. */
  readonly error?: ProviderError;
  /** How complete the answer is as of this event; undefined if unchanged. */
  readonly complete?: Completeness;
  /** The gateway requested this event, not the client: it is counted and not relayed. */
  readonly hidden?: true;
}

/** The next piece of one tool call. */
export interface ToolCallDelta {
  /** The call's position in the answer. Deltas with the same index belong to one call. */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  /** The next piece of the arguments' JSON text. */
  readonly arguments?: string;
  /** The call's own signature, which Google gives. It must go back verbatim with the call. */
  readonly signature?: string;
  /** The tool runs at the provider, not at the client. */
  readonly isProviders?: true;
}

/** What a tool at the provider has found. Encrypted fields, which only the provider reads, are left out. */
export interface ToolResult {
  /** The call's id. */
  readonly id: string;
  readonly output: JsonValue;
}

/** A page, or a document that the request or the provider's store holds. */
export type Source =
  | { readonly type: "url"; readonly url: string; readonly title?: string }
  | {
      readonly type: "document";
      /** Tells documents apart that have the same title. */
      readonly id: string;
      readonly title: string;
      readonly mimeType: string;
      readonly fileName?: string;
    };

/** A file in base64 without a prefix. */
export interface MadeFile {
  readonly mimeType: string;
  readonly base64: string;
}

/** What a provider says about a failure, sanitised. */
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

/** The delta of an event that adds nothing. Compared by identity. */
export const NOTHING: Delta = Object.freeze({});

/** Whether a delta has content that a reader sees. */
export const hasContent = ({ text, thinking, toolCalls, files }: Delta): boolean =>
  Boolean(text) || Boolean(thinking) || toolCalls !== undefined || files !== undefined;
