import { type Level, pino } from "pino";
import type { Clock } from "../core/kernel/clock.ts";
import type { LedgerNews } from "../core/ledger/ledger.ts";
import type { Observer } from "../core/ports/observer.ts";
import { faultFields } from "./fault-fields.ts";
import { ledgerLine } from "./ledger-line.ts";
import { type LineSink, openDestination } from "./log-destination.ts";
import { connectionFields, type LogFields, lineText, streamFields } from "./log-fields.ts";
import { LogTail } from "./log-tail.ts";
import { prettyLines } from "./pretty-line.ts";
import { REFUSAL_WINDOW_MS, Refusals } from "./refusals.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON; `colour` for a terminal. */
  readonly pretty?: boolean;
  readonly colour?: boolean;
  /** A file descriptor, a path, or what takes each line; 1, standard output, by default. */
  readonly target?: number | string | LineSink;
  readonly clock: Clock;
}

export interface Log {
  readonly observer: Observer;
  /** The newest lines, as JSON whatever form they are written in. */
  readonly tail: LogTail;
  /** Lines lost so far because nobody took them. */
  readonly dropped: number;
  /** The record of usage can be written no more, or again, or what it found at the start. */
  ledger(news: LedgerNews): void;
  /** The gateway listens. `url` must be without credentials. */
  started(record: StartRecord): void;
  /** The gateway has stopped; `reason` is a signal's name or a word of ours. */
  stopped(record: { readonly reason: string; readonly uptimeMs: number }): void;
  /** Writes what is still held back, and resolves when it went out (a second at most). */
  close(): Promise<void>;
}

export interface StartRecord {
  readonly version: string;
  readonly url: string;
  readonly authRequired: boolean;
  readonly demo: boolean;
  readonly routes: readonly string[];
  readonly models: readonly string[];
}

/** The log: one line per stream and per connection, none per event. docs/logs.md is its schema. */
export function createLog(options: LogOptions): Log {
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
      base: null,
      timestamp: () => `,"time":"${new Date(options.clock.wall()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );

  let reportedDrops = 0;
  const line = (level: Level, fields: LogFields): void => {
    const before = destination.dropped;
    logger[level](fields);
    // Losses are told once lines get through again.
    if (before === reportedDrops || destination.dropped > before) return;
    logger.warn({ event: "dropped", lines: before - reportedDrops });
    if (destination.dropped === before) reportedDrops = before;
  };

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
      // At debug: `openclaw logs --follow` opens a connection every second, and would tail itself.
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
    started(record) {
      line("info", {
        event: "started",
        version: lineText(record.version),
        url: lineText(record.url),
        authRequired: record.authRequired,
        demo: record.demo,
        routes: record.routes.slice(0, 64).map(lineText),
        models: record.models.slice(0, 64).map(lineText),
      });
    },
    stopped(record) {
      summarise(true);
      line("info", {
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
