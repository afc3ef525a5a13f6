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
    const routes = {
      chat: {
        dialect: "openai-chat",
        baseUrl: "http://127.0.0.1:1/v1",
        key: "k",
        passThrough: ["POST /v1/embeddings"],
      },
      anthropic: { dialect: "anthropic-messages", baseUrl: "http://127.0.0.1:1", key: "k" },
      responses: { dialect: "openai-responses", baseUrl: "http://127.0.0.1:1/v1", key: "k" },
      gemini: { dialect: "google-gemini", baseUrl: "http://127.0.0.1:1/v1beta", key: "k" },
      plain: { dialect: "plain-sse", baseUrl: "http://127.0.0.1:1", key: "k" },
    };
    await using alone = await startCapped(directory(), KEYS, 1, undefined, { routes });
    await using together = await startCapped(directory(), KEYS, 1, redis().url, { routes });
    for (const key of Object.keys(KEYS)) {
      for (const [face, ask] of Object.entries(FACES)) {
        // It counts no tokens.
        if (face === "pass-through" && key === "for good") continue;
        const expected = await ask(alone.gateways[0]?.url ?? "", alone.secret(key));
        const found = await ask(together.gateways[0]?.url ?? "", together.secret(key));
        expect([key, face, found]).toEqual([key, face, expected]);
      }
    }
    const events = (lines: readonly Record<string, unknown>[]) =>
      lines.filter(({ event }) => event === "refused" || event === "stream").map(({ event, code }) => [event, code]);
    const [here, there] = [alone, together].map(({ gateways }) => events(gateways[0]?.log.lines ?? []));
    expect(there).toEqual(here);
  });
});
