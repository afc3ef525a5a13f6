import type { ChildProcess } from "node:child_process";
import { startMetricsServer } from "../compose/metrics-server.ts";
import { ConfigError } from "../config/config-error.ts";
import type { FilesRead } from "../config/read-files.ts";
import type { Config } from "../config/schema.ts";
import { createLog } from "../observe/log.ts";
import { createMetricsPage } from "../observe/metrics-page.ts";
import { createWorkersMetrics } from "../observe/workers-metrics.ts";
import { claimDirectory } from "../storage/sqlite/directory-claim.ts";
import { SharedPort } from "../transport/http/shared-port.ts";
import type { WorkerReload } from "./calls.ts";
import { Pool } from "./pool.ts";
import { WorkerChild } from "./worker-child.ts";
import { WorkerFailure } from "./worker-failure.ts";

/** What starting workers needs. */
export interface WorkersOptions {
  readonly workers: number;
  /** This process's id, which its claim on the data directory shows. */
  readonly pid: number;
  /** The files that the newest configuration was read from. */
  readonly files: () => FilesRead;
  /** Starts the process of a worker: its output in a pipe, and a channel. */
  readonly fork: (worker: number) => ChildProcess;
  /** Calls back when this process exits, however. */
  readonly onExit: (exits: () => void) => void;
}

/** Running workers, as one gateway. */
export interface RunningWorkers {
  /** `http://host:port`, as bound. */
  readonly url: string;
  /** Puts what may change of the configuration into effect in all workers or in none. Never rejects. */
  reload(load: () => Config): Promise<WorkerReload>;
  /** Lets all workers stop, as one gateway does. Rejects with WorkerFailure when one had to be killed. */
  close(reason: string): Promise<void>;
}

/** What stopping takes beyond the time for which streams may run. */
const CLOSE_MS = 15_000;
/** Metrics are answered within a second, whatever a worker does. */
const MEASURE_MS = 700;
const RELOAD_MS = 5_000;
/** A SIGTERM for all processes reaches this one, too. */
const SAME_SIGNAL_MS = 200;

const clock = { now: () => performance.now(), wall: () => Date.now() };

/** Starts the workers and listens for them. Rejects, with everything closed, when the port, the data or a worker fails. */
export async function startWorkers(config: Config, options: WorkersOptions): Promise<RunningWorkers> {
  const startedAt = clock.now();
  const files = { atStart: options.files(), inEffect: options.files() };
  let limits = config.limits;
  let reason = "closed";
  let isListening = false;
  await using started = new AsyncDisposableStack();

  const { level, pretty } = config.log;
  const log = started.adopt(createLog({ level, pretty: pretty === true, colour: pretty === true, clock }), (part) => {
    if (isListening) part.stopped({ reason, uptimeMs: clock.now() - startedAt });
    return part.close();
  });
  if (config.data.store === "sqlite") {
    const prefix = config.cluster.redis?.prefix;
    started.adopt(claimDirectory({ ...config.data, prefix, pid: options.pid }), (claim) => claim.close());
  }
  const port = started.adopt(await SharedPort.open({ ...config.listen, receivers: () => pool.receivers }), (part) =>
    part.close(),
  );

  const metrics = createWorkersMetrics();
  const metricsText = async (): Promise<string> => {
    const { running } = pool;
    const asked = running.map(async (worker) => ({ worker: worker.number, values: await worker.measure(MEASURE_MS) }));
    const starting = options.workers - running.length;
    return metrics.text(await Promise.all(asked), { starting, droppedLines: log.dropped });
  };

  // One reload after the other, and none while a new worker is brought up to date.
  let last: Promise<unknown> = Promise.resolve();
  const oneByOne = <Result>(task: () => Promise<Result>): Promise<Result> => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
  const reloadOf = async (worker: WorkerChild, next: FilesRead): Promise<WorkerReload> => {
    // If it ends, its successor is brought up to date by itself.
    const ended = worker.ended.then(() => ({}));
    const answer = await Promise.race([worker.reload(next, RELOAD_MS), ended]);
    return answer ?? { refused: `worker ${worker.number} does not answer` };
  };

  const spawn = (number: number): WorkerChild => {
    const worker = new WorkerChild({
      number,
      child: options.fork(number),
      shared: {
        start: () => ({ workers: options.workers, url: port.url, files: files.atStart }),
        metrics: metricsText,
        lines: (request) => log.tail.read(request),
      },
      line: (text) => log.relay(text),
      full: () => {
        if (pool.isStopping && pool.receivers.length === 0) port.close();
      },
      terminated: () =>
        void setTimeout(() => {
          if (!pool.isStopping) worker.stop("SIGTERM");
        }, SAME_SIGNAL_MS),
      now: clock.now,
    });
    return worker;
  };
  const pool: Pool = new Pool({
    workers: options.workers,
    spawn,
    prepare: (worker) =>
      oneByOne(async () => {
        if (files.inEffect === files.atStart) return;
        const { refused } = await reloadOf(worker, files.inEffect);
        if (refused !== undefined) throw new WorkerFailure(refused);
      }),
    joined: () => port.distribute(),
    lost(end) {
      log.workerEnded(end);
      metrics.replaced(end.worker);
    },
    now: clock.now,
  });
  options.onExit(() => pool.kill());
  const record = await pool.start();
  started.defer(async () => {
    const killed = await pool.stop(reason, Math.max(limits.drainMs, limits.lingerMs) + CLOSE_MS);
    if (killed.length > 0)
      throw new WorkerFailure(`workers did not stop in time and were killed: ${killed.join(", ")}`);
  });
  const page = config.metrics.enabled
    ? createMetricsPage({ contentType: metrics.contentType, text: metricsText })
    : undefined;
  const metricsServer = await startMetricsServer(config, { page, observer: log.observer });
  if (metricsServer) started.adopt(metricsServer, (part) => part.close());
  log.started({ ...record, workers: options.workers });
  isListening = true;
  const parts = started.move();

  const reloadAll = async (next: FilesRead): Promise<WorkerReload> => {
    const done: WorkerChild[] = [];
    let outcome: WorkerReload = {};
    for (const worker of pool.ready) {
      const answer = await reloadOf(worker, next);
      if (answer.refused !== undefined) {
        // A silent one puts what it was sent into effect once it wakes: this takes it back.
        void worker.reload(files.inEffect, RELOAD_MS);
        await Promise.all(done.map((each) => reloadOf(each, files.inEffect)));
        return answer;
      }
      outcome = answer;
      done.push(worker);
    }
    files.inEffect = next;
    return outcome;
  };

  return {
    url: port.url,
    async reload(load) {
      try {
        const next = load();
        const read = options.files();
        const outcome = await oneByOne(() => reloadAll(read));
        if (outcome.refused === undefined) {
          limits = next.limits;
          log.reloaded({ changed: outcome.changed ?? [], restart: outcome.restart ?? [] });
        } else log.reloadRefused(outcome.refused);
        return outcome;
      } catch (error) {
        if (!(error instanceof ConfigError)) log.observer.fault(error, "reload");
        const refused = error instanceof ConfigError ? error.message : "a fault in the gateway; its log says more";
        log.reloadRefused(refused);
        return { refused };
      }
    },
    close(why) {
      reason = why;
      return parts.disposeAsync();
    },
  };
}
