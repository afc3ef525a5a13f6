import { setTimeout as sleep } from "node:timers/promises";
import type { ClientQuestions } from "../client/client-process.ts";
import type { Job, JobResult, Target } from "../client/job.ts";
import type { Asker } from "../ipc.ts";
import type { Row, RunningRow } from "../rows/row.ts";
import type { UpstreamQuestions } from "../upstream/upstream-process.ts";
import type { UpstreamReport } from "../upstream/upstream-stats.ts";
import { type Helper, startHelper } from "./child.ts";
import { CpuMarks, type CpuUse } from "./cpu-marks.ts";
import type { Cpus } from "./placement.ts";
import { cpuUs, type Sample, Sampler } from "./process-figures.ts";

/** Measurements taken while a client did something to a row. */
export interface Observed<T> {
  readonly client: T;
  readonly upstream: UpstreamReport;
  readonly cpu: CpuUse;
  /** Resident memory of the gateway over the run. */
  readonly resident: readonly Sample[];
}

/** Above this, a gateway is still busy with cancelled streams and not ready for the next run. */
const CALM_SHARE = 0.05;
const CALM_LOOK_MS = 200;
const CALM_TIMEOUT_MS = 10_000;

const startClient = () =>
  startHelper<ClientQuestions>("client", new URL("../client/client-process.ts", import.meta.url));

/** The upstream, the client and the rows under test, from the first run to the last. */
export class Stage {
  readonly #upstream: Helper<UpstreamQuestions>;
  #client = startClient();
  readonly #rows = new Map<Row, RunningRow>();
  readonly #cpus: Cpus;
  #port = 0;

  private constructor(cpus: Cpus) {
    this.#cpus = cpus;
    this.#upstream = startHelper("upstream", new URL("../upstream/upstream-process.ts", import.meta.url));
  }

  /** `port` is where the upstream listens; 0 takes any. `cpus` are what gateways get. */
  static async open(port: number, cpus: Cpus): Promise<Stage> {
    const stage = new Stage(cpus);
    stage.#port = await stage.#upstream.asker.ask("listen", port);
    return stage;
  }

  get upstreamPort(): number {
    return this.#port;
  }

  async row(row: Row): Promise<RunningRow> {
    let running = this.#rows.get(row);
    if (!running) {
      running = await row.start(this.#port, this.#cpus);
      this.#rows.set(row, running);
    }
    return running;
  }

  /** Stops a row's processes; the next run starts new ones. */
  async retire(row: Row): Promise<void> {
    await this.#rows.get(row)?.stop();
    this.#rows.delete(row);
  }

  /** Runs a job against a row. Rejects if the load could not be started. */
  run(row: Row, job: Omit<Job, "target">): Promise<Observed<JobResult>> {
    return this.observe(row, (client, target) => client.ask("run", { ...job, target }));
  }

  /** Lets the client do something to a row while it measures the gateway. */
  async observe<T>(
    row: Row,
    work: (client: Asker<ClientQuestions>, target: Target) => Promise<T>,
  ): Promise<Observed<T>> {
    const { target, pids } = await this.row(row);
    await this.#upstream.asker.ask("reset", null);
    const client = this.#client;
    const marks = new CpuMarks({ gateway: pids, upstream: [this.#upstream.pid], client: [client.pid] });
    client.asker.hear("window-opened", () => marks.open());
    client.asker.hear("window-closed", () => marks.close());
    const sampler = new Sampler(pids);
    try {
      const result = await work(client.asker, target);
      const upstream = await this.#upstream.asker.ask("report", null);
      sampler.stop();
      await client.asker.ask("release", null);
      return { client: result, upstream, cpu: marks.use(), resident: sampler.samples };
    } catch (error) {
      // What it still holds from the failed run would burden the next one.
      await client.stop();
      this.#client = startClient();
      throw error;
    } finally {
      sampler.stop();
      await this.#upstream.asker.ask("hangUp", null);
      await this.#calm(row, pids);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#rows.values()].map((row) => row.stop()));
    await Promise.all([this.#upstream.stop(), this.#client.stop()]);
  }

  /** Waits until the row has released everything; stops a row that does not. */
  async #calm(row: Row, pids: readonly number[]): Promise<void> {
    if (pids.length === 0) return;
    const giveUpAt = performance.now() + CALM_TIMEOUT_MS;
    for (let before = cpuUs(pids); performance.now() < giveUpAt; ) {
      await sleep(CALM_LOOK_MS);
      const after = cpuUs(pids);
      if (before === undefined || after === undefined) break;
      if (after - before <= CALM_LOOK_MS * 1000 * CALM_SHARE) return;
      before = after;
    }
    await this.retire(row);
  }
}
