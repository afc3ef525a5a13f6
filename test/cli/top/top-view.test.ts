import { describe, expect, test } from "@jest/globals";
import { type Look, rowsOf } from "../../../src/cli/top/stream-rows.ts";
import { TopView } from "../../../src/cli/top/top-view.ts";

const UP = "\x1b[A";
const DOWN = "\x1b[B";

const stream = (id: string, more: Partial<Look["streams"][number]> = {}) => ({
  ...{ stream: id, face: "stream", caller: "ann", model: "gpt", route: "chat", upstreamModel: "gpt-test" },
  ...{ ageMs: 1_000, firstSentMs: 120, events: 0, bufferedBytes: 2_048, readers: 1, pausedMs: 0 },
  ...more,
});
const look = (at: number, ...streams: Look["streams"]): Look => ({ at, streams });
const shown = (view: TopView, columns = 120, rows = 12) =>
  view.lines(columns, rows).map((line) => line.replace(/\p{Cc}\[[\d;]*m/gu, "").trimEnd());
/** The ages of the shown rows, by which the streams of these tests can be told apart. */
const ages = (view: TopView, rows?: number) =>
  shown(view, 120, rows)
    .slice(3, -1)
    .map((line) => line.split(" ").at(-1));
const chosen = (view: TopView) =>
  view
    .lines(120, 12)
    .find((line) => line.startsWith("\x1b[7m"))
    ?.match(/\d+s/)?.[0];

describe("rates", () => {
  test("are events a second between two looks, from 0 for a stream that is new", () => {
    const rows = rowsOf(
      look(3_000, stream("a", { events: 150 }), stream("b", { events: 30 })),
      look(1_000, stream("a", { events: 50 })),
    );
    expect(rows.map(({ eventsPerSecond }) => eventsPerSecond)).toEqual([50, 15]);
    expect(rowsOf(look(1, stream("a", { events: 5 })), undefined)[0]?.eventsPerSecond).toBeNull();
  });

  test("do not span a restart of the gateway", () => {
    const view = new TopView("http://x");
    view.seen(look(1_000, stream("a", { events: 900 })));
    view.lost("12:00:03");
    view.seen(look(2_000, stream("a", { events: 10 })));
    expect(shown(view)[0]).toContain(" 0 events/s");
  });
});

describe("the view of a cluster", () => {
  const seen = { node: "gw-1", unlisted: 0, silent: [], unasked: 0 };
  const here = stream("a", { node: "gw-1", events: 10, ageMs: 1_000 });
  const there = stream("b", { node: "gw-2", events: 900, ageMs: 9_000 });

  test("names each stream's node, by which it can be sorted", () => {
    const view = new TopView("http://x");
    view.seen({ ...look(0, here, there), ...seen });
    expect(shown(view).slice(2, -1)).toEqual([
      expect.stringMatching(/^NODE +CALLER .* AGE↓$/),
      expect.stringMatching(/^gw-2 /),
      expect.stringMatching(/^gw-1 /),
    ]);
    view.key("s");
    view.key("r");
    expect(shown(view).slice(2, 4)).toEqual([
      expect.stringMatching(/^NODE↑ +CALLER /),
      expect.stringMatching(/^gw-1 /),
    ]);
    view.key("S");
    expect(shown(view)[2]).toMatch(/AGE↑$/);
  });

  test("says what it lacks, until it lacks nothing", () => {
    const view = new TopView("http://x");
    view.seen({ ...look(0, here), ...seen, silent: ["gw-2", "gw-\x1b3"], unlisted: 12 });
    expect(view.lines(120, 12)[1]).toBe("no answer from gw-2, gw- 3; more streams than other nodes tell: 12");
    view.seen({ ...look(1_000, here), ...seen, unasked: 2 });
    expect(shown(view)[1]).toBe("other nodes not asked, because Redis does not answer: 2");
    view.seen({ ...look(2_000, here), ...seen });
    expect(shown(view)[1]).toBe("");
  });

  test("knows no rate of a stream that the look before may have missed", () => {
    for (const lacking of [{ silent: ["gw-2"] }, { unasked: 1 }, { unlisted: 3 }]) {
      const rows = rowsOf({ ...look(2_000, here, there), ...seen }, { ...look(1_000, here), ...seen, ...lacking });
      expect(rows.map(({ eventsPerSecond }) => eventsPerSecond)).toEqual([0, null]);
    }
  });
});

describe("the view", () => {
  test("shows a stream's state: waiting, running, stalled or parked", () => {
    const view = new TopView("http://x");
    const states = [{ firstSentMs: null }, {}, { pausedMs: 3_000 }, { readers: 0 }];
    view.seen(look(0, ...states.map((state, at) => stream(`${at}`, { ...state, ageMs: 9_000 - at * 1_000 }))));
    expect(
      shown(view)
        .slice(3, -1)
        .map((line) => /waiting|running|stalled 3s|parked/.exec(line)?.[0]),
    ).toEqual(["waiting", "running", "stalled 3s", "parked"]);
  });

  test("asks no more about a stream that has ended by itself, or with the gateway", () => {
    const view = new TopView("http://x");
    for (const gone of [() => view.seen(look(1_000)), () => view.lost("12:00:03")]) {
      view.seen(look(0, stream("a")));
      for (const key of [DOWN, "x"]) view.key(key);
      expect(shown(view)[1]).toContain("y ends it");
      gone();
      expect(view.key("y")).toBeUndefined();
      expect(shown(view)[1]).not.toContain("y ends it");
    }
  });

  test("ends the chosen stream after y, and after no other key", () => {
    const view = new TopView("http://x");
    view.seen(look(0, stream("a", { ageMs: 2_000 }), stream("b", { ageMs: 1_000 })));
    expect(view.key("x")).toBeUndefined();
    for (const key of [DOWN, DOWN, "x"]) view.key(key);
    expect(shown(view)[1]).toBe("End b of ann? y ends it, any other key does not");
    expect(view.key("n")).toBeUndefined();
    expect(view.key("y")).toBeUndefined();
    view.key("x");
    expect(view.key("y")).toEqual({ end: "b" });
  });

  test("keeps a stream chosen when rows move, and keeps it in sight", () => {
    const view = new TopView("http://x");
    const streams = Array.from({ length: 20 }, (_, at) => stream(`${10 + at}`, { ageMs: (at + 1) * 1_000 }));
    view.seen(look(0, ...streams));
    for (let times = 0; times < 15; times++) view.key(DOWN);
    expect(chosen(view)).toBe("6s");
    view.key("r");
    expect(chosen(view)).toBe("6s");
    for (let times = 0; times < 15; times++) view.key(DOWN);
    expect(ages(view, 8)).toEqual(["17s", "18s", "19s", "20s"]);
    view.key(UP);
    expect(chosen(view)).toBe("19s");
  });

  test("sorts by each column in turn", () => {
    const view = new TopView("http://x");
    view.seen(look(0, stream("a", { ageMs: 1_000, caller: "zoe" }), stream("b", { ageMs: 2_000, caller: "bob" })));
    expect(ages(view)).toEqual(["2s", "1s"]);
    view.key("s");
    expect(shown(view)[2]).toMatch(/^CALLER↓/);
    expect(ages(view)).toEqual(["1s", "2s"]);
  });

  test.each([
    [120, 12],
    [60, 6],
    [20, 3],
    [1, 1],
  ])("fits %i columns and %i rows", (columns, rows) => {
    const view = new TopView("http://a-gateway.example.com:18789/with/a/path");
    const long = { caller: "c".repeat(80), model: "m".repeat(80), upstreamModel: "u".repeat(80) };
    view.seen(look(0, ...Array.from({ length: 30 }, (_, at) => stream(`${at}`, long))));
    const lines = shown(view, columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
  });

  test("shows no control characters of names", () => {
    const view = new TopView("http://x");
    view.seen(look(0, stream("a", { upstreamModel: "evil\x1b[2J\nname" })));
    expect(shown(view).join("")).not.toMatch(/\p{Cc}/u);
  });

  test("says since when the gateway is gone, and that it is back", () => {
    const view = new TopView("http://x");
    view.seen(look(0, stream("a")));
    view.lost("12:00:03");
    view.lost("12:00:04");
    expect(shown(view)[1]).toBe("no answer from the gateway since 12:00:03; trying again");
    expect(ages(view)).toEqual([]);
    view.seen(look(1, stream("b")));
    expect(shown(view)[1]).toBe("the gateway answers again");
  });

  test("quits at q and at Ctrl+C", () => {
    expect(new TopView("http://x").key("q")).toEqual({ quit: true });
    expect(new TopView("http://x").key("\x03")).toEqual({ quit: true });
  });
});
