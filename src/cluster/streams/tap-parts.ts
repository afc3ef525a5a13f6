import type { RegisteredStream } from "../../core/stream/registered-stream.ts";

/** What a tap needs of its node. */
export interface TapParts<Tap> {
  /** A clock reading, in milliseconds. */
  readonly now: () => number;
  readonly wall: () => number;
  /** Whether Redis answers. */
  readonly isUp: () => boolean;
  /** There is something to write; `isUrgent`: now, not at the next tick. */
  readonly changed: (tap: Tap, isUrgent: boolean) => void;
  /** For how long a log is kept after its end as things are, in milliseconds. */
  readonly keptMs: (registered: RegisteredStream) => number;
  /** Others have ended the stream. */
  readonly fenced: (tap: Tap) => void;
  /** Events will be missing in Redis. */
  readonly holed: () => void;
  readonly ended: (tap: Tap) => void;
  /** The stream has left the registry. */
  readonly removed: (tap: Tap) => void;
}
