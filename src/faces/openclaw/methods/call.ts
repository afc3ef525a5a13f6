import type { ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import type { ClientSession } from "../clients/client-session.ts";

/** One request on its way to its one response. */
export class Call {
  readonly client: ClientSession;
  /** Clock reading when the request's frame came in, in milliseconds. */
  readonly receivedAt: number;
  readonly #id: string;
  #answered = false;

  constructor(client: ClientSession, id: string, receivedAt: number) {
    this.client = client;
    this.receivedAt = receivedAt;
    this.#id = id;
  }

  /** The response. Only the first answer counts. */
  reply(payload: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.client.respond(this.#id, payload);
  }

  refuse(error: ErrorShape, payload?: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.client.refuse(this.#id, error, payload);
  }

  /** A first response with which a client of the method `agent` knows that the real one will come. */
  announce(payload: { readonly status: "accepted"; readonly runId: string; readonly [field: string]: unknown }): void {
    if (!this.#answered) this.client.respond(this.#id, payload);
  }
}
