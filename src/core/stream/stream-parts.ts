import type { GatewayError } from "../kernel/errors.ts";
import type { Opening } from "./opening.ts";
import type { Spending } from "./terminal.ts";

/** What identifies a stream. */
export interface StreamInfo {
  readonly id: string;
  /** Positions are only valid within one epoch. Always 1, because a log never outlives its process. */
  readonly epoch: number;
  readonly route: string;
  readonly model: string | undefined;
  /** Clock reading when the request arrived, in milliseconds. */
  readonly startedAt: number;
  /** Its readers must be told the dialect of its events. */
  readonly tellsDialect?: boolean | undefined;
  /** Whether it may run; left out: it may. */
  readonly opening?: Opening | undefined;
}

/** The producer of a stream's entries, as the stream controls it. */
export interface Producer {
  /** What may be charged for so far; undefined if another's stream is only shown here. */
  readonly spending?: Spending;
  pause(): void;
  resume(): void;
  cancel(reason: GatewayError): void;
  /** A cap is reached: the answer ends here as its provider would end it at a token limit. */
  cut(error: GatewayError): void;
}

/** Something that keeps entries in the log without reading them as they come. */
export interface LogHold {
  /** The sequence up to which it needs nothing any more. */
  readonly handled: number;
  /** Whether a client reads by it, such as one on another node. */
  readonly isReader: boolean;
}

/** The part of a provider's response head that is passed on to clients. */
export interface ProviderHead {
  /** The provider's own request id; undefined if it sent none. */
  readonly requestId: string | undefined;
  /** Rate limits, waits and the account, by lower-case name, with the route's secrets redacted. */
  readonly headers: Readonly<Record<string, string>>;
}
