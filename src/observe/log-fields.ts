import { sanitise } from "../core/kernel/sanitise.ts";
import type { AttemptRecord, ConnectionRecord, StreamRecord } from "../core/ports/observer.ts";

/**
 * The fields of a line besides `level` and `time`. Each function below picks its fields by name and copies no object, so
 * a prompt or token in a record cannot reach a line. docs/logs.md lists them.
 */
export type LogFields = Readonly<Record<string, unknown>> & { readonly event: string };

/** Longest text from a client, an upstream or a caller in a line, in characters. */
const MAX_TEXT = 128;
/** Most kinds of anomalies in a line; there are hardly more. */
const MAX_ANOMALIES = 8;

/** Text made safe for a log line: bounded and without line breaks. Undefined leaves the field out. */
export function lineText(text: string | undefined): string | undefined {
  return text === undefined ? text : sanitise(text.slice(0, MAX_TEXT)).toWellFormed();
}

/** Milliseconds to two decimals: the gateway's own share is well below one. */
const rounded = (ms: number | undefined): number | undefined => (ms === undefined ? ms : Math.round(ms * 100) / 100);

/** The line of a stream that ended. */
export function streamFields(record: StreamRecord): LogFields {
  const { terminal } = record;
  const { usage, timing, error } = terminal;
  const { status, timer, type, setting } = error?.details ?? {};
  return {
    event: "stream",
    stream: lineText(record.stream),
    connection: lineText(record.connection),
    face: lineText(record.face),
    caller: lineText(record.caller),
    route: lineText(record.route),
    model: lineText(record.model),
    path: lineText(record.path),
    attempt: terminal.target?.attempt,
    target: lineText(terminal.target?.model),
    status: terminal.status,
    code: error?.code,
    upstreamRequestId: lineText(record.upstreamRequestId),
    upstreamStatus: typeof status === "number" ? status : undefined,
    upstreamType: typeof type === "string" ? lineText(type) : undefined,
    timer: typeof timer === "string" ? lineText(timer) : undefined,
    setting: typeof setting === "string" ? lineText(setting) : undefined,
    finish: lineText(terminal.finish),
    events: record.events,
    bytes: record.bytes,
    usage: {
      source: usage.source,
      inputTokens: usage.inputTokens,
      outputTokens: usage.outputTokens,
      cacheReadTokens: usage.cacheReadTokens,
      cacheWriteTokens: usage.cacheWriteTokens,
      reasoningTokens: usage.reasoningTokens,
    },
    firstByteMs: rounded(timing.firstByteMs),
    firstContentMs: rounded(timing.firstContentMs),
    firstSentMs: rounded(timing.firstSentMs),
    totalMs: rounded(timing.totalMs),
    anomalies: anomalyFields(record.anomalies),
  };
}

/** The line of an attempt that was left for another target. */
export function attemptFields(record: AttemptRecord): LogFields {
  const { status, timer, reason } = record.error.details ?? {};
  return {
    event: "attempt",
    stream: lineText(record.stream),
    attempt: record.attempt,
    face: lineText(record.face),
    caller: lineText(record.caller),
    route: lineText(record.route),
    model: lineText(record.model),
    target: lineText(record.upstreamModel),
    code: record.error.code,
    upstreamStatus: typeof status === "number" ? status : undefined,
    timer: typeof timer === "string" ? lineText(timer) : undefined,
    reason: typeof reason === "string" ? lineText(reason) : undefined,
    usage: {
      source: record.usage.source,
      inputTokens: record.usage.inputTokens,
      outputTokens: record.usage.outputTokens,
    },
    totalMs: rounded(record.totalMs),
  };
}

/** Counts by kind; undefined when there are none. */
function anomalyFields(anomalies: StreamRecord["anomalies"]): Readonly<Record<string, number>> | undefined {
  const counts = Object.entries(anomalies).slice(0, MAX_ANOMALIES);
  return counts.length > 0 ? Object.fromEntries(counts.map(([kind, count]) => [lineText(kind), count])) : undefined;
}

/** The line of a connection that closed. */
export function connectionFields(record: ConnectionRecord): LogFields {
  return {
    event: "connection",
    connection: lineText(record.connection),
    face: lineText(record.face),
    caller: lineText(record.caller),
    remoteAddress: lineText(record.remoteAddress),
    closeCode: record.closeCode,
    durationMs: rounded(record.durationMs),
    framesIn: record.framesIn,
    framesOut: record.framesOut,
  };
}
