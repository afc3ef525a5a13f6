import { asObject, asString, parseJson } from "../../core/kernel/json.ts";
import type { StoreChange } from "../../core/ports/store-change.ts";

/** PostgreSQL's limit is 8,000. Keys are far shorter, but for the bytes that JSON needs for their characters. */
const MAX_PAYLOAD_BYTES = 7_000;

/** What the gateways that share tables tell each other: which rows they have written. */
export class StoreNews {
  readonly #instance: string;
  readonly #followers = new Set<{ readonly changed: (change: StoreChange) => void }>();

  /** `instance` identifies this run, which knows what it has written itself. */
  constructor(instance: string) {
    this.#instance = instance;
  }

  /** A change as the others hear it. */
  payloadOf(change: StoreChange): string {
    const payload = JSON.stringify({ by: this.#instance, ...change });
    return Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES
      ? payload
      : JSON.stringify({ by: this.#instance, kind: "all" });
  }

  /** Takes what another gateway, or this one, has told. */
  heard(payload: string): void {
    const { by, kind, key, of } = asObject(parseJson(payload)) ?? {};
    if (by === this.#instance) return;
    const name = asString(key);
    if ((kind === "session" || kind === "messages") && name !== undefined) this.#tell({ kind, key: name });
    else if (kind === "document" && name !== undefined) this.#tell({ kind, of: asString(of) ?? "", key: name });
    // Also what a newer version says.
    else this.#tell({ kind: "all" });
  }

  /** Nothing was heard for a while. */
  missed(): void {
    this.#tell({ kind: "all" });
  }

  /** Calls `changed` with what is heard from now on, until the result is called. */
  follow(changed: (change: StoreChange) => void): () => void {
    const follower = { changed };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #tell(change: StoreChange): void {
    for (const { changed } of this.#followers) changed(change);
  }
}
