import { GatewayError } from "../kernel/errors.ts";

/** No zone's offset changes within one (the IANA database has whole quarter hours since 1972), so it has one day. */
const QUARTER_HOUR_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Days as people in one place count them. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, string>();

  /** `name` is from the IANA database, such as `Europe/Berlin`. Throws GatewayError `bad_request` for any other. */
  constructor(name: string) {
    try {
      this.#format = new Intl.DateTimeFormat("en-CA", {
        timeZone: name,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });
    } catch {
      throw new GatewayError("bad_request", "tz is a time zone such as Europe/Berlin or UTC");
    }
  }

  /** The day of a moment (wall clock, in milliseconds), as `2026-11-22`. */
  dayOf(wallMs: number): string {
    const quarter = Math.floor(wallMs / QUARTER_HOUR_MS);
    let day = this.#days.get(quarter);
    if (day === undefined) {
      day = new Date(this.#local(quarter * QUARTER_HOUR_MS)).toISOString().slice(0, 10);
      this.#days.set(quarter, day);
    }
    return day;
  }

  /** When a day such as `2026-11-22` begins, in milliseconds; NaN for what is no day. */
  startOf(day: string): number {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    if (Number.isNaN(midnight)) return midnight;
    // The offset may change that very day, and midnight may be skipped: the first quarter hour of the day is its start.
    const guess = midnight - (this.#local(midnight) - midnight);
    let start = guess - DAY_MS / 8;
    while (this.#local(start) < midnight) start += QUARTER_HOUR_MS;
    return start;
  }

  /** The clock on the wall at that moment, as if it were UTC's. */
  #local(wallMs: number): number {
    const parts = Object.fromEntries(
      this.#format.formatToParts(wallMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }
}
