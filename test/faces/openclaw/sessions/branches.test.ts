import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { BranchHead, TranscriptMessage } from "../../../../src/core/ports/transcripts.ts";
import { Branches } from "../../../../src/faces/openclaw/sessions/branches.ts";

const message = (id: string, place: Pick<TranscriptMessage, "seq" | "parentId">): TranscriptMessage => ({
  id,
  role: "user",
  content: [],
  timestamp: 1,
  ...place,
});
const idsOf = (messages: Iterable<TranscriptMessage>) => [...messages].map(({ id }) => id);

/** Adds messages to the active branch. */
function add(branches: Branches, ...ids: readonly string[]): void {
  for (const id of ids) branches.append(message(id, branches.place));
}

test("messages stored before there were branches are one branch", () => {
  const old = [1, 2, 3].map((seq) => message(String(seq), { seq }));
  const branches = new Branches(old);
  expect(idsOf(branches.active)).toEqual(["1", "2", "3"]);
  expect(branches.tips().map(({ message: { id }, isActive, length }) => [id, isActive, length])).toEqual([
    ["3", true, 3],
  ]);
});

test("a message names the one it follows only where that is not the one before it in time", () => {
  const branches = new Branches();
  add(branches, "q", "a");
  branches.turnTo(null);
  add(branches, "q'", "a'");
  expect(branches.all).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3, parentId: null }, { seq: 4 }]);
  expect(branches.all.filter((one) => "parentId" in one)).toHaveLength(1);
});

test("the end of a branch that was chosen stands until a message continues it, stored or not", () => {
  const branches = new Branches();
  add(branches, "q1", "a1", "q2", "a2");
  const head = branches.turnTo("a1");
  expect(idsOf(new Branches(branches.all, head).active)).toEqual(["q1", "a1"]);
  add(branches, "q3");
  // The chosen end is still stored: it means nothing any more.
  expect(idsOf(new Branches(branches.all, head).active)).toEqual(["q1", "a1", "q3"]);
});

test("a message that follows one that is not there, or itself, follows the one before it in time", () => {
  const broken = [message("1", { seq: 1, parentId: "gone" }), message("2", { seq: 2, parentId: "2" })];
  expect(idsOf(new Branches(broken).active)).toEqual(["1", "2"]);
});

test("the ends of branches are listed with the active one first, then the newest; an inner message only if it is active", () => {
  const branches = new Branches();
  add(branches, "q1", "a1", "q2", "a2");
  branches.turnTo("a1");
  const list = () =>
    branches
      .tips()
      .map(({ message: { id }, isActive, length, back }) => [id, isActive, length, idsOf(back()).join("<")]);
  expect(list()).toEqual([
    ["a1", true, 2, "a1<q1"],
    ["a2", false, 4, "a2<q2<a1<q1"],
  ]);
  add(branches, "q3");
  branches.turnTo(null);
  add(branches, "q4");
  branches.turnTo("a2");
  expect(list()).toEqual([
    ["a2", true, 4, "a2<q2<a1<q1"],
    ["q4", false, 1, "q4"],
    ["q3", false, 3, "q3<a1<q1"],
  ]);
});

describe("any history of sending and turning", () => {
  /** Sends a message, or turns to the nth message ever sent, 0 for the beginning. */
  const step = fc.oneof(fc.constant("send" as const), fc.nat(20));

  test("shows the branch that a tree of pointers has, before and after it is stored", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let branches = new Branches();
        let head: BranchHead | undefined;
        const parents = new Map<string, string | null>();
        let leaf: string | null = null;
        for (const what of steps) {
          if (what === "send") {
            const id = `m${parents.size}`;
            parents.set(id, leaf);
            add(branches, id);
            leaf = id;
          } else {
            leaf = [null, ...parents.keys()][what % (parents.size + 1)] ?? null;
            head = branches.turnTo(leaf);
          }
          const path: string[] = [];
          for (let id = leaf; id !== null; id = parents.get(id) ?? null) path.unshift(id);
          expect(idsOf(branches.active)).toEqual(path);
          branches = new Branches(structuredClone(branches.all), head);
          expect(idsOf(branches.active)).toEqual(path);
          const ends = [...parents.keys()].filter((id) => id === leaf || ![...parents.values()].includes(id));
          expect(idsOf(branches.tips().map((tip) => tip.message)).sort()).toEqual(ends.sort());
        }
      }),
    );
  });
});
