import type { UpstreamRequest } from "../../core/ports/upstream.ts";

/** The body of a call's request, kept only while it may have to be sent again: answers run for long, and prompts are large. */
export class RequestBody {
  #text: string | undefined;
  readonly #amendment: UpstreamRequest["amendment"];
  #isAmended = false;

  constructor({ body, amendment }: UpstreamRequest) {
    this.#text = body;
    this.#amendment = amendment;
  }

  /** Undefined once it has been dropped. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Whether it is the second body, without what the upstream refused. */
  get isAmended(): boolean {
    return this.#isAmended;
  }

  /** The request is not to be retried. What can be amended is kept all the same: that is no retry of what was refused. */
  dropUnlessAmendable(): void {
    if (!this.#amendment) this.drop();
  }

  drop(): void {
    this.#text = undefined;
  }

  /** The response has begun. */
  answered(): void {
    this.drop();
    if (this.#isAmended) this.#amendment?.accepted();
  }

  /** Leaves out what the gateway added, where this refusal is about that. At most once. Returns whether it did. */
  amend(status: number, refusal: string): boolean {
    if (this.#isAmended || this.#text === undefined) return false;
    const amended = this.#amendment?.amend(this.#text, { status, body: refusal });
    if (amended === undefined) return false;
    this.#isAmended = true;
    this.#text = amended;
    return true;
  }
}
