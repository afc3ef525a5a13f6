import { DEFAULT_PLAN, ENDLESS } from "../payload/plan.ts";
import { relays } from "../rows/row.ts";
import { recordOf } from "../runner/load-record.ts";
import type { Point, Settings } from "./scenario.ts";

/** Events per write: at 230 bytes each, about what a socket accepts at once. */
const BURST = 256;

/** The upstream writes as fast as its sockets accept. */
export const unthrottled = (streams: number, { windowMs }: Settings): Point => ({
  id: `unthrottled ${streams}`,
  name: `unthrottled, ${streams} streams`,
  suits: relays,
  seconds: windowMs / 1000 + 2,
  measure: async (stage, row) =>
    recordOf(
      await stage.run(row, {
        streams,
        sockets: streams,
        plan: { ...DEFAULT_PLAN, writesPerSecond: 0, burst: BURST, count: ENDLESS },
        warmupMs: 500,
        windowMs,
        probesPerSecond: 0,
        probeMs: 0,
        cancelAtEnd: false,
      }),
    ),
});
