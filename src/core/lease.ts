import type { Caller } from "./caller.ts";
import type { JsonObject } from "./json.ts";
import type { Target } from "./routing.ts";
import type { Terminal } from "./stream.ts";
import type { TokenCounts } from "./usage.ts";

export interface LeaseRequest {
  readonly stream: string;
  readonly caller: Caller;
  readonly target: Target;
  /** The upstream's request body, defaults included. */
  readonly body: JsonObject;
  readonly inputCharacters: number;
  readonly face: string;
  readonly session: string | undefined;
}

/** Who may run a stream, and what it costs: asked at the open, told after each event, settled at the end. */
export interface Leases {
  /**
   * Checks what the caller's key grants, reserves under its caps, and writes the ledger's open row. Throws
   * `unauthorized`, `forbidden`, `cap_exceeded` or `ledger_unavailable`.
   */
  take(request: LeaseRequest): Lease;
}

/** The right to run one stream under its caller's caps. */
export interface Lease {
  /** Output tokens that the caller can still pay for: the request is clamped to it. Undefined: no cap. */
  readonly maxOutputTokens: number | undefined;
  /** Resolves when the upstream may be called; undefined: at once. Rejects with `ledger_unavailable`. */
  readonly ready: Promise<void> | undefined;
  /** Told what the provider counted and what was seen so far. True: the cap is reached, cut the stream now. */
  meter(counts: TokenCounts, outputCharacters: number): boolean;
  /** On every way out. A second call, with usage that came in later, corrects the first. */
  settle(terminal: Terminal): void;
}
