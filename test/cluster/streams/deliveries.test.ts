import { expect, test } from "@jest/globals";
import { Deliveries } from "../../../src/cluster/streams/deliveries.ts";

/** Deliveries whose attempts succeed or fail as a test says. */
function setUp() {
  const sent: [string, unknown][] = [];
  let answer: (isThere: boolean) => void = () => {};
  let asked = Promise.withResolvers<void>();
  const clock = { now: 0 };
  const deliveries = new Deliveries(
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
  return { deliveries, sent, clock, next, last: (isThere: boolean) => answer(isThere) };
}

test("a message that cannot be delivered is tried again before those after it", async () => {
  const { deliveries, sent, next, last } = setUp();
  deliveries.send("b", "stream", { text: "attach" });
  deliveries.send("b", "stream", { text: "detach" });
  expect(sent).toEqual([["b", "attach"]]);
  await next(false);
  await next(true);
  expect(sent.map(([, text]) => text)).toEqual(["attach", "attach", "detach"]);
  last(true);
  while (deliveries.size > 0) await Promise.resolve();
});

test("messages for a node that is not there are dropped after ten seconds, newer ones later", async () => {
  const { deliveries, sent, clock, next, last } = setUp();
  deliveries.send("b", "stream", { text: "old" });
  clock.now = 9_999;
  deliveries.send("b", "stream", { text: "new" });
  await next(false);
  clock.now = 10_000;
  await next(false);
  expect(sent.map(([, text]) => text)).toEqual(["old", "old", "new"]);
  clock.now = 19_999;
  last(false);
  while (deliveries.size > 0) await Promise.resolve();
  expect(sent).toHaveLength(3);
});

test("whoever sends a message learns that it is there, and not that it was dropped", async () => {
  const { deliveries, clock, next, last } = setUp();
  const delivered: string[] = [];
  const send = (text: string) => deliveries.send("b", "stream", { text }, () => delivered.push(text));
  send("dropped");
  send("there");
  clock.now = 5_000;
  send("late");
  clock.now = 10_000;
  await next(false);
  await next(true);
  expect(delivered).toEqual(["there"]);
  last(true);
  while (deliveries.size > 0) await Promise.resolve();
  expect(delivered).toEqual(["there", "late"]);
});
