import { dataOfFlood, type Flood, type FloodRecord, withoutStamp } from "../upstreams/flood-upstream.ts";
import type { Entry } from "./history.ts";

/** What the checker knows besides what the client saw. */
export interface Truth {
  /** What the upstream was asked for. */
  readonly flood: Flood;
  /** What the upstream wrote of it; undefined if it was never asked. */
  readonly record: FloodRecord | undefined;
  /** When the node that ran it was killed, stopped or cut off, on the wall clock in milliseconds; undefined if it was not. */
  readonly ownerLostAt: number | undefined;
  /** Until when the end must be told after that, in milliseconds. */
  readonly withinMs: number;
}

/** How a client's stream went, for comparisons with the upstream's count and the ledger. */
export interface Outcome {
  /** The gateway's name for it; undefined if the client never learned it. */
  readonly stream: string | undefined;
  readonly status: string | undefined;
  readonly code: string | undefined;
  readonly lastSeq: number;
  readonly resumes: number;
  /** Events from the node that ran it on a socket that the client had given up, after its stream's end was told. */
  readonly leftEvents: number;
  /** The same from a node where it was only read: late, but as they were. */
  readonly lateEvents: number;
  /** From the loss of its node to its end, in milliseconds; undefined if it did not end so. */
  readonly toldAfterMs: number | undefined;
  readonly faults: readonly string[];
}

/** How a fault begins that is one of time only. */
export const LATE = "told ";
/** How a fault begins that is a missing end. */
export const UNTOLD = "no terminal";

/** Reads a client's history and looks for what must never be in it. */
export function checkHistory(history: readonly Entry[], truth: Truth): Outcome {
  const faults: string[] = [];
  let [last, stream, resumes, leftEvents, lateEvents] = [0, undefined as string | undefined, 0, 0, 0];
  let [asked, owner] = ["", ""];
  const ends: Extract<Entry, { what: "end" }>[] = [];
  for (const entry of history) {
    if (entry.what === "resume") resumes++;
    if (entry.what === "open") asked = entry.node;
    if (entry.what === "opened") {
      owner = asked;
      if (stream !== undefined) faults.push("opened twice");
      stream = entry.stream;
    }
    if (entry.what === "event" && entry.isLeft) {
      if (ends.length > 0 && entry.node === owner) leftEvents++;
      else if (ends.length > 0) lateEvents++;
      faults.push(...wrongText(entry, truth));
    } else if (entry.what === "event") {
      if (ends.length > 0) faults.push(`event ${entry.seq} after the terminal`);
      if (entry.seq <= last) faults.push(`double: ${entry.seq} after ${last}`);
      if (entry.seq > last + 1) faults.push(`hole: ${entry.seq} after ${last}`);
      last = Math.max(last, entry.seq);
      faults.push(...wrongText(entry, truth));
    }
    if (entry.what === "end" && !entry.isLeft) ends.push(entry);
  }
  const [end] = ends;
  const left = history.find((entry) => entry.what === "end" && entry.isLeft && entry.code !== end?.code);
  if (left) faults.push(`another terminal on a socket that was left: ${JSON.stringify(left)}`);
  const isOpen = stream !== undefined;
  if (ends.length > 1) faults.push(`${ends.length} terminals`);
  if (!isOpen && (last > 0 || end)) faults.push("events or a terminal, but no opening");
  if (isOpen && !end) faults.push(`${UNTOLD}: ${JSON.stringify(history.at(-1))}`);
  if (end) faults.push(...wrongEnd(end, last, truth));
  const calls = truth.record?.calls ?? 0;
  if (calls > 1) faults.push(`${calls} calls of the upstream`);
  if (calls === 0 && last > 0) faults.push("events without a call of the upstream");
  const isLost = end?.code === "owner_lost" && truth.ownerLostAt !== undefined;
  return {
    ...{ stream, resumes, leftEvents, lateEvents, faults, lastSeq: last },
    status: end?.status,
    code: end?.code,
    toldAfterMs: isLost ? end.at - (truth.ownerLostAt ?? 0) : undefined,
  };
}

/** An open without an answer is excused by nothing but the loss of the node that was asked. */
export function checkUnanswered(history: readonly Entry[], isLost: (node: string) => boolean): readonly string[] {
  if (history.some(({ what }) => what === "opened")) return [];
  const at = history.findLastIndex(({ what }) => what === "open");
  const open = history[at];
  if (open?.what !== "open") return ["no node was asked"];
  const refused = history.slice(at).find(({ what }) => what === "refused");
  if (refused?.what === "refused") return [`refused ${refused.code}`];
  return isLost(open.node) ? [] : [`no answer from ${open.node}, which lives`];
}

function wrongText({ seq, data }: Extract<Entry, { what: "event" }>, { flood, record }: Truth): readonly string[] {
  if (seq > (record?.written ?? 0)) return [`event ${seq} was never sent: ${record?.written ?? 0} were`];
  return withoutStamp(data).data === dataOfFlood(flood, seq)
    ? []
    : [`event ${seq} is not the upstream's: ${data.slice(0, 80)}`];
}

function wrongEnd(
  end: Extract<Entry, { what: "end" }>,
  last: number,
  { flood, ownerLostAt, withinMs }: Truth,
): readonly string[] {
  const faults: string[] = [];
  if (end.lastSeq !== last) faults.push(`the terminal says ${end.lastSeq}, ${last} came`);
  if (end.status === "completed") {
    // After its events come the reason for its end, and [DONE].
    const wholeSeq = flood.events + 2;
    if (last !== wholeSeq) faults.push(`completed with ${last} of ${wholeSeq}`);
    if (end.source !== "exact") faults.push(`completed, its usage ${end.source}`);
  } else if (end.status !== "failed" || end.code !== "owner_lost") {
    faults.push(`ended ${end.status} ${end.code}`);
  } else if (ownerLostAt === undefined) {
    faults.push("owner_lost, though its node lives");
  } else {
    if (end.retryable !== true) faults.push("owner_lost, not retryable");
    const afterMs = end.at - ownerLostAt;
    if (afterMs > withinMs) faults.push(`${LATE}${Math.round(afterMs)} ms after its node was lost`);
  }
  return faults;
}
