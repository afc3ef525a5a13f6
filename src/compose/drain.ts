import { setTimeout } from "node:timers/promises";
import type { Relay } from "../core/relay/relay.ts";
import type { RunningServer } from "../transport/server-parts.ts";

/**
 * Refuses new requests and waits for running streams, at most `drainMs`. Keeps listening for at least `lingerMs`, because
 * a load balancer may still send requests for a while after the supervisor's SIGTERM.
 */
export async function drain(parts: {
  readonly server: Pick<RunningServer, "drain">;
  readonly relay: Pick<Relay, "drain">;
  readonly drainMs: number;
  readonly lingerMs: number;
}): Promise<void> {
  parts.server.drain();
  await Promise.all([within(parts.drainMs, parts.relay.drain()), setTimeout(parts.lingerMs)]);
}

/** Resolves when the work is done, or after `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timeout = new AbortController();
  const late = setTimeout(ms, undefined, { signal: timeout.signal }).catch(() => {});
  await Promise.race([work, late]);
  timeout.abort();
}
