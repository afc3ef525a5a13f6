import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { CODES } from "../../protocol/codes.ts";
import { Usage } from "../../protocol/stream.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { ClusterNews } from "../../src/core/ports/cluster-observer.ts";
import type { StreamRecord } from "../../src/core/ports/observer.ts";
import { createLog, type Log } from "../../src/observe/log.ts";
import { CONNECTION, linesOf, recordsOf, STREAM } from "./log-lines.ts";

/** What becomes of a node, by the names that ClusterNews gives it. */
const STATES = Object.keys({
  redis_away: 0,
  redis_back: 0,
  data_lost: 0,
  lease_lost: 0,
  node_gone: 0,
  leader: 0,
  clock_off: 0,
  clock_right: 0,
  not_ready: 0,
  ready: 0,
} satisfies Record<ClusterNews["kind"], 0>);

// The closed schema of docs/logs.md: any other field is a failure.
const head = { level: z.enum(["debug", "info", "warn", "error"]), time: z.iso.datetime(), node: z.string().optional() };
const text = z.string().max(128);
const ms = z.number().nonnegative();
const Line = z.discriminatedUnion("event", [
  z.strictObject({
    ...head,
    event: z.literal("stream"),
    stream: text,
    connection: text.optional(),
    face: text,
    caller: text,
    route: text,
    model: text.optional(),
    status: z.enum(["completed", "failed", "cancelled"]),
    code: z.enum(Object.keys(CODES)).optional(),
    upstreamStatus: z.int().optional(),
    upstreamType: text.optional(),
    timer: text.optional(),
    finish: text.optional(),
    events: z.int(),
    bytes: z.int(),
    usage: Usage.strict(),
    firstByteMs: ms.optional(),
    firstContentMs: ms.optional(),
    firstSentMs: ms.optional(),
    totalMs: ms,
    anomalies: z.record(text, z.int().positive()).optional(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("connection"),
    connection: text,
    face: text,
    caller: text.optional(),
    remoteAddress: text,
    closeCode: z.int(),
    durationMs: ms,
    framesIn: z.int(),
    framesOut: z.int(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("refused"),
    code: z.enum([...Object.keys(CODES), "other"]),
    where: text,
    remoteAddress: text.optional(),
    repeated: z.int().positive().optional(),
    addresses: z.int().positive().optional(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("fault"),
    where: text,
    code: z.enum(Object.keys(CODES)),
    message: text.optional(),
    name: text,
    systemCode: text.optional(),
    frames: z.array(z.string().max(300)).max(12),
  }),
  z.strictObject({
    ...head,
    event: z.literal("ledger"),
    state: z.enum(["unavailable", "available", "lost", "dropped"]),
    code: z.literal("ledger_unavailable").optional(),
    reason: text.optional(),
    rows: z.int().optional(),
    streams: z.int().positive().optional(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("store"),
    state: z.enum(["away", "back"]),
    code: z.literal("store_unavailable").optional(),
    reason: text.optional(),
    awayMs: z.int().nonnegative().optional(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("cluster"),
    state: z.enum(STATES),
    redis: z.enum(["streams", "money", "both"]).optional(),
    code: z.literal("cluster_unavailable").optional(),
    reason: text.optional(),
    awayMs: z.int().nonnegative().optional(),
    gone: text.optional(),
    leader: text.optional(),
    isHere: z.boolean().optional(),
    aheadMs: z.int().optional(),
  }),
  z.strictObject({
    ...head,
    event: z.literal("started"),
    version: text,
    url: text,
    authRequired: z.boolean(),
    demo: z.boolean(),
    workers: z.int().min(2).optional(),
    processors: z.int().positive().optional(),
    collector: z.enum(["single", "parallel"]).optional(),
    routes: z.array(text),
    models: z.array(text),
  }),
  z.strictObject({ ...head, event: z.literal("stopped"), reason: text, uptimeMs: z.int(), dropped: z.int() }),
  z.strictObject({ ...head, event: z.literal("reloaded"), changed: z.array(text), restart: z.array(text) }),
  z.strictObject({ ...head, event: z.literal("reload_refused"), reason: z.string().max(2_000) }),
  z.strictObject({ ...head, event: z.literal("dropped"), lines: z.int().positive() }),
  z.strictObject({
    ...head,
    event: z.literal("worker_ended"),
    worker: z.int().positive(),
    code: z.int().optional(),
    signal: text.optional(),
    uptimeMs: z.int(),
    replacedInMs: z.int(),
    reason: text.optional(),
  }),
]);

const failed = (error: GatewayError, changes: Partial<StreamRecord> = {}): StreamRecord => ({
  ...STREAM,
  terminal: { ...STREAM.terminal, status: "failed", error },
  ...changes,
});

describe("lines", () => {
  test("a stream's end is one line with ids, status, sizes, usage and clocks", async () => {
    const [line] = await recordsOf((log) => log.observer.streamEnded(STREAM));
    expect(Line.parse(line)).toEqual({
      level: "info",
      time: "2026-11-22T12:00:00.123Z",
      event: "stream",
      stream: "s_1",
      connection: "c_1",
      face: "stream",
      caller: "local",
      route: "demo-anthropic",
      model: "demo",
      status: "completed",
      finish: "end_turn",
      events: 143,
      bytes: 18204,
      usage: { source: "exact", inputTokens: 12, outputTokens: 137 },
      firstByteMs: 131.46,
      firstContentMs: 251.3,
      firstSentMs: 251.41,
      totalMs: 4312.9,
    });
  });

  test("a failed stream is a warning with its code and the upstream's status and type", async () => {
    const error = new GatewayError("upstream_http_error", "no", { details: { status: 400, type: "invalid_request" } });
    const [line] = await recordsOf((log) => log.observer.streamEnded(failed(error)));
    expect(Line.parse(line)).toMatchObject({
      level: "warn",
      status: "failed",
      code: "upstream_http_error",
      upstreamStatus: 400,
      upstreamType: "invalid_request",
    });
  });

  test("the timer that fired is named, and the anomalies are counted by kind", async () => {
    const error = new GatewayError("upstream_timeout", undefined, { details: { timer: "idle" } });
    const [line] = await recordsOf((log) =>
      log.observer.streamEnded(failed(error, { anomalies: { lossy: 1, malformed: 3 } })),
    );
    expect(Line.parse(line)).toMatchObject({
      code: "upstream_timeout",
      timer: "idle",
      anomalies: { lossy: 1, malformed: 3 },
    });
  });

  test("a connection's end is a debug line, so a client that tails the log does not tail itself", async () => {
    const close = (log: { observer: { connectionClosed(record: typeof CONNECTION): void } }) =>
      log.observer.connectionClosed(CONNECTION);
    const [line] = await recordsOf(close);
    expect(Line.parse(line)).toEqual({
      level: "debug",
      time: "2026-11-22T12:00:00.123Z",
      event: "connection",
      ...CONNECTION,
    });
    expect(await linesOf(close, { level: "info" })).toEqual([]);
  });

  test("start and stop are logged", async () => {
    const lines = await recordsOf((log) => {
      const routes = ["demo-anthropic"];
      log.started({
        version: "1",
        url: "http://127.0.0.1:1",
        authRequired: true,
        demo: true,
        engine: { processors: 1, collector: "single" },
        routes,
        models: ["demo"],
      });
      log.stopped({ reason: "SIGTERM", uptimeMs: 1234.5 });
    });
    expect(lines.map((line) => Line.parse(line))).toMatchObject([
      { event: "started", url: "http://127.0.0.1:1", processors: 1, collector: "single", models: ["demo"] },
      { event: "stopped", reason: "SIGTERM", uptimeMs: 1235, dropped: 0 },
    ]);
  });

  test("a reload names what changed, at warn where something waits for a restart, and why a file was refused", async () => {
    const lines = await recordsOf((log) => {
      log.reloaded({ changed: ["models.gpt.price"], restart: [] });
      log.reloaded({ changed: [], restart: ["listen.port"] });
      log.reloadRefused(`sluice.config.json: 1 problem\n  models: found ${"x".repeat(3_000)}`);
    });
    expect(lines.map((line) => Line.parse(line))).toMatchObject([
      { level: "info", event: "reloaded", changed: ["models.gpt.price"], restart: [] },
      { level: "warn", event: "reloaded", changed: [], restart: ["listen.port"] },
      { level: "error", reason: expect.stringMatching(/^sluice.config.json: 1 problem {3}models: found x+$/) },
    ]);
  });

  test("an outage of the store is an error, and its end is not", async () => {
    const lines = await recordsOf((log) => {
      log.store({ kind: "away", reason: "it closed\n the connection" });
      log.store({ kind: "back", awayMs: 1_200.6 });
    });
    expect(lines.map((line) => Line.parse(line))).toMatchObject([
      { level: "error", event: "store", state: "away", code: "store_unavailable", reason: "it closed  the connection" },
      { level: "info", event: "store", state: "back", awayMs: 1_201 },
    ]);
  });

  test("the ledger's news are errors where usage is not recorded", async () => {
    const lines = await recordsOf((log) => {
      log.ledger({ kind: "unavailable", reason: "database or disk\n is full", rows: 1 });
      log.ledger({ kind: "available", rows: 0 });
      log.ledger({ kind: "lost", streams: 3 });
      log.ledger({ kind: "dropped", rows: 2 });
    });
    const code = "ledger_unavailable";
    expect(lines.map((line) => Line.parse(line))).toMatchObject([
      { level: "error", event: "ledger", state: "unavailable", code, reason: "database or disk  is full", rows: 1 },
      { level: "info", state: "available", rows: 0 },
      { level: "warn", state: "lost", streams: 3 },
      { level: "error", state: "dropped", code, rows: 2 },
    ]);
  });

  test("a sink gets each line at once", () => {
    const lines: string[] = [];
    const clock = { now: () => 0, wall: () => 0 };
    const log = createLog({ level: "info", clock, target: { write: (line: string) => lines.push(line) } });
    log.observer.streamEnded(STREAM);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{"level":"info","time":"1970-01-01T00:00:00.000Z","event":"stream",.*\}\n$/);
  });

  test("a silent log writes nothing", async () => {
    expect(await linesOf((log) => log.observer.streamEnded(STREAM), { level: "silent" })).toEqual([]);
  });
});

describe("what never reaches a line", () => {
  const CANARY = "canary-7f3a";

  test("an error's message and unlisted details", async () => {
    const error = new GatewayError("internal", CANARY, { details: { prompt: CANARY, status: CANARY } });
    const lines = await linesOf((log) => log.observer.streamEnded(failed(error)));
    expect(lines).toHaveLength(1);
    expect(lines.join()).not.toContain(CANARY);
  });

  test("fields of a record outside the schema", async () => {
    const odd = { ...STREAM, prompt: CANARY, terminal: { ...STREAM.terminal, usage: { source: "exact", x: CANARY } } };
    const lines = await linesOf((log) => {
      log.observer.streamEnded(odd as StreamRecord);
      log.observer.connectionClosed({ ...CONNECTION, token: CANARY } as typeof CONNECTION);
    });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain(CANARY);
  });

  test("line breaks, control and reordering characters, and the rest of a long name", async () => {
    const name = `a\n{"level":"error"}\u001b[31m\u202e${"x".repeat(500)}`;
    for (const pretty of [false, true]) {
      const lines = await linesOf((log) => log.observer.streamEnded({ ...STREAM, caller: name }), { pretty });
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toMatch(/\p{Cc}|\u202e|x{129}/u);
    }
  });
});

test("a change in a node's cluster is one line, at the level of what it means, and every line names the node", async () => {
  const lines = await recordsOf(
    (log) => {
      log.cluster({ kind: "redis_away", redis: "money", reason: `full ${"x".repeat(500)}\n` });
      log.cluster({ kind: "redis_back", redis: "money", awayMs: 12.7 });
      log.cluster({ kind: "not_ready", reason: "it refuses the user" });
      log.cluster({ kind: "ready" });
      log.cluster({ kind: "data_lost" });
      log.cluster({ kind: "lease_lost" });
      log.cluster({ kind: "node_gone", gone: "b-1" });
      log.cluster({ kind: "leader", leader: "a-1", isHere: true });
      log.cluster({ kind: "leader", leader: undefined, isHere: false });
      log.cluster({ kind: "clock_off", aheadMs: -4_000.4 });
      log.cluster({ kind: "clock_right" });
      log.observer.streamEnded(STREAM);
    },
    { node: "a-1" },
  );
  expect(lines.map((line) => Line.parse(line)).map(({ level, event, node }) => [level, event, node])).toEqual([
    ...["error", "info", "error", "info", "error", "warn", "warn", "info", "info", "warn", "info"].map((level) => [
      level,
      "cluster",
      "a-1",
    ]),
    ["info", "stream", "a-1"],
  ]);
});

test("the pretty form has the time, the level, the event and the fields", async () => {
  const [line] = await linesOf((log) => log.observer.streamEnded(STREAM), { pretty: true });
  expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.123\] INFO: stream stream=s_1 .*caller=local .*usage\.outputTokens=137 /);
});

describe("the log of one of several workers", () => {
  test("names the worker in every line, and says at debug that it has started and stopped", async () => {
    const start = { version: "1", url: "http://127.0.0.1:1", authRequired: false, demo: false, routes: [], models: [] };
    const use = (log: Log) => {
      log.started(start);
      log.observer.streamEnded(STREAM);
      log.reloaded({ changed: [], restart: ["listen.port"] });
      log.stopped({ reason: "SIGTERM", uptimeMs: 1 });
    };
    expect(await recordsOf(use, { worker: 2 })).toMatchObject([
      { event: "started", level: "debug", worker: 2 },
      { event: "stream", level: "info", worker: 2 },
      { event: "reloaded", level: "debug", worker: 2 },
      { event: "stopped", level: "debug", worker: 2 },
    ]);
  });

  test("is taken over line by line by that of the process which started them", async () => {
    const theirs = await linesOf((log) => log.observer.streamEnded(STREAM), { worker: 2 });
    let tail: readonly string[] = [];
    const written = await linesOf((log) => {
      for (const line of theirs) log.relay(`${line}\n`);
      log.workerEnded({ worker: 2, end: { signal: "SIGKILL" }, uptimeMs: 1.6, replacedInMs: 250 });
      tail = log.tail.read({ limit: 10, maxBytes: 10_000 }).lines;
    });
    expect(written[0]).toBe(theirs[0]);
    expect(Line.parse(JSON.parse(written[1] ?? ""))).toMatchObject({
      signal: "SIGKILL",
      uptimeMs: 2,
      replacedInMs: 250,
    });
    expect(tail.map((line) => JSON.parse(line).event)).toEqual(["stream", "worker_ended"]);
  });
});

test("docs/logs.md shows an example of every line, and each is valid", () => {
  const text = readFileSync(new URL("../../docs/logs.md", import.meta.url), "utf8");
  const examples = [...text.matchAll(/^\{.*\}$/gm)].map(([line]) => Line.parse(JSON.parse(line)));
  const shown = new Set(examples.map(({ event }) => event));
  expect([...shown].sort()).toEqual([
    "cluster",
    "connection",
    "dropped",
    "fault",
    "ledger",
    "refused",
    "reload_refused",
    "reloaded",
    "started",
    "stopped",
    "store",
    "stream",
    "worker_ended",
  ]);
  for (const { shape } of Line.options) {
    for (const field of Object.keys(shape)) expect(text).toContain(`\`${field}\``);
  }
  for (const state of STATES) expect(text).toContain(`\`${state}\` (`);
});
