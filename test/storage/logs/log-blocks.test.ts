import { expect, test } from "@jest/globals";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import { LogBlocks } from "../../../src/storage/logs/log-blocks.ts";
import { noFault } from "../../support/relay/no-fault.ts";

test("a block that was given back is the next one taken", () => {
  const blocks = new LogBlocks(new ReadTurn(noFault));
  const [first, second] = [blocks.take(), blocks.take()];
  blocks.giveBack(first);
  expect(blocks.take()).toBe(first);
  expect(blocks.take()).not.toBe(second);
  expect(blocks.taken).toBe(3);
});

test("16 MiB of free blocks are kept, no more", () => {
  const blocks = new LogBlocks(new ReadTurn(noFault));
  const taken = Array.from({ length: 1_025 }, () => blocks.take());
  for (const block of taken) blocks.giveBack(block);
  const known = new Set(taken);
  const again = Array.from({ length: 1_025 }, () => blocks.take());
  expect(again.filter((block) => known.has(block))).toHaveLength((16 * 1_048_576) / blocks.blockBytes);
});

test("work after a read waits for its end, and is refused outside of reads", () => {
  const reads = new ReadTurn(noFault);
  const blocks = new LogBlocks(reads);
  const done: string[] = [];
  expect(blocks.afterRead(() => done.push("never"))).toBe(false);
  reads.begin();
  expect(blocks.afterRead(() => done.push("after"))).toBe(true);
  expect(done).toEqual([]);
  reads.end();
  expect(done).toEqual(["after"]);
});
