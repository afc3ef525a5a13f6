import { setTimeout as wait } from "node:timers/promises";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { ResumeFailure } from "../../core/stream/resume-failure.ts";
import type { SearchResult, Whereabouts } from "./inquiries.ts";
import type { StoredStream } from "./stored-stream.ts";

/** What finding a stream needs of its node. */
export interface FindingParts {
  readonly now: () => number;
  readonly read: (id: string, after: number) => Promise<StoredStream | undefined>;
  /** Ends a stream whose node is gone. */
  readonly takeOver: (id: string, node: string) => Promise<unknown>;
  /** Asks nodes, or all others, who has a stream. */
  readonly seek: (id: string, among?: readonly string[]) => Promise<SearchResult>;
}

/** What a client asks for. */
export interface Wanted {
  readonly id: string;
  readonly caller: string;
  readonly epoch: number | undefined;
  readonly after: number;
}

/** How long a client waits until its stream's owner has written what it has sent, or is known to be dead, in milliseconds. */
const SETTLE_MS = 1_000;
/** How long a client waits for certainty about a stream that Redis does not know, in milliseconds; then it may retry. */
const SEEK_MS = 2_000;
const AGAIN_MS = 20;
/** After how many looks the owner is asked: usually it writes within 10 ms what it sends. */
const LOOKS = 4;

/**
 * The stream that a client wants to resume, as Redis has it; or why it cannot be read, if that is certain. Rejects with
 * `cluster_unavailable` when it is not certain in time, or Redis is away.
 */
export async function findStored(wanted: Wanted, parts: FindingParts): Promise<StoredStream | ResumeFailure> {
  const { caller, epoch, after } = wanted;
  const found = await readForCertain({
    now: parts.now,
    read: () => parts.read(wanted.id, after),
    seek: () => parts.seek(wanted.id),
    isMeant: (there) => there.caller === caller,
  });
  if (found?.facts.caller !== caller) return "unknown";
  if (epoch !== undefined && epoch !== 1) return "epoch";
  const stored = await settled(found, wanted, parts);
  if (typeof stored === "string") return stored;
  if (stored.isExpired) return "expired";
  // A lost owner may have sent more than it could write, and so may one that nobody may judge yet.
  if (after > stored.seq && stored.end !== undefined && stored.owner !== "") return "ahead";
  const [first] = stored.entries;
  return after < stored.seq && (first === undefined || first.seq > after + 1) ? "evicted" : stored;
}

/** What a search needs of its node. */
export interface SearchParts<Found> {
  readonly now: () => number;
  readonly read: () => Promise<Found | undefined>;
  /** Asks all other nodes. */
  readonly seek: () => Promise<SearchResult>;
  /** Whether the stream that a node has is the one wanted. */
  readonly isMeant?: (there: Whereabouts) => boolean;
}

/**
 * What Redis has, once its owner has written it: what began while Redis was away is written late. Undefined if there certainly is
 * none; rejects with `cluster_unavailable` when that is not certain in time, or Redis is away.
 */
export async function readForCertain<Found>({
  now,
  read,
  seek,
  isMeant,
}: SearchParts<Found>): Promise<Found | undefined> {
  const asked = now();
  for (;;) {
    const stored = await read();
    if (stored) return stored;
    const found = await seek();
    // It may have been written meanwhile.
    if (found === "nobody") return await read();
    if (found !== "unsure" && isMeant?.(found) === false) return undefined;
    if (now() - asked > SEEK_MS) {
      throw new GatewayError("cluster_unavailable", "the node that may have the stream has not answered yet");
    }
    await wait(AGAIN_MS, undefined, { ref: false });
  }
}

/**
 * The stream, once its owner is alive, or known to be gone, and not behind what the client has seen; or as it is after a while:
 * its reader then learns what becomes of it.
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
    // Does nothing while the owner may be alive.
    if (!isOwnerAlive) await takeOver(id, owner);
    else if (look === LOOKS) {
      const there = await seek(id, [owner]);
      if (typeof there === "object" && there.head < after) return "ahead";
    }
    await wait(AGAIN_MS, undefined, { ref: false });
    stored = (await read(id, after)) ?? stored;
  }
}
