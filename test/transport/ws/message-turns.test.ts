import { expect, test } from "@jest/globals";
import { MessageTurns } from "../../../src/transport/ws/message-turns.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Messages whose text says how many milliseconds they take. */
function handling() {
  const handled: string[] = [];
  const reading: string[] = [];
  let nowMs = 0;
  const turns = new MessageTurns({
    handle(text) {
      handled.push(text);
      nowMs += Number(text);
    },
    isOpen: () => true,
    pause: () => void reading.push("paused"),
    resume: () => void reading.push("resumed"),
    now: () => nowMs,
  });
  return {
    handled,
    reading,
    take(...texts: readonly string[]) {
      for (const text of texts) turns.take(Buffer.from(text), undefined);
    },
  };
}

test("quick messages are handled at once", () => {
  const { handled, reading, take } = handling();
  take("0", "1", "3");
  expect(handled).toEqual(["0", "1", "3"]);
  expect(reading).toEqual([]);
});

test("after a slow message the others get a turn of the event loop each, in order, and the socket is not read meanwhile", async () => {
  const { handled, reading, take } = handling();
  take("5", "6", "7", "0");
  expect(handled).toEqual(["5"]);
  const seen: number[] = [];
  while (handled.length < 4) {
    await turn();
    seen.push(handled.length);
  }
  expect(handled).toEqual(["5", "6", "7", "0"]);
  // Never two in one turn.
  expect(seen.every((count, at) => count - (seen[at - 1] ?? 1) <= 1)).toBe(true);
  expect(reading).toEqual(["paused", "resumed"]);
});

test("a turn later, quick messages are handled at once again", async () => {
  const { handled, take } = handling();
  take("5");
  await turn();
  await turn();
  take("0", "1");
  expect(handled).toEqual(["5", "0", "1"]);
});
