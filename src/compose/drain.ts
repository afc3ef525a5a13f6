import { setTimeout } from "node:timers/promises";
import type { Relay } from "../core/relay/relay.ts";
import type { RunningServer } from "../transport/server-parts.ts";

/**
 * Lets a gateway end in order. For `lingerMs` it still serves what is sent to it, while `/readyz` fails: a load balancer needs
 * a moment to notice, and what it sends meanwhile would be lost. Then new requests are refused, by a node at its port, so that
 * a balancer sends them to the others; running streams may end until `drainMs` after the beginning.
 */
export async function drain(parts: {
  readonly server: Pick<RunningServer, "drain" | "leave">;
  readonly relay: Pick<Relay, "drain">;
  readonly drainMs: number;
  readonly lingerMs: number;
  /** Whether other nodes serve its clients: streams that run here can be read there. */
  readonly isNode: boolean;
}): Promise<void> {
  const { server, relay, drainMs, lingerMs } = parts;
  server.drain();
  // Without lingering, nothing that arrives after the goodbyes may be let in.
  if (lingerMs > 0) await setTimeout(lingerMs);
  if (parts.isNode) server.leave();
  await within(Math.max(0, drainMs - lingerMs), relay.drain());
}

/** Resolves when the work is done, or after `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timeout = new AbortController();
  const late = setTimeout(ms, undefined, { signal: timeout.signal }).catch(() => {});
  await Promise.race([work, late]);
  timeout.abort();
}
