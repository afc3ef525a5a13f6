import type { Config } from "../config/schema.ts";

/** Limits that nobody can choose better from outside. Parts take them as arguments all the same, like every other limit. */
const FIXED = {
  /** A first frame is a token and some words: 64 KiB hold any, and cost little while nobody knows who sends them. */
  handshakeFrameBytes: 64 * 1024,
  /** As many clients of one address may be between upgrade and first frame; this machine's own are not counted. */
  unauthenticatedSocketsPerAddress: 8,
  /** Providers' errors take some hundred bytes; what is longer is some proxy's page, and nobody reads on. */
  errorBodyBytes: 64 * 1024,
  /** The largest answer on record three times, as in a log: what ends later has no usage worth its traffic. */
  drainUsageBytes: 1024 * 1024,
  /** Proxies close what is silent for 30 to 60 s, and a browser's page sees no pings. */
  tickMs: 20_000,
} as const;

/** The configured limits without their groups, and the fixed ones: parts care for names, groups are for readers. */
export function limitsOf({ limits }: Pick<Config, "limits">) {
  const { streams, sockets, requests, ...inFront } = limits;
  return { ...inFront, ...streams, ...sockets, ...requests, ...FIXED };
}

/** Every limit of a gateway by its name. */
export type Limits = ReturnType<typeof limitsOf>;
