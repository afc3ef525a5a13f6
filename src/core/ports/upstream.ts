import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { ProviderHead } from "../stream/stream-parts.ts";

/** Which failed calls may be repeated: all retryable ones, only those on connections that were already closed, or none. */
export type MayRetry = boolean | "reconnect";

/** An upstream's refusal: its status, and as much of its body as was read. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** A second body for a request that is refused because of something the gateway added. It is tried once. */
export interface Amendment {
  /** The body to send instead of `body`; undefined if the refusal is about something else. */
  amend(body: string, refusal: Refusal): string | undefined;
  /** The upstream accepted the amended request. */
  accepted(): void;
}

/** An HTTP request to an upstream. */
export interface UpstreamRequest {
  readonly route: string;
  /** Relative to the route's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The upstream's model, if the request names one. */
  readonly model?: string | undefined;
  /** Whether the key in the headers is the caller's own, not the route's. */
  readonly isOwnKey?: boolean | undefined;
  /** A JSON value is requested instead of a stream; it arrives as the only event. */
  readonly unary?: boolean | undefined;
  /** What may be left out of the body if the upstream refuses it. */
  readonly amendment?: Amendment | undefined;
  /**
   * Whether the call may be repeated before the first byte of a response body. `reconnect`: only if it was sent on a reused
   * connection that closed without a byte; clients retry other failures by their own rules.
   */
  readonly mayRetry: MayRetry;
}

/** Receives a response. Called synchronously within socket callbacks, never after `end` or `fail`. */
export interface UpstreamSink {
  /** The head of a response, a refusal's too; again for each response where the call is made again. */
  responded(head: ProviderHead): void;
  /** The first byte of a response body. */
  firstByte(): void;
  /** An event. `bytes`: its data as UTF-8, the form that logs keep and sockets write. */
  event(name: ByteString | undefined, data: string, bytes: ByteString): void;
  /** Malformed UTF-8 was replaced. */
  lossy(): void;
  /** The body ended without an error. */
  end(): void;
  fail(error: GatewayError): void;
}

/** A running call. Its methods do nothing once it is over. */
export interface UpstreamCall {
  /**
   * Whether the provider may charge for the call: the request was written to a connection and not refused by a status other
   * than 2xx. False again while a refused call waits for its retry. Does not change once the call is over.
   */
  readonly isSent: boolean;
  /** Whether it was sent again because the reused connection it was first sent on closed without a byte. */
  readonly isResent?: boolean;
  /** Whether the amended body was sent, because the upstream refused the first. */
  readonly isAmended?: boolean;
  pause(): void;
  resume(): void;
  /** Closes the socket now. The sink is not called any more. */
  abort(): void;
  /**
   * The answer is complete: the body gets a few seconds to end, then the socket is closed and the body counts as ended. With
   * `false`, the answer continues after all.
   */
  awaitEnd(isWhole: boolean): void;
  /** The stream has had its last event. The sink is not called any more; the body gets a second to end on its own. */
  detach(): void;
}

/** A call that was never made. */
export const NO_CALL: UpstreamCall = Object.freeze({
  isSent: false,
  pause() {},
  resume() {},
  abort() {},
  awaitEnd() {},
  detach() {},
});

/** Calls upstreams. */
export interface UpstreamPort {
  /** Starts a call. Failures are passed to the sink after this has returned, never thrown. */
  call(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall;
}
