import { expect, test } from "@jest/globals";
import { Letters } from "../../../src/cluster/streams/letters.ts";

/** A post whose answers are given by hand. */
function post() {
  const sent: [string, unknown][] = [];
  let answer: (isThere: boolean) => void = () => {};
  let asked = Promise.withResolvers<void>();
  const clock = { now: 0 };
  const letters = new Letters(
    (node, _, { text }) => {
      sent.push([node, text]);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      answer = resolve;
      asked.resolve();
      asked = Promise.withResolvers();
      return promise;
    },
    () => clock.now,
  );
  /** Answers the latest attempt, and resolves once there is another. */
  const next = async (isThere: boolean) => {
    const another = asked.promise;
    answer(isThere);
    await another;
  };
  return { letters, sent, clock, next, last: (isThere: boolean) => answer(isThere) };
}

test("a letter that cannot be delivered is tried again before those after it", async () => {
  const { letters, sent, next, last } = post();
  letters.send("b", "stream", { text: "attach" });
  letters.send("b", "stream", { text: "detach" });
  expect(sent).toEqual([["b", "attach"]]);
  await next(false);
  await next(true);
  expect(sent.map(([, text]) => text)).toEqual(["attach", "attach", "detach"]);
  last(true);
  while (letters.size > 0) await Promise.resolve();
});

test("letters for a node that is not there are dropped after ten seconds, newer ones later", async () => {
  const { letters, sent, clock, next, last } = post();
  letters.send("b", "stream", { text: "old" });
  clock.now = 9_999;
  letters.send("b", "stream", { text: "new" });
  await next(false);
  clock.now = 10_000;
  await next(false);
  expect(sent.map(([, text]) => text)).toEqual(["old", "old", "new"]);
  clock.now = 19_999;
  last(false);
  while (letters.size > 0) await Promise.resolve();
  expect(sent).toHaveLength(3);
});

test("whoever sends a letter learns that it is there, and not that it was dropped", async () => {
  const { letters, clock, next, last } = post();
  const delivered: string[] = [];
  const send = (text: string) => letters.send("b", "stream", { text }, () => delivered.push(text));
  send("dropped");
  send("there");
  clock.now = 5_000;
  send("late");
  clock.now = 10_000;
  await next(false);
  await next(true);
  expect(delivered).toEqual(["there"]);
  last(true);
  while (letters.size > 0) await Promise.resolve();
  expect(delivered).toEqual(["there", "late"]);
});
