import type { Caller } from "../caller/caller.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";

/**
 * When a frame is written at the latest: now, at the end of the upstream read that caused it, or at the end of this turn of
 * the event loop.
 */
export type SendTime = "now" | "read" | "turn";

/** An accepted WebSocket, as faces see it. */
export interface Connection {
  readonly id: string;
  /** Known from the handshake's credentials; undefined until a face gets them in its first frame. */
  readonly caller: Caller | undefined;
  /** The caller's own upstream key from the handshake, if any. Never stored or logged. */
  readonly upstreamKey?: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  /** Queues a text frame, written at the end of this loop turn. */
  send(frame: string): void;
  /** Queues a text frame given as UTF-8. It is written at `when`, together with everything queued before it. */
  sendBytes(frame: ByteString, when: SendTime): void;
  /** Whether stream frames may be sent now. */
  readonly writable: boolean;
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
