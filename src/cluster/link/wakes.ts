import type { Connection } from "./connection.ts";
import type { RedisLink } from "./redis-link.ts";

type Woken = (message: string | undefined) => void;

/** Those who listen to a channel, and what wakes them. */
interface Channel {
  readonly listeners: Set<Woken>;
  readonly wake: Woken;
}

/** How often a subscribed connection, which may be silent for long, is pinged, in milliseconds. */
const PING_MS = 2_000;

/** Wake-ups by publish and subscribe. Some may get lost, so listeners also look by themselves now and then. */
export class Wakes {
  readonly #connection: Connection;
  readonly #channels = new Map<string, Channel>();
  #pings: NodeJS.Timeout | undefined;

  constructor(link: RedisLink) {
    this.#connection = link.connect({
      ready: () => {
        for (const [name, channel] of this.#channels) this.#subscribe(name, channel);
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
  on(name: string, woken: Woken): Disposable {
    const channel = this.#channels.get(name) ?? channelOf(new Set());
    const { listeners, wake } = channel;
    // Its own, so that the same function may be there twice.
    const mine: Woken = (message) => woken(message);
    listeners.add(mine);
    this.#channels.set(name, channel);
    if (listeners.size === 1) this.#subscribe(name, channel);
    else queueMicrotask(() => woken(undefined));
    return {
      [Symbol.dispose]: () => {
        if (!listeners.delete(mine) || listeners.size > 0) return;
        this.#channels.delete(name);
        this.#connection.unsubscribe(name, wake);
      },
    };
  }

  close(): void {
    clearInterval(this.#pings);
    void this.#connection.close();
  }

  #subscribe(name: string, { wake }: Channel): void {
    this.#connection.subscribe(name, wake, () => wake(undefined));
  }
}

const channelOf = (listeners: Set<Woken>): Channel => ({
  listeners,
  wake(message) {
    for (const woken of listeners) woken(message);
  },
});
