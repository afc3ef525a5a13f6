import { seededRandom } from "../../src/demo/random.ts";
import { survive, type Toll } from "../support/gateways/survivor.ts";
import type { FloodRecord } from "../support/upstreams/flood-upstream.ts";
import type { Figure, Scenario, SoakOptions } from "./report.ts";
import { type SoakLimits, setStage } from "./stage.ts";

/** Small enough that windows, logs, gates and in-flight limits are always full. */
const NARROW = {
  logBytes: 98_304,
  streams: { windowBytes: 32_768, windowEvents: 128 },
  sockets: { inFlightBytes: 131_072, socketGateBytes: 16_384 },
};
const CLIENTS = 6;
const STREAMS_AT_ONCE = 4;
const EVENTS_PER_STREAM = 4_000;

export const survival: Scenario = {
  name: "survival",
  about: "hash chains of all streams through cuts, reconnects and slow readers; half of it with very small limits",
  async run(options) {
    const half = Math.ceil(options.events / 2);
    const startedAt = performance.now();
    const narrow = await live(half, options, NARROW, { bytes: 8_192, events: 32, afterMs: 5 });
    const usual = await live(half, options, {}, { bytes: 65_536, events: 64, afterMs: 100 });
    const seconds = (performance.now() - startedAt) / 1_000;
    const tolls = [...narrow.tolls, ...usual.tolls];
    const faults = tolls.flatMap((toll) => toll.faults);
    for (const fault of faults.slice(0, 20)) console.log(`  ${fault}`);
    const sum = (of: "events" | "cuts" | "rests" | "holds") => tolls.reduce((total, toll) => total + toll[of], 0);
    const figures: Figure[] = [
      { name: "events", value: sum("events"), unit: "", atLeast: options.events },
      { name: "lost, duplicated, reordered, altered", value: faults.length, unit: "", atMost: 0 },
      { name: "cuts and resumes", value: sum("cuts"), unit: "", atLeast: 1 },
      { name: "rests of a reader", value: sum("rests"), unit: "" },
      { name: "streams not acknowledged for a while", value: sum("holds"), unit: "" },
      { name: "pauses of an upstream", value: narrow.pauses + usual.pauses, unit: "", atLeast: 1 },
      { name: "events a second", value: sum("events") / seconds, unit: "1/s" },
    ];
    return figures;
  },
};

async function live(
  events: number,
  { seed }: SoakOptions,
  limits: SoakLimits,
  rule: Parameters<typeof survive>[0]["rule"],
) {
  await using stage = await setStage(limits);
  // Records of finished streams do not change: one query serves all that finished before it.
  let known: Readonly<Record<string, FloodRecord>> = {};
  const record = async (key: string) => {
    if (known[key]?.digest === undefined) known = await stage.records();
    return known[key];
  };
  const streams = Math.ceil(events / CLIENTS / (EVENTS_PER_STREAM + 2));
  const lives = Array.from({ length: CLIENTS }, (_, at): Promise<Toll> => {
    const hardships = { cut: 2_000, rest: 800, hold: 800 };
    return survive({
      gatewayUrl: stage.gateway.url,
      name: `c${at}`,
      random: seededRandom(seed + at),
      streams,
      streamsAtOnce: STREAMS_AT_ONCE,
      eventsPerStream: EVENTS_PER_STREAM,
      hardships,
      batch: at % 3 === 2,
      rule,
      record,
    });
  });
  const tolls = await Promise.all(lives);
  return { tolls, pauses: await stage.metric("sluice_upstream_pauses_total") };
}
