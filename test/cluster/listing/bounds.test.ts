import { describe, expect, test } from "@jest/globals";
import type { Mailbox, Message } from "../../../src/cluster/link/mailbox.ts";
import type { NodeLease } from "../../../src/cluster/link/node-lease.ts";
import { OtherStreams } from "../../../src/cluster/listing/other-streams.ts";
import { Pace } from "../../../src/cluster/listing/pace.ts";
import type { JsonObject } from "../../../src/core/kernel/json.ts";
import type { StreamView } from "../../../src/core/running/stream-view.ts";

const operator = { name: "local", isOperator: true };
const view = (id: number, caller = "ann"): StreamView => ({
  ...{ stream: `s_${id}`, face: "stream", caller, model: "gpt", route: "chat", upstreamModel: "gpt-test" },
  ...{ ageMs: 1_000, firstSentMs: 120, events: 0, bufferedBytes: 2_048, readers: 1, pausedMs: 0 },
});

/** Two nodes, `a` without streams and `b` with these, and what each sent. Messages are delivered at once, as text. */
function twoNodes(streams: readonly StreamView[]) {
  const listeners = new Map<string, (message: Message) => void>();
  const sent: string[] = [];
  const add = (node: string, other: string, seen: readonly StreamView[]) =>
    new OtherStreams(
      {
        node,
        lease: { others: async () => [other], nodes: async () => [node, other], nodeCount: 2 } as unknown as NodeLease,
        mailbox: {
          on: (kind: string, listener: (message: Message) => void) => listeners.set(`${node} ${kind}`, listener),
          async send(to: string, kind: string, body: JsonObject) {
            const text = JSON.stringify({ kind, from: node, body });
            sent.push(text);
            listeners.get(`${to} ${kind}`)?.(JSON.parse(text) as Message);
            return true;
          },
        } as unknown as Mailbox,
      },
      { seenBy: () => seen, end: () => "unknown" },
      // Every turn comes at once to a pace whose clock stands still, or 50 ms after the one before.
      { now: () => 0 },
    );
  const a = add("a", "b", []);
  add("b", "a", streams);
  return { a, sent };
}

describe("a node's answer", () => {
  test("tells so many streams, and how many more there are", async () => {
    const { a } = twoNodes(Array.from({ length: 612 }, (_, id) => view(id)));
    const { streams, unlisted } = await a.list(operator);
    expect([streams.length, unlisted]).toEqual([500, 112]);
    expect(streams[0]).toEqual({ ...view(0), node: "b" });
  });

  test("is not longer for long names", async () => {
    const { a, sent } = twoNodes(Array.from({ length: 400 }, (_, id) => view(id, "x".repeat(2_000))));
    const { streams, unlisted } = await a.list(operator);
    expect(streams.length + unlisted).toBe(400);
    expect(unlisted).toBeGreaterThan(200);
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThan(270_000);
  });
});

describe("questions", () => {
  test("are asked once for all who look at the same at once, and never without a look", async () => {
    const { a, sent } = twoNodes([view(1)]);
    expect(sent).toEqual([]);
    const bob = { name: "bob", isOperator: false };
    const looks = [operator, operator, { name: "root", isOperator: true }, bob, bob].map((viewer) => a.list(viewer));
    for (const { streams } of await Promise.all(looks)) expect(streams).toHaveLength(1);
    // A question and an answer for operators, and for Bob.
    expect(sent).toHaveLength(4);
    await a.list(operator);
    expect(sent).toHaveLength(6);
  });

  test("wait for their turn, a second at most, and keys do not keep an operator waiting", async () => {
    const { a } = twoNodes([]);
    const keys = Array.from({ length: 60 }, (_, key) => a.list({ name: `key-${key}`, isOperator: false }));
    const looks = Promise.allSettled(keys);
    await a.list(operator);
    const refused = (await looks).filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(39);
    expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
  });

  test("get 20 turns a second", async () => {
    const pace = new Pace(() => 0);
    const turns = await Promise.allSettled(Array.from({ length: 100 }, () => pace.turn()));
    expect(turns.filter(({ status }) => status === "fulfilled")).toHaveLength(21);
  });
});
