import type { ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import type { ClientSession } from "../clients/client-session.ts";

/** One request on its way to its one response. */
export class Call {
  readonly peer: ClientSession;
  /** Clock reading when the request's frame came in, in milliseconds. */
  readonly receivedAt: number;
  readonly #id: string;
  #answered = false;

  constructor(peer: ClientSession, id: string, receivedAt: number) {
    this.peer = peer;
    this.receivedAt = receivedAt;
    this.#id = id;
  }

  /** The response. Only the first answer counts. */
  reply(payload: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.peer.respond(this.#id, payload);
  }

  refuse(error: ErrorShape, payload?: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.peer.refuse(this.#id, error, payload);
  }

  /** A first response with which a client of the method `agent` knows that the real one will come. */
  announce(payload: { readonly status: "accepted"; readonly runId: string; readonly [field: string]: unknown }): void {
    if (!this.#answered) this.peer.respond(this.#id, payload);
  }
}
