import type { LoadStream } from "./load-stream.ts";

/** How the load client speaks to a target: one for each protocol. */
export interface Wire {
  /** Opens so many more sockets. Rejects when one is refused. */
  connect(sockets: number): Promise<void>;
  /** Sends a stream's request now, over the socket of this index where the protocol shares sockets. */
  start(stream: LoadStream, socket: number): void;
  /** Cancels one stream as the protocol has it. */
  cancel(stream: LoadStream): void;
  /** Stops or goes on reading the socket of a stream. */
  pause(stream: LoadStream): void;
  resume(stream: LoadStream): void;
  /** Bytes read so far for a stream's socket. */
  bytesRead(stream: LoadStream): number;
  close(): void;
}
