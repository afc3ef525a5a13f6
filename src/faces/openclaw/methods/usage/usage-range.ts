import { GatewayError } from "../../../../core/kernel/errors.ts";

/** The days that a client asked about, and when they begin and end. */
export interface UsageRange {
  /** First and last day, `2026-11-22`. */
  readonly startDate: string;
  readonly endDate: string;
  readonly days: number;
  /** Wall clock in milliseconds; `until` is exclusive. */
  readonly since: number;
  readonly until: number;
  readonly utcOffsetMinutes: number;
}

/** The range as clients write it. */
export interface RangeWords {
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
  readonly days?: number | undefined;
  readonly range?: string | undefined;
  readonly utcOffset?: string | undefined;
}

const DAY_MS = 24 * 3_600_000;
const DEFAULT_DAYS = 30;
/** `all` is ten years: older rows are not kept. */
const DAYS_OF: Readonly<Record<string, number>> = { "7d": 7, "30d": 30, "90d": 90, "1y": 365, all: 3_653 };

/** `UTC+5:30` → 330. */
function offsetOf(text: string): number {
  const [, sign, hours = "0", minutes = "0"] = /^UTC([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(text) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  return sign === "-" ? -offset : offset;
}

const dateOf = (day: number): string => new Date(day).toISOString().slice(0, 10);

/** Midnight of a day in UTC. Throws `bad_request` for an impossible day. */
function midnight(name: string, date: string): number {
  const day = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(day)) throw new GatewayError("bad_request", `${name} is a day such as 2026-11-22`);
  return day;
}

/** Reads a range; `wallMs` is now. Throws `bad_request`. */
export function readRange(words: RangeWords, wallMs: number): UsageRange {
  const utcOffsetMinutes = offsetOf(words.utcOffset ?? "UTC+0");
  const offsetMs = utcOffsetMinutes * 60_000;
  const today = Math.floor((wallMs + offsetMs) / DAY_MS) * DAY_MS;
  const end = words.endDate === undefined ? today : midnight("endDate", words.endDate);
  const days = words.days ?? DAYS_OF[words.range ?? ""] ?? DEFAULT_DAYS;
  const start = words.startDate === undefined ? end - (days - 1) * DAY_MS : midnight("startDate", words.startDate);
  if (start > end) throw new GatewayError("bad_request", "startDate is after endDate");
  return {
    startDate: dateOf(start),
    endDate: dateOf(end),
    days: Math.round((end - start) / DAY_MS) + 1,
    since: start - offsetMs,
    until: end + DAY_MS - offsetMs,
    utcOffsetMinutes,
  };
}
