import { expect, test } from "@jest/globals";
import { Mirror } from "../../../src/cluster/streams/mirror.ts";
import type { StoredStream } from "../../../src/cluster/streams/stored-stream.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { StreamLog } from "../../../src/core/stream/stream-log.ts";

const FACTS = { caller: "ann", route: "chat", model: "gpt", dialect: "openai", tellsDialect: false, at: 0 };
const STORED: StoredStream = {
  ...{ owner: "owner", seq: 3, facts: FACTS, previous: "none", usage: undefined, end: undefined },
  ...{ isExpired: false, isOwnerAlive: true, hasMore: false },
  entries: [1, 2, 3].map((seq) => ({ seq, event: undefined, data: "{}", raw: false, hasContent: true })),
};

/** A mirror of three events whose client has it, what its owner is told, and how its client goes on. */
function start() {
  const introduced: { readonly after: unknown; readonly told: () => void }[] = [];
  const moved: number[] = [];
  const owner = { isThere: true };
  const client = { handled: 0, isReader: true };
  const mirror = new Mirror(
    {
      ...{ id: "s_1", owner: "owner", startedAt: 0, now: () => 0 },
      log: new StreamLog({ maxBytes: 1_000, maxEntries: 10 }, new LogBudget(1e9)),
      dialect: () => undefined,
      read: async () => STORED,
      orphaned: async () => {},
      tell(what, { after }, told = () => {}) {
        if (what === "attach") introduced.push({ after, told });
      },
      async moved(_, seq) {
        moved.push(seq);
        return owner.isThere;
      },
      ...{ done() {}, lost() {}, removed() {} },
      fault(error) {
        throw error;
      },
    },
    STORED,
  );
  mirror.stream.hold(client);
  mirror.take(STORED);
  mirror.attached({ detached() {} });
  return { mirror, introduced, moved, owner, client };
}

test("an owner learns how far a reader is only once it knows the reader, because before it would not heed that", () => {
  const { mirror, introduced, moved, client } = start();
  client.handled = 2;
  mirror.report();
  expect([introduced.map(({ after }) => after), moved]).toEqual([[0], []]);
  introduced[0]?.told();
  mirror.report();
  mirror.report();
  expect(moved).toEqual([2]);
  // It may have forgotten the reader, and must learn of it first.
  mirror.reattach();
  client.handled = 3;
  mirror.report();
  expect([introduced.map(({ after }) => after), moved]).toEqual([[0, 2], [2]]);
});

test("an owner that could not be told how far a reader is is told again, although the reader stays there", async () => {
  const { mirror, introduced, moved, owner, client } = start();
  introduced[0]?.told();
  client.handled = 2;
  owner.isThere = false;
  mirror.report();
  // Its answer.
  await Promise.resolve();
  owner.isThere = true;
  mirror.report();
  await Promise.resolve();
  mirror.report();
  expect(moved).toEqual([2, 2]);
});
