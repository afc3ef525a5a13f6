import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TimeZone } from "../../../src/core/ledger/time-zone.ts";

/** Whole hours, half hours, quarter hours, both hemispheres' summer time, and a zone that skips midnight. */
const ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Asuncion"];
const zone = fc.constantFrom(...ZONES);
const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) });

describe("a day in a time zone", () => {
  test("is the one that local clocks show", () => {
    fc.assert(
      fc.property(zone, moment, (name, wallMs) => {
        const shown = new Intl.DateTimeFormat("sv-SE", { timeZone: name, dateStyle: "short" }).format(wallMs);
        expect(new TimeZone(name).dayOf(wallMs)).toBe(shown);
      }),
    );
  });

  test("begins when the previous day ends", () => {
    fc.assert(
      fc.property(zone, moment, (name, wallMs) => {
        const there = new TimeZone(name);
        const day = there.dayOf(wallMs);
        const start = there.startOf(day);
        expect(start).toBeLessThanOrEqual(wallMs);
        expect(there.dayOf(start)).toBe(day);
        expect(there.dayOf(start - 1)).not.toBe(day);
      }),
    );
  });
});
