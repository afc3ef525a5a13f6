import { describe, expect, test } from "@jest/globals";
import { readUsageQuery } from "../../../src/core/ledger/usage-query.ts";
import { NAUGHTY_STRINGS } from "../../support/recordings/naughty-strings.ts";

const NOW = Date.UTC(2026, 10, 22, 12);
const since = (text: string) => readUsageQuery({ since: text }, NOW).since;

describe("a usage query", () => {
  test("groups all streams by day by default", () => {
    expect(readUsageQuery({}, NOW)).toEqual({ by: "day", since: undefined, until: undefined });
  });

  test.each([
    ["2026-11-01", Date.UTC(2026, 10, 1)],
    ["2026-11-22T08:00Z", Date.UTC(2026, 10, 22, 8)],
    ["2026-11-22T08:00:30.5+02:00", Date.UTC(2026, 10, 22, 6, 0, 30, 500)],
    ["90m", NOW - 90 * 60_000],
    ["24h", NOW - 86_400_000],
    ["7d", NOW - 7 * 86_400_000],
    ["0d", NOW],
  ])("since %s", (text, moment) => {
    expect(since(text)).toBe(moment);
    expect(readUsageQuery({ until: text }, NOW).until).toBe(moment);
  });

  test.each(["", "yesterday", "7", "7w", "-1d", "1.5h", "999999d", "2026-13-01", "2026-11-22T08:00", "22.11.2026"])(
    "%j is no moment",
    (text) => {
      expect(() => since(text)).toThrow(expect.objectContaining({ code: "bad_request" }));
    },
  );

  test.each([
    ["Europe/Berlin", "2026-11-22", "2026-11-21T23:00:00Z"],
    ["Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"],
    ["Asia/Kathmandu", "2026-11-22", "2026-11-21T18:15:00Z"],
    ["America/Los_Angeles", "2026-11-01", "2026-11-01T07:00:00Z"],
    ["UTC", "2026-11-22", "2026-11-22T00:00:00Z"],
  ])("uses the days of %s: %s", (tz, day, moment) => {
    expect(readUsageQuery({ since: day, tz }, NOW)).toMatchObject({ since: Date.parse(moment), timeZone: tz });
  });

  test.each(["", "Berlin", "Mars/Olympus", "+25:00"])("%j is not a time zone", (tz) => {
    expect(() => readUsageQuery({ tz }, NOW)).toThrow(
      expect.objectContaining({ code: "bad_request", message: "tz is a time zone such as Europe/Berlin or UTC" }),
    );
  });

  test("by an unknown group is refused, whatever its name", () => {
    for (const by of NAUGHTY_STRINGS) {
      expect(() => readUsageQuery({ by }, NOW)).toThrow(expect.objectContaining({ code: "bad_request" }));
    }
  });
});
