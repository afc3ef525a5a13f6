import type { Caller } from "../caller/caller.ts";
import type { GatewayError } from "../kernel/errors.ts";
import type { SharedSocket } from "../stream/scheduler.ts";

/** An accepted WebSocket, as faces see it. */
export interface Connection extends SharedSocket {
  readonly id: string;
  /** Known from the handshake's credentials; undefined until a face gets them in its first frame. */
  readonly caller: Caller | undefined;
  /** The caller's own upstream key from the handshake, if any. Never stored or logged. */
  readonly upstreamKey?: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  /**
   * Lifts the limits for unauthenticated sockets: the first frame identified this caller. Throws `rate_limited` if its key
   * has too many connections.
   */
  authenticated(caller: Caller): void;
  /** Counts an invalid frame. Too many close the connection. */
  violation(error: GatewayError): void;
  /** Closes the socket after writing what is queued. The reason is cut at 123 bytes (RFC 6455, 5.5). */
  close(code: number, reason: string): void;
}
