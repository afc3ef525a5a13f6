import { setTimeout as wait } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ResumeFailure } from "../../core/stream/resume-failure.ts";
import type { Sought } from "./inquiries.ts";
import type { StoredStream } from "./stored-stream.ts";

/** What a finding asks. */
export interface FindingParts {
  readonly now: () => number;
  readonly read: (id: string, after: number) => Promise<StoredStream | undefined>;
  /** Ends a stream whose node is gone. */
  readonly takeOver: (id: string, node: string) => Promise<unknown>;
  /** Asks nodes, or all others, who has a stream. */
  readonly seek: (id: string, among?: readonly string[]) => Promise<Sought>;
}

/** What a client asks for. */
export interface Wanted {
  readonly id: string;
  readonly caller: string;
  readonly epoch: number | undefined;
  readonly after: number;
}

/** How long a client waits for its stream's owner to write what it has shown, or to be judged, in milliseconds. */
const SETTLE_MS = 1_000;
/** How long a client waits for certainty about a stream that Redis does not know, in milliseconds; then it may come again. */
const SEEK_MS = 2_000;
const AGAIN_MS = 20;
/** Looks until the owner is asked: usually it writes within 10 ms what it shows. */
const LOOKS = 4;

/**
 * The stream that a client wants to read on, as Redis has it; or why it cannot be read, which is said only when it is certain.
 * Rejects with `cluster_unavailable` when it is not certain in time, or Redis is away.
 */
export async function findStored(wanted: Wanted, parts: FindingParts): Promise<StoredStream | ResumeFailure> {
  const { caller, epoch, after } = wanted;
  const found = await known(wanted, parts);
  if (found?.facts.caller !== caller) return "unknown";
  if (epoch !== undefined && epoch !== 1) return "epoch";
  const stored = await settled(found, wanted, parts);
  if (typeof stored === "string") return stored;
  if (stored.isExpired) return "expired";
  // An owner that was lost had sent more than it could write. One that is not judged yet may be lost, too.
  if (after > stored.seq && stored.end !== undefined && stored.owner !== "") return "ahead";
  const [first] = stored.entries;
  return after < stored.seq && (first === undefined || first.seq > after + 1) ? "evicted" : stored;
}

/** The stream, once its owner has written it: one that was opened while Redis was away comes late. */
async function known({ id, caller, after }: Wanted, { now, read, seek }: FindingParts) {
  const asked = now();
  for (;;) {
    const stored = await read(id, after);
    if (stored) return stored;
    const sought = await seek(id);
    // It may have been written meanwhile.
    if (sought === "nobody") return await read(id, after);
    if (sought !== "unsure" && sought.caller !== caller) return undefined;
    if (now() - asked > SEEK_MS) {
      throw new GatewayError("cluster_unavailable", "the node that may have the stream is not heard of yet");
    }
    await wait(AGAIN_MS, undefined, { ref: false });
  }
}

/**
 * The stream once its owner is alive, or known to be gone, and not behind what the client has seen; or as it is after a while:
 * whoever reads it then learns what becomes of it.
 */
async function settled(
  found: StoredStream,
  { id, after }: Wanted,
  { now, read, takeOver, seek }: FindingParts,
): Promise<StoredStream | "ahead"> {
  const asked = now();
  let stored = found;
  for (let look = 1; ; look++) {
    const { owner, seq, end, isOwnerAlive } = stored;
    if (end !== undefined || (isOwnerAlive && after <= seq) || now() - asked > SETTLE_MS) return stored;
    // Does nothing while the owner may live.
    if (!isOwnerAlive) await takeOver(id, owner);
    else if (look === LOOKS) {
      const sought = await seek(id, [owner]);
      if (typeof sought === "object" && sought.head < after) return "ahead";
    }
    await wait(AGAIN_MS, undefined, { ref: false });
    stored = (await read(id, after)) ?? stored;
  }
}
