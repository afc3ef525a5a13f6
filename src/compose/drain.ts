import { setTimeout } from "node:timers/promises";
import type { Relay } from "../core/relay/relay.ts";
import type { RunningServer } from "../transport/server.ts";

/**
 * Refuses what is new and waits for running streams, at most `drainMs`. The port stays for at least `lingerMs`:
 * supervisors and load balancers send SIGTERM and may still be sending requests.
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

/** Waits for work, at most `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const timeout = new AbortController();
  const late = setTimeout(ms, undefined, { signal: timeout.signal }).catch(() => {});
  await Promise.race([work, late]);
  timeout.abort();
}
