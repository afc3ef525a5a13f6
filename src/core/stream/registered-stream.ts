import type { Code } from "../../../protocol/codes.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { Stream } from "./stream.ts";

/** What happens to a stream without a reader: it runs until the grace ends, runs to its end, or is cancelled. */
export type AwayPolicy = "continue" | "finish" | "cancel";

/** A client's hold on a stream. A stream has one at a time: a new one replaces it. */
export interface Attachment {
  /** Set by a long poll between two rounds: its next round does not count as a resume. */
  readonly readsOn?: boolean;
  /** Others of its kind have the stream along with it, here and on other nodes: it is an `Audience`, or part of one. */
  readonly isShared?: boolean;
  /** It has lost the stream: `superseded` by another, or `slow_consumer` if it was still behind when the log expired. */
  detached(why: Code): void;
}

/** Holds the place of a client that has left. */
export const NOBODY: Attachment = { detached() {} };

/** A stream in the registry, and what is known about its client. */
export interface RegisteredStream {
  readonly stream: Stream;
  readonly caller: string;
  readonly away: AwayPolicy;
  /** A repeated request may ask for all of it again. */
  readonly isRepeatable: boolean;
  attachment: Attachment | undefined;
  /** Clock reading when the current attachment came or the last one left. */
  since: number;
  /** Why the last attachment left before it had everything. */
  previous: Code | undefined;
  endedAt: number | undefined;
  /** Its client has handled all of it, including the end. */
  isHandled: boolean;
  /** It runs on another node: this is what was read of it there. */
  readonly isMirror: boolean;
  /** Undefined without a cluster. */
  watcher: StreamWatcher | undefined;
}

/** What a cluster learns of a registered stream. Must not throw. */
export interface StreamWatcher {
  /** Another attachment has it. */
  attached(attachment: Attachment): void;
  /** The attachment has left: because of `why`, or because it has everything. */
  detached(why: Code | undefined): void;
  ended(): void;
  /** Its client has handled all of it; `isAcknowledged`: it said so itself. */
  done(isAcknowledged: boolean): void;
  /** It is in the registry no more. */
  removed(): void;
}

/** Read whenever they apply. Times in milliseconds. */
export interface RegistryLimits {
  /** How long a stream lives without a reader. */
  readonly graceMs: number;
  /** How long a log is kept after its end. */
  readonly retentionMs: number;
  /** The same for a log whose client has handled all of it: only a repeated request may still need it. */
  readonly handledRetentionMs: number;
  /** How long a client that makes no progress may keep its upstream paused. */
  readonly pausedMs: number;
  /** How many removed ids are remembered, to tell `expired` from `unknown`. */
  readonly rememberedIds: number;
}

/** A stream that has just come to the registry. `now`: a clock reading. */
export const newlyRegistered = (
  stream: Stream,
  caller: string,
  now: number,
  kind: Pick<RegisteredStream, "away" | "isRepeatable" | "isMirror">,
): RegisteredStream => ({
  stream,
  caller,
  ...kind,
  attachment: undefined,
  since: now,
  previous: undefined,
  endedAt: undefined,
  isHandled: false,
  watcher: undefined,
});

/** How long an ended stream is kept, in milliseconds. */
export const keptMs = ({ isHandled }: RegisteredStream, { retentionMs, handledRetentionMs }: RegistryLimits): number =>
  isHandled ? Math.min(handledRetentionMs, retentionMs) : retentionMs;

/** What must happen to a stream now: it was kept long enough, or is cancelled because of a client that is slow or gone. */
export function fateOf(
  registered: RegisteredStream,
  now: number,
  limits: RegistryLimits,
): "removed" | GatewayError | undefined {
  const { stream, since, endedAt, attachment, away, isMirror } = registered;
  // Its own node judges.
  if (isMirror) return undefined;
  if (endedAt !== undefined) {
    return now - Math.max(endedAt, since) >= keptMs(registered, limits) ? "removed" : undefined;
  }
  if (attachment) {
    // Pauses before this attachment came do not count.
    const stalledMs = Math.min(stream.pausedMs, now - since);
    if (stalledMs < limits.pausedMs) return undefined;
    return new GatewayError("slow_consumer", undefined, { setting: "limits.streams.pausedMs" });
  }
  if (away === "finish" || now - since < limits.graceMs) return undefined;
  return new GatewayError("client_gone", "no client resumed the stream in time", { setting: "limits.graceMs" });
}

/** Streams with a reader, running streams without one, and ended ones without one. Mirrors count on their own nodes. */
export function countsOf(streams: Iterable<RegisteredStream>) {
  const counts = { attended: 0, parked: 0, kept: 0 };
  for (const { attachment, stream, isMirror } of streams) {
    if (!isMirror) counts[attachment ? "attended" : stream.terminal ? "kept" : "parked"]++;
  }
  return counts;
}
