import { reasonOf } from "./outage.ts";

/** A server that takes longer for a small statement counts as away. */
const SILENT_MS = 2_000;

/** Whether a server works, as a small statement shows that is sent to it again and again. */
export class Health {
  readonly #now: () => number;
  #askedAt: number | undefined;
  #latencyMs: number | undefined;
  #reason: string | undefined;

  /** `now`: in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get isUp(): boolean {
    return this.reason === undefined;
  }

  /** How long it took for its latest answer, in milliseconds; undefined until there is one. */
  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Why it is not up, without a secret. */
  get reason(): string | undefined {
    const isSilent = this.#askedAt !== undefined && this.#now() - this.#askedAt > SILENT_MS;
    return this.#reason ?? (isSilent ? "it does not answer" : undefined);
  }

  /** Sends the statement: one at a time. Resolves and rejects as it does. */
  async measure<Answer>(statement: () => Promise<Answer>): Promise<Answer> {
    const askedAt = this.#now();
    this.#askedAt = askedAt;
    try {
      const answer = await statement();
      this.#latencyMs = this.#now() - askedAt;
      this.#reason = undefined;
      return answer;
    } catch (error) {
      this.#reason = reasonOf(error);
      throw error;
    } finally {
      this.#askedAt = undefined;
    }
  }
}
