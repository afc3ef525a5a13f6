import type { PassMethod } from "../dialect/pass-pattern.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { ProviderHead } from "../stream/provider-head.ts";

/** A request's body: none, a text, or one that follows by `write`, of so many bytes if that is known. */
export type PassBody =
  | { readonly is: "none" }
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "upload"; readonly bytes: number | undefined };

/** A request that is passed on as it is. */
export interface PassRequest {
  readonly route: string;
  readonly method: PassMethod;
  /** Relative to the route's base URL. Checked: it holds no `..`, no escape and no query. */
  readonly path: string;
  /** The client's own query parameters; the route's go before them. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: PassBody;
  /** The upstream's model, if the request names one. */
  readonly model: string | undefined;
  /** Whether the key in the headers is the caller's own, not the route's. */
  readonly isOwnKey: boolean;
  /** How large the response may be. */
  readonly maxResponseBytes: number;
}

/** The head of a successful response, as far as it is passed on. */
export interface PassedHead extends ProviderHead {
  readonly status: number;
}

/** Receives a response. Called synchronously within socket callbacks, never after `end` or `fail`. */
export interface PassSink {
  /** The body may follow, if one was announced; again after each `write` that returned false. */
  ready(): void;
  /** A success. Not called for a refusal. */
  responded(head: PassedHead): void;
  data(bytes: ByteString): void;
  end(): void;
  fail(error: GatewayError): void;
}

/** A running call. Its methods do nothing once it is over. */
export interface PassCall {
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
export const NO_PASSAGE: PassCall = Object.freeze({
  isSent: false,
  write: () => true,
  endBody() {},
  pause() {},
  resume() {},
  abort() {},
});

/** Passes requests on to upstreams. */
export interface PassPort {
  /** Starts a call. Failures are passed to the sink after this has returned, never thrown. */
  pass(request: PassRequest, sink: PassSink): PassCall;
}
