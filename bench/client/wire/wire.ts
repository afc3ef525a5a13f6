import type { LoadStream } from "../load-stream.ts";

/** The load client's side of one protocol. */
export interface Wire {
  /** Opens this many more sockets. Rejects if one is refused. */
  connect(sockets: number): Promise<void>;
  /** Sends a stream's request now, on the socket with this index if the protocol shares sockets. */
  start(stream: LoadStream, socket: number): void;
  /** Cancels one stream the protocol's way. */
  cancel(stream: LoadStream): void;
  /** Pauses or resumes reading a stream's socket. */
  pause(stream: LoadStream): void;
  resume(stream: LoadStream): void;
  /** Bytes read so far for a stream's socket. */
  bytesRead(stream: LoadStream): number;
  close(): void;
}
