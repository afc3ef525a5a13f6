import type { ClusterNews } from "../../core/ports/cluster-observer.ts";

/** A clock that differs by more is told of, and again once it differs by less, in milliseconds. */
const OFF_MS = 3_000;
const RIGHT_MS = 1_000;

/** Tells when a node's clock begins to differ from that of Redis, and when it does no more. */
export class ClockDifference {
  readonly #changed: (news: ClusterNews) => void;
  #isOff = false;

  constructor(changed: (news: ClusterNews) => void) {
    this.#changed = changed;
  }

  /** `aheadMs`: how far this node's clock is ahead now, in milliseconds. */
  look(aheadMs: number): void {
    const difference = Math.abs(aheadMs);
    if (this.#isOff ? difference > RIGHT_MS : difference <= OFF_MS) return;
    this.#isOff = !this.#isOff;
    this.#changed(this.#isOff ? { kind: "clock_off", aheadMs } : { kind: "clock_right" });
  }
}
