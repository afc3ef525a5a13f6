import { setTimeout } from "node:timers/promises";
import type { WebSocket } from "ws";
import { connect, open } from "./clients.ts";
import { formulaMib } from "./formula.ts";
import { type Figure, MIB, type Scenario } from "./report.ts";
import { setStage } from "./stage.ts";

/** A small budget, and the one for Node's usual heap of 4 GiB. */
const TOTAL_LOGS_MIB = [256, 1_024];
const READERS = 1_000;
const SETTLED_MS = 3_000;

/** Readers that acknowledge nothing until no log grows any more: memory must stay within the formula. */
async function stall(totalLogMib: number): Promise<Figure[]> {
  await using stage = await setStage({ totalLogBytes: totalLogMib * MIB, streams: { pausedMs: 600_000 } });
  const sockets: WebSocket[] = [];
  for (let at = 0; at < READERS; at++) sockets.push(await connect(stage.gateway.url));
  let refused = 0;
  for (const [at, ws] of sockets.entries()) {
    ws.on("message", (data) => {
      if (String(data).startsWith('{"type":"error"')) refused++;
    });
    open(ws, `r${at}`, { events: 1_000_000, plain: true });
  }
  let peak = 0;
  const counted = await stage.settled(SETTLED_MS, () => {
    peak = Math.max(peak, stage.rss());
  });
  const cpu = stage.cpuMs();
  await setTimeout(SETTLED_MS);
  const busy = (stage.cpuMs() - cpu) / SETTLED_MS;
  for (const ws of sockets) ws.terminate();
  const streams = READERS - refused;
  const formula = formulaMib({ connections: READERS, streams, budgetMib: totalLogMib });
  const of = `at ${totalLogMib.toLocaleString("en-US")} MiB`;
  return [
    { name: `streams let in ${of}`, value: streams, unit: "", atLeast: READERS / 2 },
    { name: `counted in the budget ${of}`, value: counted / MIB, unit: "MiB" },
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
