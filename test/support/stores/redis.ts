import { describeWith } from "../jest/describe-with.ts";
import { CAN_RUN, TestRedis } from "./redis-server.ts";

export { TestRedis };

/** Whether this machine has a `redis-server` for tests. */
export const hasRedis: boolean = CAN_RUN;

/** A suite with a Redis of its own. */
export const describeWithRedis = describeWith("redis-server", CAN_RUN, () => TestRedis.start());
