import { AggregatorRegistry, Counter, Gauge, Registry } from "prom-client";
import { type MetricValues, processMetrics } from "./metrics.ts";

/** What the primary process knows of its workers at a scrape. */
export interface WorkersState {
  /** How many are starting, or wait to be started. */
  readonly starting: number;
  /** Log lines that the primary lost so far. */
  readonly droppedLines: number;
}

/** The figures of one running worker; undefined when it does not answer. */
export interface WorkerFigures {
  readonly worker: number;
  readonly values: MetricValues | undefined;
}

/** Metrics of several workers as one. */
export interface WorkersMetrics {
  readonly contentType: string;
  /** A worker has ended and will be replaced: what it last counted stays in the sums. */
  replaced(worker: number): void;
  /** The sum of what the workers measured, in Prometheus' text format; figures of single processes name the worker. */
  text(figures: readonly WorkerFigures[], state: WorkersState): Promise<string>;
}

/** Figures that say something about one process only: their sum would not. */
const OF_ONE_PROCESS = /^(process_|nodejs_|sluice_event_loop_)/;
/** The label of the primary's own figures. */
const PRIMARY = "primary";

interface Metric {
  readonly name: string;
  readonly type: string;
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
  /** What each worker had counted at the last scrape that it answered. */
  const latest = new Map<number, readonly Metric[]>();
  /** What those have counted that were replaced: a sum that falls would look like a restart. */
  let past: readonly object[] = [];
  return {
    contentType: own.contentType,
    replaced(worker) {
      replacements.inc();
      past = addUp([past, latest.get(worker) ?? []]).getMetricsAsArray();
      latest.delete(worker);
    },
    async text(figures, { starting, droppedLines }) {
      const silent = figures.filter(({ values }) => !values).length;
      const counts = { running: figures.length - silent, silent, starting };
      for (const [state, count] of Object.entries(counts)) workers.set({ state }, count);
      dropped.inc(droppedLines - droppedBefore);
      droppedBefore = droppedLines;
      const mine = await Registry.merge([own, processMetrics()]).getMetricsAsJSON();
      const theirs = figures.map(({ worker, values }) => {
        if (values) latest.set(worker, countsOf(values));
        return values ? named(values, String(worker)) : (latest.get(worker) ?? []);
      });
      return addUp([...theirs, past, named(mine, PRIMARY)]).metrics();
    },
  };
}

const addUp = (all: readonly MetricValues[]): Registry => AggregatorRegistry.aggregate(all.map((each) => [...each]));

/** What only grows, and is not of one process only. */
const countsOf = (values: MetricValues): readonly Metric[] =>
  (values as readonly Metric[]).filter(
    ({ name, type }) => (type === "counter" || type === "histogram") && !OF_ONE_PROCESS.test(name),
  );

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
