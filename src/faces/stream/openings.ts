import type { Code } from "../../../protocol/codes.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Stream } from "../../core/stream/stream.ts";

/** What is needed of the registry. */
type Registry = Pick<StreamRegistry, "attach" | "detach" | "handled">;

/** Holds the place of a reader on a stream whose client has left. */
const NOBODY = { detached() {} };

/** The opens of one connection that wait until it is decided elsewhere whether they may run. */
export class Openings {
  readonly #registry: Registry;
  readonly #waiting = new Map<string, RegisteredStream>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The stream of an open that waits, by the client's id. */
  stream(id: string): Stream | undefined {
    return this.#waiting.get(id)?.stream;
  }

  /** Calls `opened` or `refused`: now, or once it is decided; neither if the client leaves before. */
  add(id: string, registered: RegisteredStream, opened: () => void, refused: (error: GatewayError) => void): void {
    const decided = registered.stream.info.opening?.decided;
    if (decided === undefined) {
      opened();
      return;
    }
    this.#waiting.set(id, registered);
    void decided.then((refusal) => {
      if (!this.#waiting.delete(id)) return;
      if (!refusal) opened();
      else {
        this.#registry.handled(registered, true);
        refused(refusal);
      }
    });
  }

  /** The client has left. */
  close(why: Code): void {
    for (const registered of this.#waiting.values()) {
      this.#registry.attach(registered, NOBODY);
      this.#registry.detach(registered, NOBODY, why);
    }
    this.#waiting.clear();
  }
}
