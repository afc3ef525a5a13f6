import type { GatewayError } from "../kernel/errors.ts";
import type { JsonObject } from "../kernel/json.ts";
import type { RegisteredStream, StreamWatcher } from "./registered-stream.ts";
import type { ResumeFailure } from "./resume-failure.ts";

/** A stream that was found by its name, and what its face needs to read it elsewhere. */
export interface NamedStream {
  /** Empty if the newest one of that name has lost it. */
  readonly stream: string;
  readonly about: JsonObject;
}

/** Names, of any length, by which streams are found on every node. */
export interface StreamNames {
  /**
   * Gives a stream of this node a name, in place of the one that had it, until the stream has failed or is kept no more. `about` is
   * called whenever the name is written.
   */
  give(registered: RegisteredStream, name: readonly string[], about: () => JsonObject): void;
  /** The newest stream of that name; undefined if there certainly is none. Rejects with `cluster_unavailable`. */
  find(name: readonly string[]): Promise<NamedStream | undefined>;
  /** Takes the name from a stream that still has it; no older one gets it. */
  take(name: readonly string[], stream: string): void;
}

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
  readonly names: StreamNames;
}
