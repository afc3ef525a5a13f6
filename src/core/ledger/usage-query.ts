import { GatewayError } from "../kernel/errors.ts";
import { TimeZone } from "./time-zone.ts";

/** What usage can be added up by. A stream belongs to the day on which it was opened. */
export const USAGE_GROUPS = ["day", "key", "caller", "model", "route", "session"] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Which streams, added up by what. */
export interface UsageQuery {
  readonly by: UsageGroup;
  /** Streams opened at or after; wall clock, in milliseconds. */
  readonly since?: number | undefined;
  /** Streams opened before. */
  readonly until?: number | undefined;
  /** Only those of this caller. */
  readonly caller?: string | undefined;
  /** Whose days, by the IANA database's name; UTC's by default. */
  readonly timeZone?: string | undefined;
}

/** What people and programs write for it. */
export interface UsageWords {
  readonly by?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tz?: string | undefined;
}

const MS_OF = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a question. Without `by` it is by day, without `since` it begins with the ledger. Throws `bad_request`. */
export function readUsageQuery(words: UsageWords, wallMs: number): UsageQuery {
  const { by = "day" } = words;
  const group = USAGE_GROUPS.find((known) => known === by);
  if (!group) throw new GatewayError("bad_request", `by is one of ${USAGE_GROUPS.join(", ")}`);
  const zone = new TimeZone(words.tz ?? "UTC");
  return {
    by: group,
    since: readMoment("since", words.since, wallMs, zone),
    until: readMoment("until", words.until, wallMs, zone),
    ...(words.tz !== undefined && { timeZone: words.tz }),
  };
}

/** `2026-11-22`, `2026-11-22T08:00Z`, or so long ago: `90m`, `24h`, `7d`. */
function readMoment(name: string, text: string | undefined, wallMs: number, zone: TimeZone): number | undefined {
  if (text === undefined) return undefined;
  const [, figure, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (unit === "m" || unit === "h" || unit === "d") return wallMs - Number(figure) * MS_OF[unit];
  // A time without its offset would mean another moment on every machine.
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const moment = !isMoment ? Number.NaN : text.length === "2026-11-22".length ? zone.startOf(text) : Date.parse(text);
  if (Number.isNaN(moment)) {
    throw new GatewayError(
      "bad_request",
      `${name} is a day such as 2026-11-22, a time with its offset, or 7d, 24h, 90m`,
    );
  }
  return moment;
}
