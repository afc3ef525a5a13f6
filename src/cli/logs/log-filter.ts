import { asObject, asString, type JsonObject } from "../../core/kernel/json.ts";
import { sanitise } from "../../core/kernel/sanitise.ts";

/** From the least to the most severe. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;
/** How severe a line is. */
export type Level = (typeof LEVELS)[number];

/** Which lines are wanted; without a field, all. */
export interface LogFilter {
  /** A stream's id. */
  readonly stream?: string | undefined;
  /** The caller that belongs to a key. */
  readonly key?: string | undefined;
  /** Only streams that failed, and attempts that were left. */
  readonly failed?: boolean | undefined;
  /** This level and the more severe ones. */
  readonly level?: Level | undefined;
}

/** A line of the log as an object; undefined if it is none. */
export function parseLine(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether a line is wanted. */
export function isWanted(line: JsonObject, { stream, key, failed, level }: LogFilter): boolean {
  if (stream !== undefined && line.stream !== stream) return false;
  if (key !== undefined && line.caller !== key) return false;
  if (failed && line.status !== "failed" && line.event !== "attempt") return false;
  const levels: readonly unknown[] = LEVELS;
  return level === undefined || levels.indexOf(line.level) >= levels.indexOf(level);
}

/** A line for people: time, level, and what happened. Safe for a terminal. */
export function readableLine(line: JsonObject): string {
  const [time, level, message] = [line.time, line.level, line.message].map((part) => asString(part) ?? "");
  return sanitise(`${time} ${(level ?? "").toUpperCase().padEnd(5)} ${message}`);
}
