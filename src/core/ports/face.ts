/** How clients speak. */
import type { Code } from "../../../protocol/codes.ts";
import type { Scope } from "../caller/caller.ts";
import type { Connection } from "./connection.ts";

/** How clients speak. A face is a translator: it gets text and gives text. */
export interface Face {
  readonly name: string;
  /** What a gateway key must allow. */
  readonly scope: Scope;
  /** Whether the credentials must be in the handshake (`header`) or come in the first frame (`frame`). */
  readonly authentication: "header" | "frame";
  /** Largest inbound frame once authenticated, in bytes. */
  readonly maxFrameBytes: number;
  accept(connection: Connection): FaceSession;
}

export interface FaceSession {
  message(text: string): void;
  /** The socket can take stream frames again. */
  drained(): void;
  /** The socket is gone, because of `why`: a code of ours, or `client_gone`. */
  closed(why: Code): void;
  /** The gateway stops soon: say goodbye in the face's own words. `afterMs`: when to come back. */
  goingAway(afterMs: number): void;
}
