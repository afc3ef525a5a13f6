import type { Code } from "../../../protocol/codes.ts";
import type { Scope } from "../caller/caller.ts";
import type { Connection } from "./connection.ts";

/**
 * `maxUnreadBytes` of faces whose own frames are short, 4 MiB: a thousand refusals of 4 KiB, or sixteen lanes' last events with
 * 256 KiB of instructions each.
 */
export const MAX_UNREAD_BYTES = 4_194_304;

/** A WebSocket protocol for clients. A face only translates: text in, text out. */
export interface Face {
  readonly name: string;
  /** The scope a gateway key needs. */
  readonly scope: Scope;
  /** Whether credentials come in the handshake (`header`), in the first frame (`frame`), or in either. */
  readonly authentication: "header" | "frame" | "either";
  /** The largest inbound frame once authenticated, in bytes. */
  readonly maxFrameBytes: number;
  /** How many bytes of frames outside of streams may wait for a client that does not read; at the next one its socket ends. */
  readonly maxUnreadBytes: number;
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
