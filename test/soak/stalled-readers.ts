import { once } from "node:events";
import { WebSocket } from "ws";
import { type Figure, MIB, percentile, type Scenario } from "./report.ts";
import { type Stage, setStage } from "./stage.ts";

/** The terms of the design's formula: connections x 8 KiB + min(streams x (log + 100 KiB), G) + base, in MiB. */
const CONNECTION_MIB = 8 / 1_024;
const STREAM_MIB = 1 + 100 / 1_024;
const BASE_MIB = 90;
/** A small budget, and the one that a heap of Node's usual 4 GiB brings. */
const TOTAL_LOGS_MIB = [256, 1_024];
const READERS = 1_000;
const SETTLED_MS = 3_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A socket that reads all frames and acknowledges none. */
async function connect(url: string): Promise<WebSocket> {
  const ws = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, ["sluice.v1"]);
  await once(ws, "open");
  return ws;
}

function open(ws: WebSocket, id: string, flood: Readonly<Record<string, unknown>>, flow: "ack" | "none" = "ack"): void {
  ws.send(JSON.stringify({ type: "open", id, model: "gpt", flow, body: { key: id, plain: true, ...flood } }));
}

/** Readers that acknowledge nothing, until no log grows any more: memory must stay within the formula. */
async function stall(totalLogMib: number): Promise<Figure[]> {
  await using stage = await setStage({ totalLogBytes: totalLogMib * MIB, pausedMs: 600_000 });
  const sockets: WebSocket[] = [];
  for (let at = 0; at < READERS; at++) sockets.push(await connect(stage.gateway.url));
  let refused = 0;
  for (const [at, ws] of sockets.entries()) {
    ws.on("message", (data) => {
      if (String(data).startsWith('{"type":"error"')) refused++;
    });
    open(ws, `r${at}`, { events: 1_000_000 });
  }
  let peak = 0;
  const settled = { logs: 0, since: performance.now() };
  while (performance.now() - settled.since < SETTLED_MS) {
    peak = Math.max(peak, stage.rss());
    const logs = await stage.metric("sluice_log_bytes ");
    if (logs !== settled.logs) Object.assign(settled, { logs, since: performance.now() });
    await pause(200);
  }
  const cpu = stage.cpuMs();
  await pause(SETTLED_MS);
  const busy = (stage.cpuMs() - cpu) / SETTLED_MS;
  for (const ws of sockets) ws.terminate();
  const streams = READERS - refused;
  const formula = READERS * CONNECTION_MIB + Math.min(streams * STREAM_MIB, totalLogMib) + BASE_MIB;
  const of = `at ${totalLogMib.toLocaleString("en-US")} MiB`;
  return [
    { name: `streams let in ${of}`, value: streams, unit: "", atLeast: READERS / 2 },
    { name: `counted in the budget ${of}`, value: settled.logs / MIB, unit: "MiB" },
    { name: `peak memory (RSS) ${of}`, value: peak / MIB, unit: "MiB", atMost: formula * 1.1 },
    { name: `CPU while all are stalled ${of}`, value: busy * 100, unit: "%", atMost: 2 },
  ];
}

export const stalledReaders: Scenario = {
  name: "stalled",
  about: `${READERS.toLocaleString("en-US")} readers that acknowledge nothing, a fast upstream for each, within two budgets`,
  async run() {
    const figures: Figure[] = [];
    for (const totalLogMib of TOTAL_LOGS_MIB) figures.push(...(await stall(totalLogMib)));
    return figures;
  },
};

const HEALTHY = 27;
const STALLED = 5;
const ROUNDS = 3;

/** Milliseconds between an event's due time and its arrival, for the healthy streams of one round. */
async function delays(stage: Stage, round: string, stalled: number): Promise<number[]> {
  const ws = await connect(stage.gateway.url);
  const arrivals = new Map<string, number[]>();
  let ended = 0;
  const done = new Promise<void>((resolve) => {
    let received = 0;
    ws.on("message", (data) => {
      received++;
      const text = String(data);
      if (text.startsWith('{"type":"tick"')) return;
      const frame = JSON.parse(text);
      if (frame.type === "event") {
        const times = arrivals.get(frame.id) ?? [];
        times.push(performance.now());
        arrivals.set(frame.id, times);
        // What arrived is acknowledged for all, what was handled for the healthy only.
        const handled = frame.id.startsWith("h") ? { [frame.id]: frame.seq } : {};
        if (frame.seq % 32 === 0) ws.send(JSON.stringify({ type: "ack", received, streams: handled }));
      }
      if (frame.type === "end" && frame.id.startsWith("h") && ++ended === HEALTHY) resolve();
    });
  });
  for (let at = 0; at < stalled; at++) open(ws, `s${round}-${at}`, { events: 1_000_000 });
  for (let at = 0; at < HEALTHY; at++) open(ws, `h${round}-${at}`, { events: 250, pace: { events: 1, everyMs: 20 } });
  await done;
  ws.terminate();
  // Of each stream the earliest event against its place in the rhythm is the one that was on time.
  return [...arrivals].flatMap(([id, times]) => {
    if (!id.startsWith("h")) return [];
    const late = times.slice(0, 250).map((time, at) => time - at * 20);
    const onTime = Math.min(...late);
    return late.map((time) => time - onTime);
  });
}

export const mixedReaders: Scenario = {
  name: "mixed",
  about: `${HEALTHY + STALLED} streams on one socket, ${STALLED} of them stalled, against the same without the stalled ones`,
  async run() {
    await using stage = await setStage({ pausedMs: 120_000 });
    const alone: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(...(await delays(stage, `a${round}`, 0)));
      beside.push(...(await delays(stage, `b${round}`, STALLED)));
    }
    const figures: Figure[] = [0.5, 0.9, 0.99].flatMap((share) => [
      { name: `p${share * 100} delay without stalled ones`, value: percentile(alone, share), unit: "ms" },
      { name: `p${share * 100} delay beside ${STALLED} stalled ones`, value: percentile(beside, share), unit: "ms" },
    ]);
    const streams = HEALTHY + STALLED;
    const formula = CONNECTION_MIB + streams * STREAM_MIB + BASE_MIB;
    figures.push({ name: "memory (RSS)", value: stage.rss() / MIB, unit: "MiB", atMost: formula * 1.1 });
    return figures;
  },
};
