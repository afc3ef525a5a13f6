/** One accepted WebSocket, as faces see it. */
import type { Caller } from "../caller/caller.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";

/**
 * When a frame leaves at the latest: at once, when the read of an upstream that brought it is handled, or with all others
 * of this turn of the event loop.
 */
export type SendTime = "now" | "read" | "turn";

/** One accepted WebSocket, as a face sees it. */
export interface Connection {
  readonly id: string;
  /** From credentials of the handshake; undefined when the face must ask for them in its first frame. */
  readonly caller: Caller | undefined;
  /** The caller's own upstream key, if its handshake brought one. In memory only. */
  readonly upstreamKey?: string | undefined;
  readonly remoteAddress: string;
  readonly origin: string | undefined;
  /** Queues one text frame for this loop turn's single write. */
  send(frame: string): void;
  /** Queues a frame that is its own UTF-8 already, to leave at its time, with all that was queued before it. */
  sendBytes(frame: ByteString, when: SendTime): void;
  /** Whether stream frames may be sent now. */
  readonly writable: boolean;
  /**
   * The first frame authenticated this caller: pre-auth limits end. Throws `rate_limited` when its key has too many
   * connections.
   */
  authenticated(caller: Caller): void;
  /** Counts an invalid frame; the connection is closed when there are too many. */
  violation(error: GatewayError): void;
  /** Closes after everything queued went out. The reason is cut at 123 bytes. */
  close(code: number, reason: string): void;
}
