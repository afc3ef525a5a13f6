import type { Config } from "../config/schema.ts";
import { CallerLoad } from "../core/caller/caller-load.ts";
import type { Clock } from "../core/kernel/clock.ts";
import { Load } from "../observe/load.ts";
import { LoopDelay } from "../observe/loop-delay.ts";
import { findOpenFiles } from "../observe/open-files.ts";
import { Vitals } from "../observe/vitals.ts";
import { PAGE_SOCKETS } from "../transport/http/page-server.ts";

const COUNT_FILES_MS = 1_000;

/** Load shedding and its measurements. */
export interface LoadConnections extends Disposable {
  readonly load: Load;
  readonly loop: LoopDelay;
  readonly vitals: Vitals;
  /** How much of the event loop each caller uses. */
  readonly callerLoad: CallerLoad;
}

/** Measures how busy the process is, and which callers keep it so. */
export function connectLoad({ data, limits, metrics }: Config, clock: Clock): LoadConnections {
  const loop = new LoopDelay();
  const callerLoad = new CallerLoad(clock);
  const load = new Load({
    loopDelayMs: limits.streams.loopDelayMs,
    loop,
    callers: callerLoad,
    files: findOpenFiles(),
    otherSockets: metrics.enabled && metrics.listen ? PAGE_SOCKETS : 0,
  });
  const { loopDelayMs } = limits.streams;
  const directory = data.store === "sqlite" ? data.directory : undefined;
  const vitals = new Vitals({ loop, loopDelayMs, directory });
  const fileCount = setInterval(() => void load.count(), COUNT_FILES_MS).unref();
  return {
    load,
    loop,
    vitals,
    callerLoad,
    [Symbol.dispose]() {
      clearInterval(fileCount);
      vitals.close();
      loop.close();
    },
  };
}
