import type { Config } from "../config/schema.ts";
import { KeyRing } from "../core/caller/key-ring.ts";
import type { Clock } from "../core/kernel/clock.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import type { Authenticator } from "../core/ports/authenticator.ts";
import type { Credentials } from "../core/ports/credentials.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { Relay } from "../core/relay/relay.ts";
import { Lockout } from "../transport/admit/lockout.ts";
import { createAuthenticator } from "../transport/auth/authenticator.ts";
import { Tickets } from "../transport/auth/tickets.ts";
import type { RunningServer } from "../transport/server-parts.ts";
import type { Storage } from "./storage/storage.ts";

/** How often key expiry is checked. */
const LAPSE_MS = 500;

/** Who may call. */
export interface Callers extends AsyncDisposable {
  readonly authenticator: Authenticator & Credentials;
  readonly tickets: Tickets;
  /** From now on, a key's sockets and streams end when it is revoked or expires. */
  enforceOn(relay: Relay, server: RunningServer): void;
}

/**
 * Sets up authentication: the shared token, and the stored gateway keys, whose changes take effect at
 * once. `onKeyChange`: calls back when another process says that it changed them. Rejects with `store_unavailable` when the keys cannot be read.
 */
export async function connectCallers(
  config: Config,
  storage: Pick<Storage, "watchKeys">,
  clock: Clock,
  observer: Observer,
  onKeyChange: ((changed: () => void) => void) | undefined,
): Promise<Callers> {
  const { auth, limits } = config;
  const keys = new KeyRing(clock.wall);
  /** Ends what keys that work no more have open. */
  let enforce = () => {};
  const watch = await storage.watchKeys({
    keys(found) {
      keys.replace(found);
      enforce();
    },
    failed: (error) => observer.fault(error, "keys"),
  });
  onKeyChange?.(() => watch?.look());
  const lockout = new Lockout({
    failuresPerMinute: limits.requests.authFailuresPerMinute,
    lockoutMs: limits.requests.authLockoutMs,
    clock,
  });
  const token = auth.token?.reveal();
  const authenticator = createAuthenticator({ token, required: auth.required, keys, lockout });
  const lapses = setInterval(() => {
    if (keys.lapsed()) enforce();
  }, LAPSE_MS).unref();
  return {
    authenticator,
    tickets: new Tickets({ authenticator, lockout, clock }),
    enforceOn(relay, server) {
      enforce = () => {
        // Streams first, so that their terminals reach the sockets before these close.
        const over = new GatewayError("cancelled", "the caller's key is no longer valid");
        relay.cancelOf((caller) => !keys.isGood(caller), over);
        server.recheck();
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(lapses);
      enforce = () => {};
      await watch?.close();
    },
  };
}
