import { GatewayError } from "../../core/kernel/errors.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";

/** The streams of a connection that other nodes are still asked for. Their ids are taken. */
export class Arrivals {
  readonly #registry: Pick<StreamRegistry, "lose">;
  /** By the client's id, with whether it was cancelled meanwhile. */
  readonly #expected = new Map<string, { isCancelled: boolean }>();
  #isClosed = false;

  constructor(registry: Pick<StreamRegistry, "lose">) {
    this.#registry = registry;
  }

  get size(): number {
    return this.#expected.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  has(id: string): boolean {
    return this.#expected.has(id);
  }

  /** Takes the id until the stream is found, or `failed` gets why not, or what `came` throws. */
  add(
    id: string,
    found: Promise<RegisteredStream>,
    came: (registered: RegisteredStream) => void,
    failed: (thrown: unknown) => void,
  ): void {
    const expected = { isCancelled: false };
    this.#expected.set(id, expected);
    found
      .then((registered) => {
        this.#expected.delete(id);
        if (this.#isClosed) this.#registry.lose(registered, "client_gone");
        else came(registered);
        if (expected.isCancelled) registered.stream.cancel(new GatewayError("cancelled"));
      })
      .catch((thrown) => {
        this.#expected.delete(id);
        if (!this.#isClosed) failed(thrown);
      });
  }

  /** Cancels a stream as soon as it is found. Returns false if the id is none of these. */
  cancel(id: string): boolean {
    const expected = this.#expected.get(id);
    if (expected) expected.isCancelled = true;
    return expected !== undefined;
  }

  /** The connection is closed. */
  close(): void {
    this.#isClosed = true;
  }
}
