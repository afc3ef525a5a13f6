import { nginx } from "./nginx.ts";
import { nodeRow } from "./node-row.ts";
import { openclaw } from "./openclaw.ts";
import { portkey } from "./portkey.ts";
import { DIRECT, type Row } from "./row.ts";
import { sluice, sluiceStarts, sluiceUnrecorded } from "./sluice.ts";
import { sluiceFaces } from "./sluice-faces.ts";
import { sluiceHttp } from "./sluice-http.ts";
import { sluiceWorkers } from "./sluice-workers.ts";

const direct: Row = {
  name: DIRECT,
  what: "no gateway: the client reads the upstream directly",
  protocol: "sse",
  version: () => "",
  start: async (upstreamPort) => ({
    target: { protocol: "sse", url: `http://127.0.0.1:${upstreamPort}/v1/chat/completions` },
    pids: [],
    stop: async () => undefined,
  }),
};

const splice = nodeRow({
  name: "splice",
  what: "copies bytes from socket to socket in Node",
  protocol: "sse",
  program: new URL("./splice-process.ts", import.meta.url),
  detail: true,
});

const floor = nodeRow({
  name: "floor",
  what: "a hand-written relay on node:net that does only this job",
  protocol: "sluice",
  program: new URL("./floor-process.ts", import.meta.url),
});

const naive = nodeRow({
  name: "naive",
  what: "thirty lines: fetch, JSON.parse, JSON.stringify, ws.send",
  protocol: "sluice",
  program: new URL("./naive-process.ts", import.meta.url),
});

/** Every row, in the order of the tables. */
export const ROWS: readonly Row[] = [
  direct,
  splice,
  floor,
  nginx,
  naive,
  portkey,
  openclaw,
  sluice,
  sluiceHttp,
  ...sluiceFaces,
  sluiceUnrecorded,
  ...sluiceStarts,
  ...sluiceWorkers,
];
