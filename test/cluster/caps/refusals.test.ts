import { expect, test } from "@jest/globals";
import { describeWithRedis } from "../../support/redis.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { FACES, startCapped } from "./capped-gateways.ts";

const directory = temporaryDirectories();

const KEYS = {
  "for good": { tokensPerDay: 1 },
  "for a minute": { requestsPerMinute: 0 },
  "while others run": { concurrentStreams: 0 },
  "for its cost": { costPerDay: 1e-9 },
};

describeWithRedis("an open that the caps of a cluster refuse", (redis) => {
  test("is answered on every face as one process answers it, and runs nowhere", async () => {
    await using alone = await startCapped(directory(), KEYS);
    await using together = await startCapped(directory(), KEYS, 1, redis().url);
    for (const key of Object.keys(KEYS)) {
      for (const [face, ask] of Object.entries(FACES)) {
        const expected = await ask(alone.gateways[0]?.url ?? "", alone.secret(key));
        const found = await ask(together.gateways[0]?.url ?? "", together.secret(key));
        expect([key, face, found]).toEqual([key, face, expected]);
      }
    }
    expect(together.upstream.requests).toBe(0);
    const events = (lines: readonly Record<string, unknown>[]) =>
      lines.map(({ event, code }) => [event, code]).slice(1);
    const [here, there] = [alone, together].map(({ gateways }) => events(gateways[0]?.log.lines ?? []));
    expect(there).toEqual(here);
  });
});
