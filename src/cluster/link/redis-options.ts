import { readFileSync } from "node:fs";
import type { RedisClientOptions } from "@redis/client";

/** Where Redis is. */
export interface RedisOptions {
  /** Such as `rediss://sluice:secret@redis.example.com:6379/0`. Holds a secret: never shown. */
  readonly url: string;
  /** The certificates that sign the server's, in PEM; undefined: those Node trusts. */
  readonly caFile: string | undefined;
}

/** How long a connection may take to be made. */
const CONNECT_MS = 2_000;
/** How long it waits before it is tried again, at most. */
const LAST_RETRY_MS = 1_000;

/** The client's settings. Throws when the file cannot be read. */
export function clientOptions({ url, caFile }: RedisOptions): RedisClientOptions {
  const tls = url.startsWith("rediss:") && caFile !== undefined && { tls: true as const, ca: readFileSync(caFile) };
  return {
    url,
    name: "sluice",
    // A command that cannot be sent now is refused now: whoever sent it decides what that means.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: CONNECT_MS,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, LAST_RETRY_MS) * (0.75 + Math.random() / 4),
      ...tls,
    },
  };
}

/** Names the server for people, without its user and password. */
export function redisPlace(text: string): string {
  const url = URL.parse(text);
  return url ? url.host + (url.pathname === "/" ? "" : url.pathname) : "an unreadable address";
}
