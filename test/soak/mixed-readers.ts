import { connect, open } from "./clients.ts";
import { formulaMib } from "./formula.ts";
import { type Figure, MIB, percentile, type Scenario } from "./report.ts";
import { type Stage, setStage } from "./stage.ts";

const HEALTHY = 27;
const STALLED = 5;
/** Rounds with and without stalled streams alternate, so that a busy machine affects both. */
const ROUNDS = 9;
const EVENTS = 250;
const EVERY_MS = 20;

/** Milliseconds from an event's writing to its arrival, for the healthy streams of one round. */
async function delays(stage: Stage, round: string, stalled: number): Promise<number[]> {
  const ws = await connect(stage.gateway.url);
  const delays: number[] = [];
  let ended = 0;
  const done = new Promise<void>((resolve) => {
    let received = 0;
    ws.on("message", (data) => {
      const now = performance.timeOrigin + performance.now();
      received++;
      const text = String(data);
      if (text.startsWith('{"type":"tick"')) return;
      const frame = JSON.parse(text);
      const isHealthy = String(frame.id).startsWith("h");
      if (frame.type === "event") {
        if (isHealthy && frame.data.at !== undefined) delays.push(now - frame.data.at);
        // Received bytes are acknowledged for all, handled events only for the healthy streams.
        const handled = isHealthy ? { [frame.id]: frame.seq } : {};
        if (frame.seq % 32 === 0) ws.send(JSON.stringify({ type: "ack", received, streams: handled }));
      }
      if (frame.type === "end" && isHealthy && ++ended === HEALTHY) resolve();
    });
  });
  for (let at = 0; at < stalled; at++) open(ws, `s${round}-${at}`, { events: 1_000_000, plain: true });
  if (stalled > 0) await stage.settled(1_000);
  const healthy = { events: EVENTS, stamped: true, pace: { events: 1, everyMs: EVERY_MS } };
  for (let at = 0; at < HEALTHY; at++) open(ws, `h${round}-${at}`, healthy);
  await done;
  ws.terminate();
  return delays;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

export const mixedReaders: Scenario = {
  name: "mixed",
  about: `${HEALTHY + STALLED} streams on one socket, ${STALLED} of them stalled, against the same without the stalled ones`,
  async run() {
    await using stage = await setStage({ streams: { pausedMs: 120_000 }, graceMs: 1_000, retentionMs: 1_000 });
    const alone: number[][] = [];
    const beside: number[][] = [];
    await delays(stage, "warm", 0);
    // Compiled code stays in memory, so the baseline is a process that has already run some streams.
    const baseMib = stage.rss() / MIB;
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await delays(stage, `a${round}`, 0));
      beside.push(await delays(stage, `b${round}`, STALLED));
    }
    const at = (share: number, rounds: number[][]) => median(rounds.map((round) => percentile(round, share)));
    const figures: Figure[] = [0.5, 0.9, 0.99].flatMap((share) => {
      const without = at(share, alone);
      const limit = share === 0.99 ? { atMost: without * 1.2 } : {};
      return [
        { name: `p${share * 100} delay without stalled ones`, value: without, unit: "ms" },
        {
          name: `p${share * 100} delay beside ${STALLED} stalled ones`,
          value: at(share, beside),
          unit: "ms",
          ...limit,
        },
      ];
    });
    const formula = formulaMib({ connections: 1, streams: HEALTHY + STALLED, baseMib });
    figures.push({ name: "memory (RSS), warmed up and idle", value: baseMib, unit: "MiB" });
    figures.push({ name: "memory (RSS) at the end", value: stage.rss() / MIB, unit: "MiB", atMost: formula * 1.1 });
    return figures;
  },
};
