import type { StoreOutage } from "../../core/ports/store-outage.ts";
import { reasonOf, showsAway } from "./outage.ts";

/** A server that takes longer for a small statement counts as away. */
const SILENT_MS = 2_000;
const SILENT = "it does not answer";

/**
 * Whether a server works, as a small statement shows that is sent to it again and again. Other statements that fail may show
 * sooner that it does not.
 */
export class Health {
  readonly #now: () => number;
  readonly #changed: (outage: StoreOutage) => void;
  #latencyMs: number | undefined;
  #reason: string | undefined;
  #awaySince = 0;
  /** When the latest look was answered. */
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** `now`: in milliseconds. `changed` is called once when the server goes away, and once when it is back. */
  constructor(now: () => number, changed: (outage: StoreOutage) => void) {
    this.#now = now;
    this.#changed = changed;
  }

  get isUp(): boolean {
    return this.#reason === undefined;
  }

  /** How long it took for its latest answer, in milliseconds; undefined until there is one. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Why it is not up, without a secret. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Sends the statement: one at a time. Resolves and rejects as it does. */
  async measure<Answer>(statement: () => Promise<Answer>): Promise<Answer> {
    const askedAt = this.#now();
    const silent = setTimeout(() => this.#away(SILENT), SILENT_MS);
    try {
      const answer = await statement();
      this.#answeredAt = this.#now();
      this.#latencyMs = this.#answeredAt - askedAt;
      this.#back();
      return answer;
    } catch (error) {
      this.#away(reasonOf(error));
      throw error;
    } finally {
      clearTimeout(silent);
    }
  }

  /** Begins another statement. To be told if it fails: what began before the server was seen to work says nothing of it now. */
  begins(): (error: unknown) => void {
    const at = this.#now();
    return (error) => {
      if (at >= this.#answeredAt && showsAway(error)) this.#away(reasonOf(error));
    };
  }

  /** The first reason is told, the latest one shown. */
  #away(reason: string): void {
    const wasUp = this.isUp;
    this.#reason = reason;
    if (!wasUp) return;
    this.#awaySince = this.#now();
    this.#changed({ kind: "away", reason });
  }

  #back(): void {
    if (this.isUp) return;
    this.#reason = undefined;
    this.#changed({ kind: "back", awayMs: this.#now() - this.#awaySince });
  }
}
