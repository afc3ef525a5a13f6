import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { RedisClientOptions } from "@redis/client";
import { GatewayError } from "../../core/kernel/errors.ts";

/** Where Redis is. */
export interface RedisOptions {
  /** Such as `rediss://sluice:secret@redis.example.com:6379/0`. Holds a secret: never shown. */
  readonly url: string;
  /** The certificates that sign the server's, in PEM; undefined: those Node trusts. */
  readonly caFile: string | undefined;
  /** What is written to learn whether Redis still takes writes. */
  readonly probeKey?: string | undefined;
}

/** How long a connection may take to be made, its handshake included. */
export const CONNECT_MS = 2_000;

type None = Record<string, never>;
type Options = RedisClientOptions<None, None, None, 2>;

/** The client's settings for one connection, without its own reconnects. Throws `cluster_unavailable`. */
export function clientOptions({ url, caFile }: RedisOptions): Options {
  const host = URL.parse(url)?.hostname ?? "";
  const isTls = url.startsWith("rediss:");
  return {
    url,
    name: "sluice",
    // Lists and strings, whatever the command: no maps.
    RESP: 2,
    // What cannot be sent now is refused now: whoever sent it decides what that means.
    disableOfflineQueue: true,
    disableClientInfo: true,
    // The client's own timeout costs an abort signal for each command.
    commandOptions: { timeout: 0 },
    socket: {
      connectTimeout: CONNECT_MS,
      reconnectStrategy: false,
      ...(isTls && {
        tls: true as const,
        ...(isIP(host) === 0 && !host.startsWith("[") && { servername: host }),
        ...(caFile !== undefined && { ca: readCa(caFile) }),
      }),
    },
  };
}

/** Names the server in messages for people, without user and password. */
export function redisPlace(text: string): string {
  const url = URL.parse(text);
  return url ? url.host + (url.pathname === "/" ? "" : url.pathname) : "an unreadable address";
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    throw new GatewayError("cluster_unavailable", `cluster.redis.caFile: ${path} cannot be read (${code})`, { cause });
  }
}
