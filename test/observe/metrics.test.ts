import { readFileSync } from "node:fs";
import { request } from "node:http";
import { describe, expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import type { AttemptRecord, StreamRecord } from "../../src/core/ports/observer.ts";
import type { EngineState } from "../../src/observe/cluster-metrics.ts";
import { createMetrics } from "../../src/observe/metrics.ts";
import type { GatewayState } from "../../src/observe/state-metrics.ts";
import { createWorkersMetrics } from "../../src/observe/workers-metrics.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { turnsUntil } from "../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";
import { CONNECTION, STREAM } from "./log-lines.ts";

const STATE: GatewayState = {
  connections: new Map([["stream", 3]]),
  streams: { active: 2, parked: 1, kept: 4 },
  logs: { usedBytes: 10, maxBytes: 1000 },
  inbound: [
    { usedBytes: 5, maxBytes: 500, refused: 2 },
    { usedBytes: 1, maxBytes: 50, refused: 1 },
  ],
  ledger: { available: true, waitingRows: 0 },
  droppedLines: 0,
  loopDelayMs: (share) => share * 100,
};

const UP = { isUp: true, latencyMs: 1.5 };
const CLUSTER: GatewayState["cluster"] = {
  nodes: 3,
  leaseAgeMs: 1_250,
  clockAheadMs: -4_000,
  redis: new Map<"streams" | "money", EngineState>([
    ["streams", UP],
    ["money", { isUp: false, latencyMs: undefined }],
  ]),
  gauges: [
    { appendsBehind: () => ({ streams: 2, bytes: 100 }) },
    { appendsBehind: () => ({ streams: 1, bytes: 1 }), holds: () => 4, leads: () => true, forwarded: () => 2 },
  ],
};

/** The samples in a text: `name{labels}` to value. */
const samplesOf = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );

async function samplesAfter(work: (metrics: ReturnType<typeof createMetrics>) => void, state = STATE) {
  const metrics = createMetrics("1.2.3");
  work(metrics);
  return samplesOf(await metrics.text(state));
}

const withTerminal = (change: Partial<StreamRecord["terminal"]>, more: Partial<StreamRecord> = {}): StreamRecord => ({
  ...STREAM,
  ...more,
  terminal: { ...STREAM.terminal, ...change },
});

const ATTEMPT: AttemptRecord = {
  stream: "s_1",
  attempt: 1,
  face: "stream",
  caller: "ann",
  route: "chat",
  model: "smart",
  upstreamModel: "m1",
  error: new GatewayError("upstream_reset"),
  usage: { source: "exact", inputTokens: 0, outputTokens: 0 },
  totalMs: 12.345,
};

describe("an attempt that is left", () => {
  test("counts by route and code, and as no ended stream", async () => {
    const samples = await samplesAfter(({ observer }) => observer.attemptLeft(ATTEMPT));
    expect(samples.get('sluice_attempts_left_total{route="chat",code="upstream_reset"}')).toBe(1);
    expect([...samples.keys()].filter((name) => name.startsWith("sluice_streams_ended_total"))).toEqual([]);
  });
});

describe("a stream's end", () => {
  test("counts by face, route, status and code", async () => {
    const samples = await samplesAfter(({ observer }) => {
      observer.streamEnded(withTerminal({ status: "completed" }));
      observer.streamEnded(withTerminal({ status: "failed", error: new GatewayError("upstream_reset") }));
      observer.streamEnded(withTerminal({ status: "failed", error: new GatewayError("upstream_reset") }));
    });
    const name = (status: string, code: string) =>
      `sluice_streams_ended_total{face="${STREAM.face}",route="${STREAM.route}",status="${status}",code="${code}"}`;
    expect(samples.get(name("completed", ""))).toBe(1);
    expect(samples.get(name("failed", "upstream_reset"))).toBe(2);
  });

  test("measures the three firsts and the time per event, in seconds", async () => {
    const timing = { firstByteMs: 100, firstContentMs: 200, firstSentMs: 300, totalMs: 1100 };
    const samples = await samplesAfter(({ observer }) =>
      observer.streamEnded(withTerminal({ timing }, { events: 10 })),
    );
    const of = (name: string) => samples.get(`sluice_${name}_seconds_sum{route="${STREAM.route}"}`);
    expect(of("first_byte")).toBeCloseTo(0.1);
    expect(of("first_content")).toBeCloseTo(0.2);
    expect(of("first_sent")).toBeCloseTo(0.3);
    expect(of("time_per_event")).toBeCloseTo(0.1);
    expect(samples.get(`sluice_events_total{route="${STREAM.route}"}`)).toBe(10);
  });

  test("without a byte has neither", async () => {
    const samples = await samplesAfter(({ observer }) =>
      observer.streamEnded(withTerminal({ timing: { totalMs: 5 } }, { events: 0 })),
    );
    expect([...samples.keys()].filter((name) => /sluice_(first|time)_.*_count/.test(name))).toEqual([]);
  });

  test("adds tokens by kind and source; unknown usage and negative figures add none", async () => {
    const samples = await samplesAfter(({ observer }) => {
      observer.streamEnded(
        withTerminal({ usage: { source: "exact", inputTokens: 7, outputTokens: 5, cacheReadTokens: 3 } }),
      );
      observer.streamEnded(withTerminal({ usage: { source: "estimated", outputTokens: 2, inputTokens: -1 } }));
      observer.streamEnded(withTerminal({ usage: { source: "unknown" } }));
    });
    const tokens = [...samples].filter(([name]) => name.startsWith("sluice_tokens_total"));
    const name = (kind: string, source: string) =>
      `sluice_tokens_total{route="${STREAM.route}",kind="${kind}",source="${source}"}`;
    expect(tokens).toEqual([
      [name("input", "exact"), 7],
      [name("output", "exact"), 5],
      [name("cache_read", "exact"), 3],
      [name("output", "estimated"), 2],
    ]);
  });

  test("adds how often and how long the upstream was paused", async () => {
    const record = { ...STREAM, backpressure: { pauses: 2, ms: 1500 } };
    const samples = await samplesAfter(({ observer }) => observer.streamEnded(record));
    expect(samples.get(`sluice_upstream_pauses_total{route="${STREAM.route}"}`)).toBe(2);
    expect(samples.get(`sluice_upstream_paused_seconds_total{route="${STREAM.route}"}`)).toBe(1.5);
  });
});

describe("labels", () => {
  test("an unknown close code is counted as other", async () => {
    const samples = await samplesAfter(({ observer }) => {
      for (const closeCode of [1000, 4001, 3999, 4777]) observer.connectionClosed({ ...CONNECTION, closeCode });
    });
    const name = (code: string) => `sluice_connections_closed_total{face="${CONNECTION.face}",close_code="${code}"}`;
    expect([name("1000"), name("4001"), name("other")].map((key) => samples.get(key))).toEqual([1, 1, 2]);
  });

  test("anomalies are counted by kind, unknown kinds together", async () => {
    const samples = await samplesAfter(({ observer }) => {
      observer.streamEnded({ ...STREAM, anomalies: { malformed: 3, lossy: 1 } });
      observer.streamEnded({ ...STREAM, anomalies: { malformed: 1, upstream_reset: 1, whatever: 1 } });
    });
    const name = (kind: string) => `sluice_anomalies_total{route="${STREAM.route}",kind="${kind}"}`;
    const kinds = ["malformed", "lossy", "upstream_reset", "other"];
    expect(kinds.map((kind) => samples.get(name(kind)))).toEqual([4, 1, 1, 1]);
  });

  test("neither ids, callers, addresses nor finish reasons are among them", async () => {
    const metrics = createMetrics("1.2.3");
    const secret = "canary-in-a-record";
    metrics.observer.streamEnded(
      withTerminal(
        { finish: secret },
        { stream: secret, connection: secret, caller: secret, anomalies: { [secret]: 1 } },
      ),
    );
    metrics.observer.connectionClosed({ ...CONNECTION, connection: secret, caller: secret, remoteAddress: secret });
    metrics.observer.refused({ code: "unauthorized", remoteAddress: secret, where: "upgrade" });
    metrics.observer.fault(new Error(secret), "upgrade");
    expect(await metrics.text(STATE)).not.toContain(secret);
  });
});

describe("a cluster", () => {
  test("is measured at each scrape, and what happens in it is counted by kind", async () => {
    const metrics = createMetrics("1.2.3", { callerLabel: false, isClustered: true, isPostgres: true });
    metrics.cluster?.changed({ kind: "node_gone", gone: "canary-node" });
    metrics.cluster?.count("stream_fenced", 2);
    metrics.cluster?.count("stream_fenced");
    const text = await metrics.text({ ...STATE, cluster: CLUSTER, postgres: { isUp: false, latencyMs: 3 } });
    expect(text).not.toContain("canary-node");
    expect(
      Object.fromEntries([...samplesOf(text)].filter(([name]) => /^sluice_(cluster|postgres)_/.test(name))),
    ).toEqual({
      sluice_cluster_nodes: 3,
      sluice_cluster_lease_age_seconds: 1.25,
      sluice_cluster_clock_ahead_seconds: -4,
      'sluice_cluster_redis_up{redis="streams"}': 1,
      'sluice_cluster_redis_up{redis="money"}': 0,
      'sluice_cluster_redis_latency_seconds{redis="streams"}': 0.0015,
      sluice_cluster_behind_streams: 3,
      sluice_cluster_behind_bytes: 101,
      sluice_cluster_holds: 4,
      sluice_cluster_leads: 1,
      sluice_cluster_forwarded: 2,
      'sluice_cluster_events_total{kind="node_gone"}': 1,
      'sluice_cluster_events_total{kind="stream_fenced"}': 3,
      sluice_postgres_up: 0,
      sluice_postgres_latency_seconds: 0.003,
    });
  });

  test("has no metrics where there is none", async () => {
    expect(await createMetrics("1.2.3").text(STATE)).not.toMatch(/sluice_(cluster|postgres)_/);
  });
});

describe("docs/metrics.md", () => {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const documented = new Map(
    [...page.matchAll(/^\| `((?:sluice|process|nodejs)_\w+)` +\| (\w+) +\| ([^|]*)\|/gm)].map(
      ([, name = "", type = "", labels = ""]) => [name, { type, labels: labels.replaceAll("`", "").trim().split(" ") }],
    ),
  );

  /** Every metric with a sample, by name: its type and its labels. */
  async function registered() {
    const metrics = createMetrics("1.2.3", { callerLabel: false, isClustered: true, isPostgres: true });
    const usage = { source: "exact", inputTokens: 1 } as const;
    const timing = { firstByteMs: 1, firstContentMs: 1, firstSentMs: 1, totalMs: 1 };
    metrics.observer.streamEnded(
      withTerminal({ usage, timing }, { events: 1, backpressure: { pauses: 1, ms: 1 }, anomalies: { lossy: 1 } }),
    );
    metrics.observer.attemptLeft(ATTEMPT);
    metrics.observer.connectionClosed(CONNECTION);
    metrics.observer.refused({ code: "unauthorized", remoteAddress: "", where: "upgrade" });
    metrics.observer.fault(new Error(), "upgrade");
    metrics.resumed("resumed");
    metrics.probed("openai", "ok");
    metrics.cluster?.count("stream_hole", 2);
    const own = await metrics.text({ ...STATE, droppedLines: 1, cluster: CLUSTER, postgres: UP });
    // What the process adds that starts several workers.
    const text = own + (await createWorkersMetrics().text([], { starting: 0, droppedLines: 0 }));
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    return new Map(
      types.map(([, name = "", type = ""]) => {
        const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "m").exec(text)?.[1] ?? "";
        const labels = [...sample.matchAll(/(\w+)="/g)]
          .map(([, label = ""]) => label)
          .filter((label) => label !== "le");
        return [name, { type, labels: labels.length > 0 ? labels : [""] }];
      }),
    );
  }

  test("lists every metric with its type", async () => {
    const found = await registered();
    const typesOf = (metrics: ReadonlyMap<string, { type: string }>) =>
      [...metrics].map(([name, { type }]) => `${name} ${type}`).sort();
    expect(typesOf(documented)).toEqual(expect.arrayContaining(typesOf(found)));
    const isOwn = (entry: string) => entry.startsWith("sluice_");
    expect(typesOf(documented).filter(isOwn)).toEqual(typesOf(found).filter(isOwn));
  });

  test("lists the labels of each of our own", async () => {
    for (const [name, { labels }] of await registered()) {
      if (name.startsWith("sluice_"))
        expect([name, documented.get(name)?.labels.sort()]).toEqual([name, labels.sort()]);
    }
  });
});

describe("the page", () => {
  test("reports the gateway's state while a stream runs, is parked, and is kept", async () => {
    await using upstream = await startScriptedUpstream();
    await using gateway = await startTestGateway({ upstream: upstream.url });
    const scrape = async () => samplesOf(await (await fetch(`${gateway.url}/metrics`)).text());
    const streams = async () => {
      const samples = await scrape();
      return ["active", "parked", "kept"].map((state) => samples.get(`sluice_streams{state="${state}"}`));
    };
    const client = await (await StreamClient.connect(gateway.url)).hello();
    client.send({ type: "open", id: "a", model: "gpt", body: {} });
    const exchange = (await upstream.request()).sse().event({ choices: [{ index: 0, delta: { content: "Hi" } }] });
    await client.take(({ type }) => type === "event");
    expect(await streams()).toEqual([1, 0, 0]);
    expect((await scrape()).get('sluice_connections{face="stream"}')).toBe(1);
    expect((await scrape()).get("sluice_log_bytes")).toBeGreaterThan(0);
    client.close();
    await client.closed;
    // The gateway may see the close later than the client.
    await turnsUntil(async () => (await streams())[1] !== 0);
    expect(await streams()).toEqual([0, 1, 0]);
    exchange.finishChat();
    const second = await (await StreamClient.connect(gateway.url)).hello();
    const opened = JSON.parse(client.texts[1] ?? "");
    second.send({ type: "resume", id: "a", stream: opened.stream, epoch: 1, after: 0 });
    expect((await second.rest("a")).end.status).toBe("completed");
    expect(await streams()).toEqual([0, 0, 1]);
    const samples = await scrape();
    expect(samples.get('sluice_resumes_total{result="resumed"}')).toBe(1);
    expect(samples.get('sluice_streams_ended_total{face="stream",route="chat",status="completed",code=""}')).toBe(1);
    expect(samples.get('sluice_connections_closed_total{face="stream",close_code="1000"}')).toBe(1);
    second.close();
  });

  test("requires the token if there is one", async () => {
    await using gateway = await startTestGateway({ config: { auth: { token: "a-long-shared-token" } } });
    const status = async (headers: Record<string, string>) => {
      const answer = await fetch(`${gateway.url}/metrics`, { headers });
      return [answer.status, answer.headers.get("content-type")];
    };
    expect(await status({})).toEqual([401, "application/json"]);
    expect(await status({ authorization: "Bearer wrong" })).toEqual([401, "application/json"]);
    expect(await status({ authorization: "Bearer a-long-shared-token" })).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
  });

  test("on its own listener requires none, and is served nowhere else", async () => {
    const config = { auth: { token: "a-long-shared-token" }, metrics: { listen: { port: 0 } } };
    await using gateway = await startTestGateway({ config });
    const own = gateway.metricsUrl ?? "";
    expect((await fetch(`${own}/metrics`)).status).toBe(200);
    expect((await fetch(`${own}/metrics`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${own}/`)).status).toBe(404);
    const headers = { authorization: "Bearer a-long-shared-token" };
    expect((await fetch(`${gateway.url}/metrics`, { headers })).status).toBe(404);
  });

  test("on its own listener accepts IP addresses and listed host names, and no page of another origin", async () => {
    const config = { metrics: { listen: { port: 0 } }, allowedHosts: ["sluice.example.com"] };
    await using gateway = await startTestGateway({ config });
    const status = (headers: Record<string, string>) =>
      new Promise((resolve) =>
        request(`${gateway.metricsUrl}/metrics`, { headers, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).end(),
      );
    for (const host of ["localhost", "sluice.example.com:9464", "10.0.0.7:9464", "[fd00::7]:9464"]) {
      expect([host, await status({ host })]).toEqual([host, 200]);
    }
    for (const host of ["evil.com", "10.0.0.7.evil.com", "localhost.evil.com"]) {
      expect([host, await status({ host })]).toEqual([host, 403]);
    }
    expect(await status({ origin: "https://evil.com" })).toBe(403);
  });

  test("is not found when metrics are turned off", async () => {
    await using gateway = await startTestGateway({ config: { metrics: { enabled: false } } });
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
  });
});

test("streams, tokens and refusals are counted by caller where the configuration asks for it, and nowhere else", async () => {
  const counted = async (callerLabel: boolean) => {
    const metrics = createMetrics("1.2.3", { callerLabel });
    metrics.observer.streamEnded({ ...STREAM, caller: "alice" });
    metrics.observer.refused({ code: "forbidden", where: "stream", remoteAddress: "10.0.0.1", caller: "bob" });
    metrics.observer.refused({ code: "unauthorized", where: "upgrade", remoteAddress: "10.0.0.1" });
    const names = [...samplesOf(await metrics.text(STATE)).keys()].filter((name) => name.includes("caller="));
    return new Set(names.map((name) => `${name.split("{")[0]} ${/caller="(\w*)"/.exec(name)?.[1]}`));
  };
  expect(await counted(true)).toEqual(
    new Set([
      "sluice_streams_ended_total alice",
      "sluice_tokens_total alice",
      "sluice_refusals_total bob",
      "sluice_refusals_total ",
    ]),
  );
  expect(await counted(false)).toEqual(new Set());
});
