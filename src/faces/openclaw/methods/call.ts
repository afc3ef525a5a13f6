import type { ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import type { ClientSession } from "../clients/client-session.ts";

/** A request and its one response. */
export class Call {
  readonly client: ClientSession;
  /** Monotonic time at which the request's frame arrived, in milliseconds. */
  readonly receivedAt: number;
  readonly #id: string;
  #answered = false;

  constructor(client: ClientSession, id: string, receivedAt: number) {
    this.client = client;
    this.receivedAt = receivedAt;
    this.#id = id;
  }

  /** Sends the response; only the first call counts. */
  reply(payload: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.client.respond(this.#id, payload);
  }

  /** Sends an error as the response; only the first call counts. */
  refuse(error: ErrorShape, payload?: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.client.refuse(this.#id, error, payload);
  }

  /** Sends the early response of `agent`, which promises the real one. */
  announce(payload: { readonly status: "accepted"; readonly runId: string; readonly [field: string]: unknown }): void {
    if (!this.#answered) this.client.respond(this.#id, payload);
  }
}
