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
  /** OpenAI's limit for the age of a Responses WebSocket, at which its clients open another. */
  responsesSocketMs: 60 * 60 * 1000,
} as const;

/** The configured limits without their groups, which only order the file, and the fixed ones. */
export function limitsOf({ limits }: Pick<Config, "limits">) {
  const { streams, sockets, requests, ...inFront } = limits;
  return { ...inFront, ...streams, ...sockets, ...requests, ...FIXED };
}

/** Every limit of a gateway by its name. */
export type Limits = ReturnType<typeof limitsOf>;
