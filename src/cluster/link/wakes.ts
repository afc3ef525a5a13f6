import type { Connection } from "./connection.ts";
import type { RedisLink } from "./redis-link.ts";

type Woken = (message: string | undefined) => void;

/** How often a subscribed connection, which may be silent for long, is pinged, in milliseconds. */
const PING_MS = 2_000;

/** Wake-ups by publish and subscribe. Some may get lost, so listeners also look by themselves now and then. */
export class Wakes {
  readonly #connection: Connection;
  readonly #channels = new Map<string, Set<Woken>>();
  #pings: NodeJS.Timeout | undefined;

  constructor(link: RedisLink) {
    this.#connection = link.connect({
      ready: () => {
        for (const channel of this.#channels.keys()) this.#subscribe(channel);
      },
      lost: () => {},
    });
  }

  /** Connects; subscriptions are made again whenever it has to connect again. */
  open(): void {
    this.#connection.open();
    this.#pings = setInterval(() => {
      if (this.#connection.isReady) this.#connection.ask(["PING"]).catch(() => {});
    }, PING_MS).unref();
  }

  /**
   * Calls `woken` with each message of a channel until disposed, and without one whenever a subscription begins, because
   * messages may have been missed. It must not throw.
   */
  on(channel: string, woken: Woken): Disposable {
    const all = this.#channels.get(channel) ?? new Set();
    // Its own, so that the same function may be there twice.
    const mine: Woken = (message) => woken(message);
    all.add(mine);
    this.#channels.set(channel, all);
    if (all.size === 1) this.#subscribe(channel);
    else queueMicrotask(() => woken(undefined));
    return {
      [Symbol.dispose]: () => {
        if (!all.delete(mine) || all.size > 0) return;
        this.#channels.delete(channel);
        this.#connection.unsubscribe(channel);
      },
    };
  }

  close(): void {
    clearInterval(this.#pings);
    void this.#connection.close();
  }

  #subscribe(channel: string): void {
    const wake = (message: string | undefined) => {
      for (const woken of this.#channels.get(channel) ?? []) woken(message);
    };
    this.#connection.subscribe(channel, wake, () => wake(undefined));
  }
}
