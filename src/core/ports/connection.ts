/** One accepted WebSocket, as faces see it. */
import type { Caller } from "../caller/caller.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { GatewayError } from "../kernel/errors.ts";

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
  /**
   * Queues a frame that is its own UTF-8 already. While one stream alone writes here, what one read of its upstream
   * brought leaves behind it; what several bring leaves together at the end of the turn.
   */
  sendBytes(frame: ByteString): void;
  /** Whether several streams write here. */
  isShared: boolean;
  /** Writes what is queued at once: for the first content of a stream, which nothing else of the turn may hold up. */
  flush(): void;
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
