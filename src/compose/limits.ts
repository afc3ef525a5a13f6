import type { Config } from "../config/schema.ts";

/** Limits that no operator could choose better. The rooms still take them as arguments, like every other limit. */
const FIXED = {
  /** Holds any first frame, a token and a few fields, and costs little before authentication. */
  handshakeFrameBytes: 64 * 1024,
  /** Clients of one address between upgrade and first frame; loopback is exempt. */
  unauthenticatedSocketsPerAddress: 8,
  /** Providers' errors are a few hundred bytes; anything longer is a proxy's page, and is cut off. */
  errorBodyBytes: 64 * 1024,
  /** Three times the largest response on record, as in a log; a longer one's usage is not worth its traffic. */
  drainUsageBytes: 1024 * 1024,
  /** Proxies close connections silent for 30 to 60 s, and a browser's page sees no pings. */
  tickMs: 20_000,
  /** Ids of past streams remembered, a few hundred bytes each; the oldest are dropped. */
  rememberedIds: 10_000,
  /** OpenAI's limit for the age of a Responses WebSocket, at which its clients open another. */
  responsesSocketMs: 60 * 60 * 1000,
} as const;

/** The configured limits without their groups, which only order the file, and the fixed ones. */
export function limitsOf({ limits }: Pick<Config, "limits">) {
  const { streams, sockets, requests, ...inFront } = limits;
  return { ...inFront, ...streams, ...sockets, ...requests, ...FIXED };
}

/** Every limit of a gateway by its name. Those of `LIVE_LIMITS` change while it runs: read them when they apply. */
export type Limits = ReturnType<typeof limitsOf>;

/**
 * The limits that follow the file: each is compared with something whenever it applies. The others have sized a buffer, a
 * memory or a timer at the start, or were told to clients that hold themselves to them.
 */
export const LIVE_LIMITS = [
  "limits.openStreams",
  "limits.connections",
  "limits.connectionsPerAddress",
  "limits.opensPerSecond",
  "limits.streams.opensBurst",
  "limits.sockets.connectionsPerKey",
  "limits.graceMs",
  "limits.retentionMs",
  "limits.streams.handledRetentionMs",
  "limits.streams.pausedMs",
  "limits.streams.drainUsageMs",
  "limits.drainMs",
  "limits.lingerMs",
] as const;

/** The limits of `before`, with those that follow the file as in `next`. */
export function followed(before: Config["limits"], next: Config["limits"]): Config["limits"] {
  const { openStreams, connections, connectionsPerAddress, opensPerSecond } = next;
  const { graceMs, retentionMs, drainMs, lingerMs } = next;
  const { opensBurst, handledRetentionMs, pausedMs, drainUsageMs } = next.streams;
  const { connectionsPerKey } = next.sockets;
  return {
    ...before,
    ...{ openStreams, connections, connectionsPerAddress, opensPerSecond, graceMs, retentionMs, drainMs, lingerMs },
    streams: { ...before.streams, opensBurst, handledRetentionMs, pausedMs, drainUsageMs },
    sockets: { ...before.sockets, connectionsPerKey },
  };
}
