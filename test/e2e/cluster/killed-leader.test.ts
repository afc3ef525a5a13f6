import { expect, test } from "@jest/globals";
import { killChats } from "../../support/openclaw/killed-chats.ts";
import { describeWithRedis } from "../../support/stores/redis.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const newDirectory = temporaryDirectories();

describeWithRedis("conversations of three nodes", (redis) => {
  test("lose no question when the node that serves them is killed, run what waited once, and show nothing less or else", async () => {
    const { faults, interrupted, ranLater } = await killChats({
      seed: 7,
      kills: 1,
      directory: newDirectory(),
      redisUrl: redis().url,
    });
    expect(faults).toEqual([]);
    expect(interrupted).toBeGreaterThan(0);
    expect(ranLater).toBeGreaterThan(0);
  });
});
