import * as z from "zod";

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const count = (initial: number, max: number) => z.int().min(1).max(max).default(initial);
const bytes = (initial: number, max: number) => z.int().min(1).max(max).default(initial);
/** A limit on a single wait; more than a day would be no limit. */
export const milliseconds = (initial: number, max = DAY) => z.int().min(1).max(max).default(initial);

/** How streams are kept and given up on. */
const streams = z.strictObject({
  opensBurst: count(1000, 1_000_000).describe(
    "streams one caller may open in a burst; high, because without credentials all local clients are one caller",
  ),
  idempotencyMs: milliseconds(10 * MINUTE).describe(
    "how long a repeated idempotency key attaches to its earlier stream",
  ),
  loopDelayMs: milliseconds(200).describe(
    "99th percentile of the event loop's delay at which new streams are refused: first those of callers whose messages keep it busy, at five times as much all",
  ),
  logEntries: count(8192, 65_536).describe("events in one stream's log: small events cost more than their bytes"),
  windowBytes: bytes(256 * KIB, MIB).describe(
    "bytes one stream may have sent without an acknowledgement: three times nine out of ten complete responses",
  ),
  windowEvents: count(1024, 65_536).describe("windowBytes, counted in events"),
  pausedMs: milliseconds(30 * SECOND).describe(
    "how long a client may acknowledge nothing while its stream's log is full before the stream fails with slow_consumer",
  ),
  handledRetentionMs: milliseconds(15 * SECOND).describe(
    "retentionMs for a stream its client has handled: acknowledged, or sent to a client that does not acknowledge; never more than retentionMs, and less once unacknowledged ones take a twentieth of totalLogBytes",
  ),
  drainUsageMs: milliseconds(MINUTE).describe(
    "how long a cancelled response is still read for its usage, where the key says so",
  ),
});

/** How clients connect, and how much waits for them. */
const sockets = z.strictObject({
  connectionsPerKey: count(1000, 1_000_000).describe(
    "concurrent WebSockets per gateway key; more get 429, or 4029 where the first frame carries the key",
  ),
  upgradesPerSecond: count(200, 100_000).describe("new sockets per second; more get 503 with retry-after"),
  upgradesPerSecondPerAddress: count(20, 100_000).describe(
    "new sockets per second from one address; more get 429; loopback is exempt, because all local agents share it",
  ),
  unauthenticatedSockets: count(256, 100_000).describe(
    "sockets not yet authenticated; beyond it the oldest one that has waited at least a second is closed",
  ),
  handshakeMs: milliseconds(15 * SECOND).describe(
    "time from the upgrade to a valid first frame, where the face requires one",
  ),
  keepAliveMs: milliseconds(75 * SECOND).describe(
    "how long a client's idle HTTP connection stays open: longer than the 60 s for which load balancers keep theirs",
  ),
  pingMs: milliseconds(20 * SECOND).describe("interval between pings of a socket"),
  pongMs: milliseconds(10 * SECOND).describe("how long a client may take to answer a ping"),
  socketGateBytes: bytes(64 * KIB, 256 * KIB).describe(
    "unsent bytes of one socket at which its streams wait in their logs; delivers control frames within 0.5 s at 1 Mbit/s",
  ),
  inFlightBytes: bytes(MIB, 4 * MIB).describe("bytes one socket may have sent that its client has not yet received"),
});

/** What clients may send. */
const requests = z.strictObject({
  streamFrameBytes: bytes(4 * MIB, 32 * MIB).describe(
    "largest frame on the stream face: a long conversation with some images; providers accept up to 32 MiB",
  ),
  openclawFrameBytes: bytes(25 * MIB, 64 * MIB).describe(
    "largest frame on the OpenClaw face: what OpenClaw's own gateway announces, so that attachments fit",
  ),
  framesPerSecond: count(200, 100_000).describe(
    "messages one client may send per second, with bursts of five times as many",
  ),
  inboundBytesPerSecond: bytes(4 * MIB, 1024 * MIB).describe(
    "bytes one client may send per second, with bursts of 16 times as many; 32 agents with long conversations need 1 to 2 MiB",
  ),
  violationsPerMinute: count(20, 10_000).describe(
    "invalid frames a connection may send per minute before it is closed",
  ),
  apiSilenceMs: milliseconds(15 * SECOND).describe(
    "how long a stream of those APIs may be silent before it sends a comment, preceded by the response head, after which a failure has no status: proxies close connections silent for 30 to 60 s",
  ),
  responsesMemoryBytes: bytes(64 * MIB, 1024 * MIB).describe(
    "memory for the conversations that Responses WebSockets continue without sending them again, one of them apiBodyBytes at most; beyond it the longest unused are forgotten, and their clients send everything",
  ),
  authFailuresPerMinute: count(10, 10_000).describe(
    "wrong credentials per minute from one address before it is locked out",
  ),
  authLockoutMs: milliseconds(15 * MINUTE).describe(
    "how long wrong credentials from a locked-out address are refused with retry-after; correct ones are always accepted",
  ),
});

/** What is passed on as it is. */
const passThrough = z.strictObject({
  requestBytes: bytes(512 * MIB, 4096 * MIB).describe(
    "largest upload: providers take files of 512 MB; it is passed on as it comes, and JSON is bounded by apiBodyBytes",
  ),
  responseBytes: bytes(512 * MIB, 4096 * MIB).describe("largest response, which is passed on as it comes too"),
});

/**
 * Ceilings for the whole gateway; each states the reason for its default. At the top are those an operator adapts to a
 * machine and its clients; the groups hold defaults that fit nearly everyone. src/compose/limits.ts has the constants.
 */
export const limitsSchema = z.strictObject({
  openStreams: count(10_000, 1_000_000).describe("concurrent streams in the whole gateway"),
  connections: count(10_000, 1_000_000).describe(
    "concurrent client sockets in the whole gateway: about 9 KiB each when idle",
  ),
  connectionsPerAddress: count(1000, 1_000_000).describe(
    "concurrent sockets from one address; high, because all local clients, and all behind one proxy, share theirs",
  ),
  streamsPerConnection: count(32, 256).describe("concurrent streams on one connection; more get too_many_streams"),
  opensPerSecond: count(100, 100_000).describe("streams one caller may open per second; more get rate_limited"),
  eventBytes: bytes(16 * MIB, 64 * MIB).describe(
    "largest event of an upstream, and largest unary response: pictures are events of 1 to 8 MiB",
  ),
  logBytes: bytes(MIB, 8 * MIB).describe("size of one stream's log: three times the largest response on record"),
  totalLogBytes: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "memory for all running streams and their logs, 96 KiB for a stream with an empty log; 0: a quarter of the process's heap limit",
    ),
  graceMs: milliseconds(2 * MINUTE, 15 * MINUTE).describe("how long a stream continues without a reader"),
  retentionMs: milliseconds(5 * MINUTE).describe(
    "how long an ended stream can be read that its client has not handled to the end",
  ),
  apiBodyBytes: bytes(16 * MIB, 64 * MIB).describe(
    "largest request body for /v1/messages, /v1/chat/completions or /v1/responses: a conversation with many images",
  ),
  inboundBytes: z
    .int()
    .min(0)
    .default(0)
    .describe(
      "memory for unfinished frames and request bodies of all callers, half of it for one; more get overloaded; 0: an eighth of the process's heap limit",
    ),
  drainMs: milliseconds(30 * SECOND).describe("how long a stopping gateway waits for running streams to finish"),
  lingerMs: z
    .int()
    .min(0)
    .max(5 * MINUTE)
    .default(2 * SECOND)
    .describe(
      "minimum time a gateway keeps listening after SIGTERM, responding 503 with retry-after (a node of a cluster: serving): time for a load balancer to notice that /readyz fails",
    ),
  streams: streams.prefault({}).describe("advanced: how streams are kept and given up on"),
  sockets: sockets.prefault({}).describe("advanced: how clients connect, and how much waits for them"),
  requests: requests.prefault({}).describe("advanced: what clients may send"),
  passThrough: passThrough.prefault({}).describe("advanced: sizes of what routes pass on (docs/pass-through.md)"),
});
