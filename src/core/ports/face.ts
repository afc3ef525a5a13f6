import type { Code } from "../../../protocol/codes.ts";
import type { Scope } from "../caller/caller.ts";
import type { Connection } from "./connection.ts";

/** A WebSocket protocol for clients. A face only translates: text in, text out. */
export interface Face {
  readonly name: string;
  /** The scope a gateway key needs. */
  readonly scope: Scope;
  /** Whether credentials come in the handshake (`header`), in the first frame (`frame`), or in either. */
  readonly authentication: "header" | "frame" | "either";
  /** The largest inbound frame once authenticated, in bytes. */
  readonly maxFrameBytes: number;
  accept(connection: Connection): FaceSession;
}

/** One connection of a face. */
export interface FaceSession {
  message(text: string): void;
  /** The socket can take stream frames again. */
  drained(): void;
  /** The socket is closed. `why`: a code of ours, or `client_gone`. */
  closed(why: Code): void;
  /** The gateway stops soon: tells the client to reconnect after `afterMs`. */
  goingAway(afterMs: number): void;
}
