import { Counter, Histogram, type Registry } from "prom-client";
import { CODES } from "../../protocol/codes.ts";
import type { StreamRecord } from "../core/ports/observer.ts";

/** In seconds: local upstreams respond within milliseconds, thinking models within minutes. */
const FIRST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const EVENT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Label values of token kinds, and the usage field of each. */
const TOKENS = [
  ["input", "inputTokens"],
  ["output", "outputTokens"],
  ["cache_read", "cacheReadTokens"],
  ["cache_write", "cacheWriteTokens"],
  ["reasoning", "reasoningTokens"],
] as const;

/** Anomalies with a label value of their own. */
const KINDS = new Set<string>([
  "lossy",
  "resent",
  "usage_refused",
  "malformed",
  "too_deep",
  "not_object",
  ...Object.keys(CODES),
]);

/** Counters and histograms updated once per stream, at its end; streams and tokens by caller too where asked. */
export function streamMetrics(register: Registry, callerLabel = false): (record: StreamRecord) => void {
  const registers = [register];
  const byCaller = callerLabel ? (["caller"] as const) : [];
  const first = (what: string, help: string) =>
    new Histogram({
      name: `sluice_first_${what}_seconds`,
      help: `From a stream's open to ${help}`,
      labelNames: ["route"],
      buckets: FIRST_BUCKETS,
      registers,
    });
  const firstByte = first("byte", "the first byte of the upstream's body");
  const firstContent = first("content", "the first text, thinking or tool call parsed");
  const firstSent = first("sent", "that content handed to the client's socket");
  const ended = new Counter({
    name: "sluice_streams_ended_total",
    help: "Streams that ended; code is empty unless they failed or were cancelled",
    labelNames: ["face", "route", "status", "code", ...byCaller],
    registers,
  });
  const events = new Counter({
    name: "sluice_events_total",
    help: "Events relayed",
    labelNames: ["route"],
    registers,
  });
  const perEvent = new Histogram({
    name: "sluice_time_per_event_seconds",
    help: "From a stream's first byte to its end, divided by its events",
    labelNames: ["route"],
    buckets: EVENT_BUCKETS,
    registers,
  });
  const tokens = new Counter({
    name: "sluice_tokens_total",
    help: "Tokens by kind; input includes cache_read and cache_write, output includes reasoning",
    labelNames: ["route", "kind", "source", ...byCaller],
    registers,
  });
  const pauses = new Counter({
    name: "sluice_upstream_pauses_total",
    help: "How often an upstream was paused because its stream's log was full",
    labelNames: ["route"],
    registers,
  });
  const paused = new Counter({
    name: "sluice_upstream_paused_seconds_total",
    help: "How long upstreams were paused because their streams' logs were full",
    labelNames: ["route"],
    registers,
  });

  const anomalies = new Counter({
    name: "sluice_anomalies_total",
    help: "Oddities in responses that did not fail them, by kind",
    labelNames: ["route", "kind"],
    registers,
  });

  return ({ face, route, caller, terminal, events: count, backpressure, anomalies: found }) => {
    const { status, error, timing, usage } = terminal;
    const whose = callerLabel ? { caller } : {};
    const seconds = (histogram: Histogram<"route">, ms: number | undefined) => {
      if (ms !== undefined) histogram.observe({ route }, ms / 1_000);
    };
    ended.inc({ face, route, status, code: error?.code ?? "", ...whose });
    seconds(firstByte, timing.firstByteMs);
    seconds(firstContent, timing.firstContentMs);
    seconds(firstSent, timing.firstSentMs);
    if (count > 0 && timing.firstByteMs !== undefined) {
      seconds(perEvent, (timing.totalMs - timing.firstByteMs) / count);
    }
    events.inc({ route }, count);
    for (const [kind, field] of TOKENS) {
      // Figures come from the provider; a counter accepts no negative ones.
      const figure = usage[field] ?? 0;
      if (figure > 0) tokens.inc({ route, kind, source: usage.source, ...whose }, figure);
    }
    for (const [kind, times] of Object.entries(found)) {
      anomalies.inc({ route, kind: KINDS.has(kind) ? kind : "other" }, times);
    }
    pauses.inc({ route }, backpressure.pauses);
    paused.inc({ route }, backpressure.ms / 1_000);
  };
}
