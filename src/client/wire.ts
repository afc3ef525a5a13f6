/**
 * The frames of protocol/stream.ts as plain types, so that an application's compiler needs no schema library.
 * test/client/wire.test.ts holds them against the schemas.
 */
import type { Code } from "../../protocol/codes.ts";
import type { DialectName } from "../../protocol/dialects.ts";

/** A failure, as frames carry it. */
export interface ErrorBody {
  /** A newer gateway may have more codes than this client knows. */
  readonly code: Code | (string & {});
  readonly message: string;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
  /** When to try again, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a stream used. `unknown` has no figures, never zeros. */
export interface Usage {
  readonly source: "exact" | "estimated" | "unknown";
  /** All input, cached parts included. */
  readonly inputTokens?: number | undefined;
  /** All output, reasoning included. */
  readonly outputTokens?: number | undefined;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** How long a stream took, in milliseconds from the arrival of its open. */
export interface Timing {
  readonly firstByteMs?: number | undefined;
  readonly firstContentMs?: number | undefined;
  readonly firstSentMs?: number | undefined;
  readonly totalMs: number;
}

/** How a stream ended: its last frame. */
export interface End {
  readonly lastSeq: number;
  readonly status: "completed" | "failed" | "cancelled";
  /** The provider's own finish or stop reason. */
  readonly finish?: string | undefined;
  readonly error?: ErrorBody | undefined;
  readonly usage: Usage;
  readonly timing: Timing;
  /** Which target answered, or failed last; only for a model with several. */
  readonly target?:
    | { readonly attempt: number; readonly route: string; readonly model?: string | undefined }
    | undefined;
  /** The upstream sent malformed UTF-8. */
  readonly lossy?: true | undefined;
  /** Events that could not be read: text of the answer may be missing. */
  readonly unreadEvents?: number | undefined;
}

/** What the gateway allows on one connection. */
export interface Limits {
  readonly streams: number;
  readonly frameBytes: number;
  readonly windowBytes: number;
  readonly windowEvents: number;
  readonly inFlightBytes: number;
}

/** One upstream event. */
export interface WireEvent {
  readonly seq: number;
  readonly event?: string | undefined;
  readonly data?: unknown;
  readonly raw?: true | undefined;
}

/** In the first frame of events on each connection, for streams opened with a body for each dialect: theirs. */
interface Told {
  readonly id: string;
  readonly dialect?: DialectName | undefined;
}

/** What the gateway sends. */
export type Received =
  | { readonly type: "hello"; readonly limits: Limits }
  | { readonly type: "opened"; readonly id: string; readonly stream: string; readonly epoch: number }
  | { readonly type: "resumed"; readonly id: string; readonly after: number }
  | ({ readonly type: "event" } & Told & WireEvent)
  | ({ readonly type: "events"; readonly events: readonly WireEvent[] } & Told)
  | ({ readonly type: "end"; readonly id: string } & End)
  | { readonly type: "detached"; readonly id: string; readonly code: string }
  | { readonly type: "error"; readonly id?: string | undefined; readonly error: ErrorBody }
  | { readonly type: "going_away"; readonly afterMs: number }
  | { readonly type: "tick"; readonly ts: number };

/** What happens to the provider's answer while nobody reads it. */
export type Away = "continue" | "finish" | "cancel";

/** A request for a stream. */
export interface Open {
  readonly type: "open";
  readonly id: string;
  readonly model?: string;
  readonly route?: string;
  readonly body?: Record<string, unknown>;
  readonly dialect?: "any";
  readonly bodies?: Partial<Record<DialectName, Record<string, unknown>>>;
  readonly upstreamKey?: string;
  readonly retry?: boolean;
  readonly idempotencyKey?: string;
  readonly batch?: boolean;
  readonly away?: Away;
}

/** What was received on a socket, and handled of each stream. */
export interface Ack {
  readonly type: "ack";
  readonly received?: number;
  readonly streams?: Record<string, number>;
}

/** What the client sends. */
export type Sent =
  | Open
  | Ack
  | {
      readonly type: "resume";
      readonly id: string;
      readonly stream: string;
      readonly epoch: number;
      readonly after: number;
      readonly batch?: boolean;
    }
  | { readonly type: "cancel"; readonly id: string };
