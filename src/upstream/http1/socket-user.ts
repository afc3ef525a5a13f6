import type { ResponseSink } from "./response-reader.ts";

/** The call that uses a socket. It hears its response, then exactly one of `ended` and `broke`. */
export interface SocketUser extends ResponseSink {
  ended(): void;
  broke(error: Error): void;
  /** What was written has left. */
  drained(): void;
}
