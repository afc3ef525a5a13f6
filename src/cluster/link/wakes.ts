import type { createClient } from "@redis/client";
import type { RedisLink } from "./redis-link.ts";

/** Wake-ups by publish and subscribe, which may lose: their users look by themselves now and then, too. */
export class Wakes {
  readonly #client: ReturnType<typeof createClient>;

  constructor(link: RedisLink) {
    this.#client = link.duplicate();
    this.#client.on("error", () => {});
  }

  /** Connects; subscriptions are made again whenever it has to connect again. */
  open(): void {
    void this.#client.connect().catch(() => {});
  }

  /** Calls `woken` with each message of a channel, and with none once it listens, until disposed. */
  on(channel: string, woken: (message: string | undefined) => void): Disposable {
    const listener = (message: string) => woken(message);
    void this.#client.subscribe(channel, listener).then(
      () => woken(undefined),
      () => {},
    );
    return {
      [Symbol.dispose]: () => void this.#client.unsubscribe(channel, listener).catch(() => {}),
    };
  }

  close(): void {
    if (this.#client.isOpen) this.#client.destroy();
  }
}
