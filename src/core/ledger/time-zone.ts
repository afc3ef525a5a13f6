import { GatewayError } from "../kernel/errors.ts";

/** Offsets change only at whole quarter hours (IANA database, since 1972), so each quarter hour belongs to one day. */
const QUARTER_HOUR_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** The calendar days of one time zone. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, string>();

  /** `name`: from the IANA database, such as `Europe/Berlin`. Throws GatewayError `bad_request` if it is unknown. */
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

  /** The day of a moment in wall-clock milliseconds, such as `2026-11-22`. */
  dayOf(wallMs: number): string {
    const quarter = Math.floor(wallMs / QUARTER_HOUR_MS);
    let day = this.#days.get(quarter);
    if (day === undefined) {
      day = new Date(this.#local(quarter * QUARTER_HOUR_MS)).toISOString().slice(0, 10);
      this.#days.set(quarter, day);
    }
    return day;
  }

  /** When a day such as `2026-11-22` begins, in wall-clock milliseconds; NaN if it is not a day. */
  startOf(day: string): number {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    if (Number.isNaN(midnight)) return midnight;
    // The offset may change on that day and skip midnight, so the day starts with its first existing quarter hour.
    const guess = midnight - (this.#local(midnight) - midnight);
    let start = guess - DAY_MS / 8;
    while (this.#local(start) < midnight) start += QUARTER_HOUR_MS;
    return start;
  }

  /** The zone's local time at a moment, read as if it were UTC. */
  #local(wallMs: number): number {
    const parts = Object.fromEntries(
      this.#format.formatToParts(wallMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  }
}
