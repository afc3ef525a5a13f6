import { setTimeout as after } from "node:timers/promises";
import { AckClient } from "../support/clients/ack-client.ts";
import type { Scenario } from "./report.ts";
import { setStage } from "./stage.ts";

const GRACE_MS = 3_000;
/** The gateway sweeps once a second. */
const SWEEP_MS = 1_000;
const SLACK_MS = 500;
const ABANDONED = 20;
const FETCHED = 5;

export const grace: Scenario = {
  name: "grace",
  about: `streams whose client is gone are cancelled after ${GRACE_MS} ms and not before, says the upstream`,
  async run() {
    await using stage = await setStage({ graceMs: GRACE_MS });
    const leave = async (key: string) => {
      const client = new AckClient(stage.gateway.url);
      await client.connect();
      const stream = client.open(key, { model: "gpt", body: { key, events: 10, stays: true, messages: [] } });
      await stream.reached(10);
      client.cut();
      return { key, client, leftAt: Date.now() };
    };
    const abandoned = await Promise.all(Array.from({ length: ABANDONED }, (_, at) => leave(`abandoned-${at}`)));
    const fetched = await Promise.all(Array.from({ length: FETCHED }, (_, at) => leave(`fetched-${at}`)));
    await after(GRACE_MS - SLACK_MS);
    for (const { client } of fetched) await client.connect();
    await after(2 * SWEEP_MS + SLACK_MS);
    const records = await stage.records();
    for (const { client } of fetched) client.cut();
    const waits = abandoned.map(({ key, leftAt }) => (records[key]?.abandonedAt ?? Number.POSITIVE_INFINITY) - leftAt);
    const lost = fetched.filter(({ key }) => records[key]?.abandonedAt !== undefined);
    return [
      { name: "first cancelled after", value: Math.min(...waits), unit: "ms", atLeast: GRACE_MS },
      { name: "last cancelled after", value: Math.max(...waits), unit: "ms", atMost: GRACE_MS + SWEEP_MS + SLACK_MS },
      { name: "cancelled though their client came back", value: lost.length, unit: "", atMost: 0 },
    ];
  },
};
