import type { PassThroughMethod } from "../dialect/pass-through-pattern.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { ProviderHead } from "../stream/stream-parts.ts";

/** A body: none, a text, or an upload that follows by `write`; `bytes`: its length, if the client announced one. */
export type PassThroughRequestBody =
  | { readonly is: "none" }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "upload"; readonly bytes: number | undefined };

/** A pass-through request: it goes up as it is. */
export interface PassThroughRequest {
  readonly route: string;
  readonly method: PassThroughMethod;
  /** Relative to the route's base URL. Checked: it holds no `..`, no escape and no query. */
  readonly path: string;
  /** The client's own query parameters; the route's go before them. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: PassThroughRequestBody;
  /** The upstream's model, if the request names one. */
  readonly model: string | undefined;
  /** Whether the key in the headers is the caller's own, not the route's. */
  readonly isOwnKey: boolean;
  /** How large the response may be. */
  readonly maxResponseBytes: number;
}

/** The part of a successful response's head that the client gets. */
export interface PassThroughHead extends ProviderHead {
  readonly status: number;
}

/** Receives a response. Called synchronously within socket callbacks, never after `end` or `fail`. */
export interface PassThroughSink {
  /** The body may follow, if one was announced; again after each `write` that returned false. */
  ready(): void;
  /** A success. Not called for a refusal. */
  responded(head: PassThroughHead): void;
  data(bytes: ByteString): void;
  end(): void;
  fail(error: GatewayError): void;
}

/** A running call. Its methods do nothing once it is over. */
export interface PassThroughCall {
  /** Whether the provider may charge for the call, as of `UpstreamCall`. */
  readonly isSent: boolean;
  /** Sends a part of the body. Returns false if the next one should wait for `ready`. */
  write(bytes: Uint8Array): boolean;
  /** The body is complete. */
  endBody(): void;
  /** Stops reading the response. */
  pause(): void;
  resume(): void;
  /** Closes the socket now. The sink is not called any more. */
  abort(): void;
}

/** A call that was never made. */
export const NO_PASS_THROUGH: PassThroughCall = Object.freeze({
  isSent: false,
  write: () => true,
  endBody() {},
  pause() {},
  resume() {},
  abort() {},
});

/** Sends pass-through requests to upstreams. */
export interface PassThroughPort {
  /** Starts a call. Failures are passed to the sink after this has returned, never thrown. */
  passThrough(request: PassThroughRequest, sink: PassThroughSink): PassThroughCall;
}
