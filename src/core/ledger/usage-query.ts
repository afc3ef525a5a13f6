import { GatewayError } from "../kernel/errors.ts";
import { TimeZone } from "./time-zone.ts";

/** How usage can be grouped. A stream belongs to the day on which it was opened. */
export const USAGE_GROUPS = ["day", "key", "team", "caller", "model", "route", "session"] as const;
/** One of the groups that usage can be added up by. */
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Selects streams and how to group them. */
export interface UsageQuery {
  readonly by: UsageGroup;
  /** Only streams opened at or after this moment; wall-clock milliseconds. */
  readonly since?: number | undefined;
  /** Only streams opened before this moment. */
  readonly until?: number | undefined;
  /** Only this caller's streams. */
  readonly caller?: string | undefined;
  /** The time zone whose days count, by its IANA name; UTC by default. */
  readonly timeZone?: string | undefined;
}

/** A usage query as text, from a command line or a URL. */
export interface UsageWords {
  readonly by?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tz?: string | undefined;
}

/** Writes the error for a word that cannot be read, from what it may be. */
export type WrongWord = (word: keyof UsageWords, expected: string) => string;

/** For HTTP, where the words are parameters. */
const wrongParameter: WrongWord = (word, expected) => `${word} is ${word === "by" ? "one of " : ""}${expected}`;

const MS_OF = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a usage query. `by` defaults to `day`, `since` to the ledger's beginning. Throws `bad_request`, worded by `wrong`. */
export function readUsageQuery(words: UsageWords, wallMs: number, wrong: WrongWord = wrongParameter): UsageQuery {
  const bad = (word: keyof UsageWords, expected: string) => new GatewayError("bad_request", wrong(word, expected));
  const { by = "day" } = words;
  const group = USAGE_GROUPS.find((known) => known === by);
  if (!group) throw bad("by", USAGE_GROUPS.join(", "));
  const zone = zoneOf(words.tz ?? "UTC");
  if (!zone) throw bad("tz", "a time zone such as Europe/Berlin or UTC");
  const moment = (word: "since" | "until"): number | undefined => {
    const read = readMoment(words[word], wallMs, zone);
    if (Number.isNaN(read)) throw bad(word, "a day such as 2026-11-22, a time with its offset, or 7d, 24h, 90m");
    return read;
  };
  return {
    by: group,
    since: moment("since"),
    until: moment("until"),
    ...(words.tz !== undefined && { timeZone: words.tz }),
  };
}

function zoneOf(name: string): TimeZone | undefined {
  try {
    return new TimeZone(name);
  } catch {
    return undefined;
  }
}

/** Parses `2026-11-22`, `2026-11-22T08:00Z`, or an age: `90m`, `24h`, `7d`. NaN for anything else. */
function readMoment(text: string | undefined, wallMs: number, zone: TimeZone): number | undefined {
  if (text === undefined) return undefined;
  const [, figure, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (unit === "m" || unit === "h" || unit === "d") return wallMs - Number(figure) * MS_OF[unit];
  // A time without an offset would mean a different moment on each machine.
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (!isMoment) return Number.NaN;
  return text.length === "2026-11-22".length ? zone.startOf(text) : Date.parse(text);
}
