import { setTimeout } from "node:timers/promises";
import type { Relay } from "../core/relay/relay.ts";
import type { RunningServer } from "../transport/server-parts.ts";

/**
 * Lets a gateway end in order: running streams may end within `drainMs`, and its port stays for at least `lingerMs`, because a
 * load balancer needs a moment to notice that `/readyz` fails. One gateway alone refuses new requests from the first moment, and
 * says when to come back. A node of a cluster serves them while it lingers, because a balancer would not send a refused one to
 * the others; then it closes its port, so that the balancer does.
 */
export async function drain(parts: {
  readonly server: Pick<RunningServer, "drain" | "leave">;
  readonly relay: Pick<Relay, "drain">;
  readonly drainMs: number;
  readonly lingerMs: number;
  /** Whether other nodes serve its clients: streams that run here can be read there. */
  readonly isNode: boolean;
}): Promise<void> {
  const { server, relay, drainMs, lingerMs, isNode } = parts;
  server.drain();
  if (isNode && lingerMs > 0) {
    await setTimeout(lingerMs);
    server.leave();
    await within(Math.max(0, drainMs - lingerMs), relay.drain());
  } else await Promise.all([within(drainMs, relay.drain()), setTimeout(lingerMs)]);
}

/** Resolves when the work is done, or after `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timeout = new AbortController();
  const late = setTimeout(ms, undefined, { signal: timeout.signal }).catch(() => {});
  await Promise.race([work, late]);
  timeout.abort();
}
