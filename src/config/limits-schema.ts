import { z } from "zod";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const count = (initial: number, max: number) => z.int().min(1).max(max).default(initial);
const bytes = (initial: number, max: number) => z.int().min(1).max(max).default(initial);
/** Above a day a limit on one wait is no limit; timers of the platform end at 24 days. */
export const milliseconds = (initial: number, max = DAY) => z.int().min(1).max(max).default(initial);

/** How streams are kept and given up. */
const streams = z.strictObject({
  opensBurst: count(1000, 1_000_000).describe(
    "streams one caller may open at once; high, because without credentials all local clients are one caller",
  ),
  idempotencyMs: milliseconds(10 * MINUTE).describe("how long a repeated idempotency key finds its earlier stream"),
  loopDelayMs: milliseconds(200).describe(
    "how late the gateway's own event loop may run, 99 times of 100, before new streams are refused: first of those whose messages keep it busy, of all at five times as much",
  ),
  logEntries: count(8192, 65_536).describe("events of one stream's log: small events cost more than their bytes"),
  windowBytes: bytes(256 * KIB, MIB).describe(
    "what one stream may have sent and its client not yet handled: 3 times nine of ten whole answers",
  ),
  windowEvents: count(1024, 65_536).describe("windowBytes in events"),
  pausedMs: milliseconds(30 * SECOND).describe(
    "how long a client may handle nothing while its stream's log is full; then the stream fails slow_consumer",
  ),
  handledRetentionMs: milliseconds(15 * SECOND).describe(
    "retentionMs once its client has: acknowledged, or sent to one that does not acknowledge; retentionMs when that is less",
  ),
  drainUsageMs: milliseconds(MINUTE).describe(
    "how long a cancelled answer is read on for its usage, where the key says so",
  ),
});

/** How clients get in, and how what is sent to them is held back. */
const sockets = z.strictObject({
  connectionsPerKey: count(1000, 1_000_000).describe(
    "WebSockets at once with one gateway key; more get 429, or 4029 where the first frame shows the key",
  ),
  upgradesPerSecond: count(200, 100_000).describe("new sockets a second; more get 503 and a time to come back"),
  upgradesPerSecondPerAddress: count(20, 100_000).describe(
    "the same from one address, 429; not counted for this machine's own, which all local agents share",
  ),
  unauthenticatedSockets: count(256, 100_000).describe(
    "sockets whose client has not authenticated; beyond it the one that waited longest, and a second at least, is closed",
  ),
  handshakeMs: milliseconds(15 * SECOND).describe(
    "from the upgrade to a valid first frame, where the face asks for one",
  ),
  keepAliveMs: milliseconds(75 * SECOND).describe(
    "how long a client's idle HTTP connection stays open: longer than the 60 s for which load balancers keep theirs",
  ),
  pingMs: milliseconds(20 * SECOND).describe("between two pings of a socket"),
  pongMs: milliseconds(10 * SECOND).describe("how long a client may take to answer a ping"),
  socketGateBytes: bytes(64 * KIB, 256 * KIB).describe(
    "bytes one socket may hold back before its streams wait in their logs; keeps control frames within 0.5 s at 1 Mbit/s",
  ),
  inFlightBytes: bytes(MIB, 4 * MIB).describe("what one socket may have sent and its client not yet received"),
});

/** What clients may send. */
const requests = z.strictObject({
  streamFrameBytes: bytes(4 * MIB, 32 * MIB).describe(
    "largest frame to the stream face: a long conversation with some images; providers stop at 32 MiB",
  ),
  openclawFrameBytes: bytes(25 * MIB, 64 * MIB).describe(
    "largest frame to the OpenClaw face: what its own gateway announces, so that attachments fit",
  ),
  framesPerSecond: count(200, 100_000).describe("messages one client may send a second, five times as many at once"),
  inboundBytesPerSecond: bytes(4 * MIB, 1024 * MIB).describe(
    "bytes one client may send a second, 16 times as many at once; 32 agents with long conversations need 1 to 2 MiB",
  ),
  violationsPerMinute: count(20, 10_000).describe("invalid frames a connection may send before it is closed"),
  apiSilenceMs: milliseconds(15 * SECOND).describe(
    "how long the client of a stream of those APIs may hear nothing; then it gets a comment, and before that the head, after which no failure has a status: proxies close what is silent for 30 to 60 s",
  ),
  authFailuresPerMinute: count(10, 10_000).describe("wrong credentials from one address before it is locked out"),
  authLockoutMs: milliseconds(15 * MINUTE).describe(
    "how long wrong credentials of a locked-out address are told to wait; right ones are let in",
  ),
});

/**
 * Ceilings for the whole gateway. Each default says why it is what it is. In front stand those an operator turns to fit
 * a machine and its clients; the groups hold what fits nearly everybody. src/compose/limits.ts has what nobody can choose.
 */
export const limitsSchema = z.strictObject({
  openStreams: count(10_000, 1_000_000).describe("streams open at once in the whole gateway"),
  connections: count(10_000, 1_000_000).describe("sockets at once in the whole gateway: about 9 KiB each when idle"),
  connectionsPerAddress: count(1000, 1_000_000).describe(
    "sockets at once from one address; high, because all local clients and all behind one proxy share theirs",
  ),
  streamsPerConnection: count(32, 256).describe("streams open at once on one connection; more get too_many_streams"),
  opensPerSecond: count(100, 100_000).describe("streams one caller may open a second; more get rate_limited"),
  eventBytes: bytes(16 * MIB, 64 * MIB).describe(
    "largest event of an upstream, and largest whole answer: pictures are events of 1 to 8 MiB",
  ),
  logBytes: bytes(MIB, 8 * MIB).describe("size of one stream's log: 3 times the largest answer on record"),
  totalLogBytes: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "memory that all running streams and their logs may take, 96 KiB for a stream with an empty log; 0 takes a quarter of what the process may use",
    ),
  graceMs: milliseconds(2 * MINUTE, 15 * MINUTE).describe("how long a stream lives on without a reader"),
  retentionMs: milliseconds(5 * MINUTE).describe(
    "how long a stream can be read after its end while its client has not handled all of it",
  ),
  apiBodyBytes: bytes(16 * MIB, 64 * MIB).describe(
    "largest body of a request to /v1/messages, /v1/chat/completions or /v1/responses: a conversation with many images",
  ),
  inboundBytes: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "memory that unfinished frames and request bodies of all callers may take, one caller half of it; 0 takes an eighth of what the process may use; more get overloaded",
    ),
  drainMs: milliseconds(30 * SECOND).describe("how long a stopping gateway lets running streams finish"),
  lingerMs: z
    .int()
    .min(0)
    .max(5 * MINUTE)
    .default(2 * SECOND)
    .describe(
      "how long a gateway stopped by SIGTERM keeps its port at least, answering 503 with retry-after: time for a load balancer to see /readyz fail",
    ),
  streams: streams.prefault({}).describe("advanced: how streams are kept and given up"),
  sockets: sockets.prefault({}).describe("advanced: how clients get in, and what waits for them"),
  requests: requests.prefault({}).describe("advanced: what clients may send"),
});
