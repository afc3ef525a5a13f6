import type { RefusalRecord } from "../core/ports/observer.ts";
import { type LogFields, lineText } from "./log-fields.ts";

/** After the first line of a kind, at most one more in this time: a flood of refusals must not fill the disk. */
export const REFUSAL_WINDOW_MS = 10_000;
/** Kinds with lines of their own. Codes and places are few; this guards against a place that is not. */
const MAX_KINDS = 64;
/** Most addresses counted in one window. */
const MAX_ADDRESSES = 1_000;

interface Kind {
  readonly first: RefusalRecord;
  readonly sinceMs: number;
  /** Without the first, which has its own line. */
  count: number;
  readonly addresses: Set<string>;
}

/** Condenses refusals: the first of a kind gets a line at once, the rest of its window one summary. */
export class Refusals {
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The lines to write now: summaries of windows that are over, and this refusal's own when it starts one. */
  note(refusal: RefusalRecord): readonly LogFields[] {
    const lines = this.summaries();
    // Callers are as many as there are keys: one that is refused often must not hide another.
    const name = `${refusal.code} ${refusal.where} ${refusal.caller ?? ""}`;
    const key = this.#kinds.has(name) || this.#kinds.size < MAX_KINDS ? name : "other";
    const kind = this.#kinds.get(key);
    if (kind) {
      kind.count++;
      if (kind.addresses.size < MAX_ADDRESSES) kind.addresses.add(refusal.remoteAddress);
      return lines;
    }
    this.#kinds.set(key, { first: refusal, sinceMs: this.#now(), count: 0, addresses: new Set() });
    return [...lines, refusalFields(refusal)];
  }

  /** Summaries of windows that are over, or of all. A kind without repetitions gets none. */
  summaries(all = false): readonly LogFields[] {
    const lines: LogFields[] = [];
    for (const [key, kind] of this.#kinds) {
      if (!all && this.#now() - kind.sinceMs < REFUSAL_WINDOW_MS) continue;
      this.#kinds.delete(key);
      if (kind.count > 0) lines.push(summaryFields(key, kind));
    }
    return lines;
  }
}

const refusalFields = ({ code, where, remoteAddress, caller, setting }: RefusalRecord): LogFields => ({
  event: "refused",
  code,
  where: lineText(where),
  caller: lineText(caller),
  remoteAddress: lineText(remoteAddress),
  setting: lineText(setting),
});

const summaryFields = (key: string, { first, count, addresses }: Kind): LogFields => ({
  event: "refused",
  code: key === "other" ? "other" : first.code,
  where: key === "other" ? "other" : lineText(first.where),
  caller: key === "other" ? undefined : lineText(first.caller),
  repeated: count,
  addresses: addresses.size,
});
