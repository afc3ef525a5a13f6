import { type Level, pino } from "pino";
import type { Clock } from "../core/kernel/clock.ts";
import { sanitise } from "../core/kernel/sanitise.ts";
import type { LedgerNews } from "../core/ledger/ledger.ts";
import type { ClusterNews } from "../core/ports/cluster-observer.ts";
import type { Observer } from "../core/ports/observer.ts";
import type { StoreOutage } from "../core/ports/store-outage.ts";
import { clusterLine } from "./cluster-line.ts";
import { faultFields } from "./fault-fields.ts";
import { type LineSink, openDestination } from "./log-destination.ts";
import { attemptFields, connectionFields, type LogFields, lineText, streamFields } from "./log-fields.ts";
import { LogTail } from "./log-tail.ts";
import { prettyLines } from "./pretty-line.ts";
import { REFUSAL_WINDOW_MS, Refusals } from "./refusals.ts";

/** The least severe level that is written. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** How and where the log is written. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Readable lines instead of JSON; `colour` for a terminal. */
  readonly pretty?: boolean;
  readonly colour?: boolean;
  /** A file descriptor, a path, or a sink; by default 1, standard output. */
  readonly target?: number | string | LineSink;
  /** Which of several gateways writes, for every line. */
  readonly node?: string | undefined;
  readonly clock: Clock;
  /** The worker whose log this is, if there are several: every line names it. */
  readonly worker?: number | undefined;
}

/** The gateway's log. */
export interface Log {
  readonly observer: Observer;
  /** The newest lines, always as JSON. */
  readonly tail: LogTail;
  /** Lines lost so far because the destination did not accept them. */
  readonly dropped: number;
  /** The ledger became unavailable or available, found lost streams at the start, or dropped rows. */
  ledger(news: LedgerNews): void;
  /** The server that keeps what is stored went away, or is back. */
  store(outage: StoreOutage): void;
  /** The node's part in its cluster changed. */
  cluster(news: ClusterNews): void;
  /** The gateway listens. `url` must contain no credentials. */
  started(record: StartRecord): void;
  /** The configuration was read again. */
  reloaded(record: ReloadRecord): void;
  /** It was not taken. `reason` quotes no value of it. */
  reloadRefused(reason: string): void;
  /** Takes over a line of another log, as JSON with its line end. */
  relay(line: string): void;
  /** A worker has ended though it was to go on. */
  workerEnded(record: WorkerEnd): void;
  /** The gateway has stopped. `reason` is a signal's name, `parent_gone`, `fault` or `closed`. */
  stopped(record: { readonly reason: string; readonly uptimeMs: number }): void;
  /** Writes pending summaries and flushes, within a second. */
  close(): Promise<void>;
}

/** How a worker ended. */
export interface WorkerEnd {
  readonly worker: number;
  /** Its exit code, or the signal that ended it. */
  readonly end: { readonly code: number } | { readonly signal: string };
  readonly uptimeMs: number;
  /** When another one takes its place. */
  readonly replacedInMs: number;
  /** Why it could not serve at all. */
  readonly reason?: string | undefined;
}

/** The facts of the line `started`. */
export interface StartRecord {
  readonly version: string;
  readonly url: string;
  readonly authRequired: boolean;
  readonly demo: boolean;
  /** How many processes serve behind the port, if there are several. */
  readonly workers?: number;
  /** How many processors the process may use, and how it collects garbage. */
  readonly engine?: { readonly processors: number; readonly collector: "single" | "parallel" } | undefined;
  readonly routes: readonly string[];
  readonly models: readonly string[];
}

/** What a reload changed, by paths of the configuration, and what waits for a restart. */
export interface ReloadRecord {
  readonly changed: readonly string[];
  readonly restart: readonly string[];
}

/** Creates the log: one line per stream and per connection, none per event. docs/logs.md lists the lines. */
export function createLog(options: LogOptions): Log {
  const { node, worker } = options;
  const destination = openDestination(options.target ?? 1);
  const form = options.pretty ? prettyLines(options.colour ?? false) : undefined;
  const tail = new LogTail(options.clock.wall());
  const sink = {
    write(line: string) {
      tail.write(line);
      destination.write(form ? form(line) : line);
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: worker === undefined && node === undefined ? null : { ...(worker && { worker }), ...(node && { node }) },
      timestamp: () => `,"time":"${new Date(options.clock.wall()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );

  let reportedDrops = 0;
  const line = (level: Level, fields: LogFields): void => {
    const before = destination.dropped;
    logger[level](fields);
    // Losses are reported once lines get through again.
    if (before === reportedDrops || destination.dropped > before) return;
    logger.warn({ event: "dropped", lines: before - reportedDrops });
    if (destination.dropped === before) reportedDrops = before;
  };

  // One line says it for all workers.
  const ofTheWhole: Level = worker === undefined ? "info" : "debug";
  const refusals = new Refusals(() => options.clock.now());
  const summarise = (all = false): void => {
    for (const fields of refusals.summaries(all)) line("warn", fields);
  };
  const summaryTimer = setInterval(summarise, REFUSAL_WINDOW_MS).unref();

  return {
    tail,
    observer: {
      streamEnded(record) {
        line(record.terminal.status === "failed" ? "warn" : "info", streamFields(record));
      },
      attemptLeft(record) {
        line("warn", attemptFields(record));
      },
      // At debug: `openclaw logs --follow` opens a connection every second, and would follow its own lines.
      connectionClosed(record) {
        line("debug", connectionFields(record));
      },
      refused(record) {
        for (const fields of refusals.note(record)) line("warn", fields);
      },
      fault(error, where) {
        line("error", faultFields(error, where));
      },
    },
    get dropped() {
      return destination.dropped;
    },
    ledger(news) {
      const { level, fields } = ledgerLine(news);
      line(level, fields);
    },
    store(outage) {
      const fields = { event: "store", state: outage.kind };
      if (outage.kind === "back") line("info", { ...fields, awayMs: Math.round(outage.awayMs) });
      else line("error", { ...fields, code: "store_unavailable", reason: lineText(outage.reason) });
    },
    cluster(news) {
      const { level, fields } = clusterLine(news);
      line(level, fields);
    },
    started(record) {
      line(ofTheWhole, {
        event: "started",
        version: lineText(record.version),
        url: lineText(record.url),
        authRequired: record.authRequired,
        demo: record.demo,
        ...(record.workers !== undefined && { workers: record.workers }),
        ...record.engine,
        routes: record.routes.slice(0, 64).map(lineText),
        models: record.models.slice(0, 64).map(lineText),
      });
    },
    reloaded({ changed, restart }) {
      const named = (paths: readonly string[]) => paths.slice(0, 64).map(lineText);
      const fields = { event: "reloaded", changed: named(changed), restart: named(restart) };
      line(restart.length > 0 && worker === undefined ? "warn" : ofTheWhole, fields);
    },
    reloadRefused(reason) {
      line(worker === undefined ? "error" : "debug", {
        event: "reload_refused",
        reason: sanitise(reason.slice(0, 2_000)).toWellFormed(),
      });
    },
    relay(text) {
      sink.write(text);
    },
    workerEnded({ worker, end, uptimeMs, replacedInMs, reason }) {
      line("error", {
        event: "worker_ended",
        worker,
        ...end,
        uptimeMs: Math.round(uptimeMs),
        replacedInMs: Math.round(replacedInMs),
        ...(reason !== undefined && { reason: lineText(reason) }),
      });
    },
    stopped(record) {
      summarise(true);
      line(ofTheWhole, {
        event: "stopped",
        reason: lineText(record.reason),
        uptimeMs: Math.round(record.uptimeMs),
        dropped: destination.dropped,
      });
    },
    close() {
      clearInterval(summaryTimer);
      summarise(true);
      return destination.close();
    },
  };
}

/** The line of the ledger's news, and its level. */
function ledgerLine(news: LedgerNews): {
  readonly level: Level;
  readonly fields: LogFields;
} {
  const fields = { event: "ledger", state: news.kind };
  const code = "ledger_unavailable";
  switch (news.kind) {
    case "unavailable":
      return { level: "error", fields: { ...fields, code, reason: lineText(news.reason), rows: news.rows } };
    case "available":
      return { level: "info", fields: { ...fields, rows: news.rows } };
    case "lost":
      return { level: "warn", fields: { ...fields, streams: news.streams } };
    case "dropped":
      return { level: "error", fields: { ...fields, code, rows: news.rows } };
  }
}
