import { afterAll, beforeAll, describe } from "@jest/globals";
import { CAN_RUN, TestRedis } from "./redis-server.ts";

export { TestRedis };

/** Whether this machine has a `redis-server` for tests. */
export const hasRedis: boolean = CAN_RUN;

/** A suite with a Redis of its own; skipped, and said so, where there is no `redis-server`. */
export function describeWithRedis(name: string, suite: (redis: () => TestRedis) => void): void {
  if (!CAN_RUN) {
    describe.skip(`${name} (skipped: there is no redis-server here)`, () => suite(() => never()));
    return;
  }
  describe(name, () => {
    let redis: TestRedis | undefined;
    beforeAll(async () => {
      redis = await TestRedis.start();
    });
    afterAll(() => redis?.stop());
    suite(() => redis ?? never());
  });
}

function never(): never {
  throw new Error("there is no Redis");
}
