import { setTimeout as sleep } from "node:timers/promises";
import type { ClientQuestions } from "../client/client-process.ts";
import type { Job, JobResult } from "../client/job.ts";
import type { Row, RunningRow } from "../rows/row.ts";
import type { UpstreamQuestions } from "../upstream/upstream-process.ts";
import type { UpstreamReport } from "../upstream/upstream-stats.ts";
import { type Helper, startHelper } from "./child.ts";
import { cpuUs, residentBytes } from "./process-figures.ts";

/** One run of one row, as measured. */
export interface Measured {
  readonly client: JobResult;
  readonly upstream: UpstreamReport;
  /** User and system time within the window, in microseconds; the gateway's is undefined when it has no process here. */
  readonly gatewayCpuUs: number | undefined;
  readonly upstreamCpuUs: number;
  /** Resident memory of the gateway over the run: milliseconds from its beginning and bytes. */
  readonly resident: readonly (readonly [number, number])[];
}

const SAMPLE_MS = 100;
/** A gateway that still works on what was cancelled is not ready for the next run. */
const CALM_SHARE = 0.05;
const CALM_TIMEOUT_MS = 10_000;

/** The upstream and the rows under test, from the first run to the last. The client is a new process for each run. */
export class Stage {
  readonly #upstream: Helper<UpstreamQuestions>;
  readonly #rows = new Map<Row, RunningRow>();
  #port = 0;

  private constructor() {
    this.#upstream = startHelper("upstream", new URL("../upstream/upstream-process.ts", import.meta.url));
  }

  static async open(port = 0): Promise<Stage> {
    const stage = new Stage();
    stage.#port = await stage.#upstream.asker.ask("listen", port);
    return stage;
  }

  get upstreamPort(): number {
    return this.#port;
  }

  async row(row: Row): Promise<RunningRow> {
    let running = this.#rows.get(row);
    if (!running) {
      running = await row.start(this.#port);
      this.#rows.set(row, running);
    }
    return running;
  }

  /** Ends a row's processes; the next run starts new ones. */
  async retire(row: Row): Promise<void> {
    await this.#rows.get(row)?.stop();
    this.#rows.delete(row);
  }

  /** Runs a job against a row. Rejects when the load could not be brought up. */
  async run(row: Row, job: Omit<Job, "target">): Promise<Measured> {
    const { target, pids } = await this.row(row);
    await this.#upstream.asker.ask("reset", null);
    const client = startHelper<ClientQuestions>("client", new URL("../client/client-process.ts", import.meta.url));
    const window = { gateway: [] as (number | undefined)[], upstream: [] as Promise<UpstreamReport>[] };
    const note = () => {
      window.gateway.push(cpuUs(pids));
      window.upstream.push(this.#upstream.asker.ask("report", null));
    };
    client.asker.hear("window-opened", note);
    client.asker.hear("window-closed", note);
    const sampler = new Sampler(pids);
    try {
      const result = await client.asker.ask("run", { ...job, target });
      const upstream = await this.#upstream.asker.ask("report", null);
      const [opened, closed] = await Promise.all(window.upstream);
      return {
        client: result,
        upstream,
        gatewayCpuUs: difference(window.gateway),
        upstreamCpuUs: (closed?.cpuUs ?? 0) - (opened?.cpuUs ?? 0),
        resident: sampler.stop(),
      };
    } finally {
      sampler.stop();
      await client.stop();
      await this.#calm(row, pids);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#rows.values()].map((row) => row.stop()));
    await this.#upstream.stop();
  }

  /** Waits until the row has put everything away; one that does not is ended. */
  async #calm(row: Row, pids: readonly number[]): Promise<void> {
    if (pids.length === 0) return;
    const giveUpAt = performance.now() + CALM_TIMEOUT_MS;
    for (let before = cpuUs(pids); performance.now() < giveUpAt; ) {
      await sleep(200);
      const after = cpuUs(pids);
      if (before === undefined || after === undefined) break;
      if (after - before <= 200 * 1000 * CALM_SHARE) return;
      before = after;
    }
    await this.retire(row);
  }
}

class Sampler {
  readonly #samples: (readonly [number, number])[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    const since = performance.now();
    const sample = () => {
      const bytes = residentBytes(pids);
      if (bytes !== undefined) this.#samples.push([Math.round(performance.now() - since), bytes]);
    };
    sample();
    this.#timer = setInterval(sample, SAMPLE_MS);
  }

  stop(): readonly (readonly [number, number])[] {
    clearInterval(this.#timer);
    return this.#samples;
  }
}

function difference([first, second]: readonly (number | undefined)[]): number | undefined {
  return first === undefined || second === undefined ? undefined : second - first;
}
