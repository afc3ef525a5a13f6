import { expect, test } from "@jest/globals";
import { seededRandom } from "../../../src/demo/random.ts";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { survive } from "../../support/gateways/survivor.ts";
import { startFloodUpstream } from "../../support/upstreams/flood-upstream.ts";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** So small that windows, logs, gates and what is in flight are full all the time. */
const LIMITS = {
  logBytes: 98_304,
  streams: { windowBytes: 32_768, windowEvents: 128 },
  sockets: { inFlightBytes: 131_072, socketGateBytes: 16_384, upgradesPerSecond: 100_000 },
  requests: { framesPerSecond: 100_000 },
};
const RULE = { bytes: 8_192, events: 32, afterMs: 5 };
const CLIENTS = 4;

/** The sum of a metric over all its labels. */
async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test(`every stream delivers what its upstream wrote, through cuts, reconnects and slow readers (seed ${seed})`, async () => {
  await using upstream = await startFloodUpstream();
  await using gateway = await startTestGateway({ upstream: upstream.url, config: { limits: LIMITS } });
  const tolls = await Promise.all(
    Array.from({ length: CLIENTS }, (_, at) =>
      survive({
        gatewayUrl: gateway.url,
        name: `c${at}`,
        random: seededRandom(seed + at),
        streams: 8,
        streamsAtOnce: 4,
        eventsPerStream: 1_600,
        hardships: { cut: 400, rest: 200, hold: 200 },
        batch: at % 2 === 1,
        rule: RULE,
        record: upstream.record,
      }),
    ),
  );
  expect(tolls.flatMap(({ faults }) => faults)).toEqual([]);
  const sum = (of: "events" | "cuts" | "rests" | "holds") => tolls.reduce((total, toll) => total + toll[of], 0);
  expect(sum("events")).toBe(CLIENTS * 8 * 1_602);
  // Windows and logs were full, or this would prove little.
  expect(await metric(gateway.url, "sluice_upstream_pauses_total")).toBeGreaterThan(20);
  for (const hardship of ["cuts", "rests", "holds"] as const) expect(sum(hardship)).toBeGreaterThan(20);
});
