import type { GatewayError } from "../kernel/errors.ts";
import type { RegisteredStream, StreamWatcher } from "./registered-stream.ts";
import type { ResumeFailure } from "./resume-failure.ts";

/** The streams of other nodes. A gateway without a cluster has none. */
export interface Elsewhere {
  /** A stream has been opened here: others may want to read it. Returns who is told what becomes of it. */
  opened(registered: RegisteredStream): StreamWatcher;
  /**
   * Brings a stream of another node here, to be read from the entry after `after`. Resolves with the mirror in the registry, or
   * why it cannot be read. Rejects with `cluster_unavailable`.
   */
  find(id: string, caller: string, epoch: number | undefined, after: number): Promise<RegisteredStream | ResumeFailure>;
  /**
   * Ends a stream of another node, if `isMeant` says so of its caller. Resolves with whether there was one that ran. Rejects
   * with `cluster_unavailable`.
   */
  cancel(id: string, isMeant: (caller: string) => boolean, reason: GatewayError): Promise<boolean>;
}
