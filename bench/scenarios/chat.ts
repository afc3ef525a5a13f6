import { Histogram } from "../figures/histogram.ts";
import { percentiles } from "../figures/percentiles.ts";
import { DEFAULT_PLAN } from "../payload/plan.ts";
import { fewRuns, type Point, type Scenario, type Settings } from "./scenario.ts";

const TOKENS = 200;
const TOKENS_PER_SECOND = 100;
const MIB = 2 ** 20;

/** The same chat client on OpenClaw's own gateway and on the face that speaks its protocol. */
export const chat: Scenario = {
  name: "chat",
  title: `Chat over OpenClaw's protocol: answers of ${TOKENS} tokens at ${TOKENS_PER_SECOND} per second`,
  columns: [
    { metric: "firstP50Us", label: "first token p50 ms", digits: 1, divisor: 1000, better: "less" },
    { metric: "firstP90Us", label: "p90 ms", digits: 1, divisor: 1000, better: "less" },
    { metric: "lastP50Us", label: "last token p50 ms", digits: 1, divisor: 1000, better: "less" },
    { metric: "framesPerAnswer", label: "text frames", digits: 0 },
    { metric: "bytesPerCharacter", label: "bytes/character", digits: 1, better: "less" },
    { metric: "preparedP50Us", label: "until the upstream is asked ms", digits: 1, divisor: 1000 },
    { metric: "peakRssMiB", label: "RSS MiB", digits: 0, better: "less" },
    { metric: "failed", label: "failed", digits: 0 },
  ],
  points: (settings) => [turns(1, settings), turns(8, settings)],
};

const turns = (count: number, settings: Settings): Point => ({
  id: `chat ${count}`,
  name: count === 1 ? "one turn at a time" : `${count} turns at once`,
  suits: (row) => row.chats !== undefined,
  seconds: TOKENS / TOKENS_PER_SECOND + (count === 1 ? 4 : 6),
  runs: fewRuns(settings),
  measure: async (stage, row) => {
    const { chat: target } = await stage.row(row);
    if (!target) throw new Error("it has no chat protocol");
    // The chat goes to a route of chat completions, whatever the other scenarios' payload is.
    const plan = { ...DEFAULT_PLAN, writesPerSecond: TOKENS_PER_SECOND, count: TOKENS };
    const { client, resident } = await stage.observe(row, (asker) =>
      asker.ask("chats", { target, turns: count, plan }),
    );
    const answered = Math.max(1, count - client.failed);
    return {
      metrics: {
        ...percentiles("prepared", Histogram.from(client.prepared)),
        ...percentiles("first", Histogram.from(client.first)),
        ...percentiles("last", Histogram.from(client.last)),
        framesPerAnswer: client.textFrames / answered,
        bytesPerCharacter: client.bytes / Math.max(1, client.characters),
        peakRssMiB: Math.max(...resident.map(([, bytes]) => bytes)) / MIB,
        failed: client.failed,
      },
    };
  },
});
