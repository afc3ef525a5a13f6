import type { Entry } from "./history.ts";

/** Ways to spoil a whole history, each of which a checker must find. `at` picks the place, from 0 to below 1. */
export const SPOILS: Readonly<Record<string, (history: readonly Entry[], at: number) => readonly Entry[]>> = {
  "an event is missing": (history, at) => history.toSpliced(place(history, "event", at), 1),
  "an event is there twice": (history, at) => replaced(history, "event", at, (entry) => [entry, entry]),
  "two events have changed places": (history, at) => {
    const first = place(history, "event", at);
    const other = place(history, "event", (at + 0.5) % 1);
    return history.with(first, history[other] as Entry).with(other, history[first] as Entry);
  },
  "a character of an event is another": (history, at) =>
    replaced(history, "event", at, (entry) => {
      if (entry.what !== "event") return [entry];
      const index = Math.floor(at * entry.data.length);
      const other = entry.data[index] === "x" ? "y" : "x";
      return [{ ...entry, data: entry.data.slice(0, index) + other + entry.data.slice(index + 1) }];
    }),
  "it stops before the terminal": (history, at) => history.slice(0, place(history, "event", at)),
  "the terminal is missing": (history) => history.filter(({ what }) => what !== "end"),
  "the terminal is there twice": (history) => replaced(history, "end", 0, (entry) => [entry, entry]),
  "the terminal comes earlier": (history, at) => {
    const end = history[place(history, "end", 0)] as Entry;
    const without = history.filter(({ what }) => what !== "end");
    return without.toSpliced(place(without, "event", at), 0, end);
  },
  "the terminal counts one less": (history) =>
    replaced(history, "end", 0, (entry) => (entry.what === "end" ? [{ ...entry, lastSeq: entry.lastSeq - 1 }] : [])),
  "the terminal says cancelled": (history) =>
    replaced(history, "end", 0, (entry) => (entry.what === "end" ? [{ ...entry, status: "cancelled" }] : [])),
  "the opening is missing": (history) => history.filter(({ what }) => what !== "opened"),
};

function place(history: readonly Entry[], what: Entry["what"], at: number): number {
  const places = history.flatMap((entry, index) =>
    entry.what === what && !("isLeft" in entry && entry.isLeft) ? [index] : [],
  );
  return places[Math.floor(at * places.length)] ?? -1;
}

function replaced(
  history: readonly Entry[],
  what: Entry["what"],
  at: number,
  by: (entry: Entry) => readonly Entry[],
): readonly Entry[] {
  const index = place(history, what, at);
  return history.toSpliced(index, 1, ...by(history[index] as Entry));
}
