/** One HTTP call to an upstream, as the core asks for it. */
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { ProviderHead } from "../stream/provider-head.ts";

/** Which failed calls the gateway may make again: those that help, those on connections that were gone, or none. */
export type MayRetry = boolean | "reconnect";

/** An upstream's refusal: its status, and its body as far as it was read. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** A second body for a request that is refused for something the gateway added to it. It is tried once. */
export interface Amendment {
  /** The body to send instead of `body`; undefined where the refusal is about something else. */
  amend(body: string, refusal: Refusal): string | undefined;
  /** The upstream answers the amended request. */
  accepted(): void;
}

export interface UpstreamRequest {
  readonly route: string;
  /** Below the route's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The upstream's model, where the request names one. */
  readonly model?: string | undefined;
  /** The key in the headers is the caller's, not the route's. */
  readonly isOwnKey?: boolean | undefined;
  /** One JSON value is asked for, not a stream: it is the only event. */
  readonly whole?: boolean | undefined;
  /** What may be left out of the body where the upstream refuses it. */
  readonly amendment?: Amendment | undefined;
  /**
   * Whether the call may be repeated before the first byte of a response body. `reconnect`: only when it was sent on a
   * reused connection that closed without a byte; every other failure is for the client, which retries by its own rules.
   */
  readonly mayRetry: MayRetry;
}

/** All are called synchronously from the socket's own callbacks, never after `end` or `fail`. */
export interface UpstreamSink {
  /** The head of a response, a refusal's too; again for each response where the call is made again. */
  responded(head: ProviderHead): void;
  /** The first byte of a response body. */
  firstByte(): void;
  /** `bytes` is the same data as a log keeps it and a socket writes it. */
  event(name: ByteString | undefined, data: string, bytes: ByteString): void;
  /** Malformed UTF-8 was replaced. */
  lossy(): void;
  /** The body ended cleanly. */
  end(): void;
  fail(error: GatewayError): void;
}

export interface UpstreamCall {
  /**
   * Whether the provider may charge for the call: the request was written to a connection, and no status other than 2xx
   * has refused it. False again while a refused call waits to be made once more. Stays as it is when the call is over.
   */
  readonly isSent: boolean;
  /** Whether it was sent twice, because the reused connection it was first sent on closed without a byte. */
  readonly isResent?: boolean;
  pause(): void;
  resume(): void;
  /** Closes the socket now; the sink hears nothing more. */
  abort(): void;
  /**
   * The answer is whole, so what may follow gets some seconds before the socket is closed and the body counts as ended;
   * or, with `false`, it is not whole after all.
   */
  awaitEnd(isWhole: boolean): void;
  /** The stream has had its last event: the sink hears nothing more, the body gets a second to end by itself. */
  detach(): void;
}

/** Stands for a call that was never made. */
export const NO_CALL: UpstreamCall = Object.freeze({
  isSent: false,
  pause() {},
  resume() {},
  abort() {},
  awaitEnd() {},
  detach() {},
});

export interface UpstreamPort {
  /** Starts a call. Failures go to the sink, never thrown, and never before this returns. */
  call(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall;
}
