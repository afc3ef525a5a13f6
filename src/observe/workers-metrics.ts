import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import { type MetricValues, processMetrics } from "./metrics.ts";

/** What the primary process knows of its workers at a scrape. */
export interface WorkersState {
  /** Workers by state: `running`, `silent` (running, but its figures are missing), `starting`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Log lines that the primary lost so far. */
  readonly droppedLines: number;
}

/** The figures of one worker. */
export interface WorkerFigures {
  readonly worker: number;
  readonly values: MetricValues;
}

/** Metrics of several workers as one. */
export interface WorkersMetrics {
  readonly contentType: string;
  /** A worker was replaced. */
  replaced(): void;
  /** The sum of what the workers measured, in Prometheus' text format; figures of single processes name the worker. */
  text(figures: readonly WorkerFigures[], state: WorkersState): Promise<string>;
}

/** Figures that say something about one process only: their sum would not. */
const OF_ONE_PROCESS = /^(process_|nodejs_|sluice_event_loop_)/;
/** The label of the primary's own figures. */
const PRIMARY = "primary";

interface Metric {
  readonly name: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, unknown>> }[];
}

/** Creates the metrics of the process that starts the workers. */
export function createWorkersMetrics(): WorkersMetrics {
  const own = new Registry();
  const registers = [own];
  const workers = new Gauge({
    name: "sluice_workers",
    help: "Worker processes: running ones, silent ones whose figures are missing here, starting ones",
    labelNames: ["state"],
    registers,
  });
  const replacements = new Counter({
    name: "sluice_workers_replaced_total",
    help: "Workers that ended by themselves and were replaced",
    registers,
  });
  const dropped = new Counter({
    name: "sluice_log_lines_dropped_total",
    help: "Log lines lost because the log's reader was gone or too slow",
    registers,
  });
  let droppedBefore = 0;
  return {
    contentType: own.contentType,
    replaced: () => replacements.inc(),
    async text(figures, state) {
      for (const [name, count] of Object.entries(state.counts)) workers.set({ state: name }, count);
      dropped.inc(state.droppedLines - droppedBefore);
      droppedBefore = state.droppedLines;
      const mine = await Registry.merge([own, processMetrics()]).getMetricsAsJSON();
      const all = [...figures.map(({ worker, values }) => named(values, String(worker))), named(mine, PRIMARY)];
      return AggregatorRegistry.aggregate(all).metrics();
    },
  };
}

/** The metrics, with the process's name on those that are its alone. */
const named = (values: MetricValues, worker: string): object[] =>
  (values as readonly Metric[]).map((metric) =>
    OF_ONE_PROCESS.test(metric.name)
      ? {
          ...metric,
          aggregator: "sum",
          values: metric.values.map((value) => ({ ...value, labels: { worker, ...value.labels } })),
        }
      : metric,
  );
